"""Whoever does not answer is given up on after a moment: the database, or a sender's slow body.

A refused connection fails by itself. A server that hangs (stopped, swapped out, a lock held for
long) would hold a web thread for as long as it likes: nothing on this side ends the wait.
So one thread looks after all waits, and shuts the socket under a wait that is overdue; the driver
then raises as if the server had gone.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db import Error as AnyDatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import OperationalError

_LOOK_EVERY = 0.05
# Whoever waited so long for the database and got nothing waited in vain; so many in a row are no
# accident, while a single one may have asked for too much.
_IN_VAIN_SECONDS, _HANGS_AFTER = 1.0, 2


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Within, this thread's database connection is shut `seconds` from now, and a query fails."""
    with _over_after(seconds, partial(_shut, connections[DEFAULT_DB_ALIAS])):
        yield


class Unanswered(DatabaseError):
    """The database hangs, and somebody else waits for it already."""


class _Seen:
    """How the database answered this process lately."""

    def __init__(self) -> None:
        # Not exact under threads, and need not be.
        self.in_vain = 0
        self.trial = threading.Lock()


_seen = _Seen()


@contextmanager
def trying(seconds: float, *, proves: bool = True) -> Iterator[None]:
    """As `at_most`; but while the database hangs one at a time waits for it, and all others hear
    Unanswered at once.

    It hangs until somebody comes through here, who `proves` by it that it answers.
    """
    is_trial = _seen.in_vain >= _HANGS_AFTER
    if is_trial and not _seen.trial.acquire(blocking=False):
        raise Unanswered("The database does not answer, and somebody waits for it already.")
    began = time.monotonic()
    try:
        with at_most(seconds):
            yield
        if proves and _seen.in_vain:
            _seen.in_vain = 0
    except AnyDatabaseError:
        if time.monotonic() - began >= _IN_VAIN_SECONDS:
            _seen.in_vain += 1
        raise
    finally:
        if is_trial:
            _seen.trial.release()


@contextmanager
def receiving(wire: socket.socket | None, seconds: float) -> Iterator[None]:
    """Within, nothing more is received over this wire `seconds` from now; it can still be answered.

    A timeout of the socket itself starts anew with every byte.
    """
    if wire is None:
        yield
        return
    with _over_after(seconds, partial(_deafen, wire)):
        yield


@contextmanager
def receiving_over(wire_of: Callable[[], socket.socket | None], seconds: float) -> Iterator[None]:
    """As `receiving`, over a wire that may be another one by then (TLS takes over the first)."""
    with _over_after(seconds, lambda: _deafen(wire_of())):
        yield


@contextmanager
def _over_after(seconds: float, end: Callable[[], None]) -> Iterator[None]:
    token = _watch.begin(end, time.monotonic() + seconds)
    try:
        yield
    finally:
        _watch.end(token)


class _Watch:
    """The waits there are, each with when it is over and what ends it."""

    def __init__(self) -> None:
        self._waits: dict[int, tuple[Callable[[], None], float]] = {}
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def begin(self, end: Callable[[], None], until: float) -> int:
        with self._changed:
            token = next(self._numbers)
            self._waits[token] = (end, until)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
                self._thread.start()
            if len(self._waits) == 1:
                self._changed.notify()
        return token

    def end(self, token: int) -> None:
        with self._changed:
            self._waits.pop(token, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waits:
                    self._changed.wait()
                self._shut_overdue()
            time.sleep(_LOOK_EVERY)

    def _shut_overdue(self) -> None:
        now = time.monotonic()
        for token, (end, until) in list(self._waits.items()):
            if now >= until:
                del self._waits[token]
                end()


def _deafen(wire: socket.socket | None) -> None:
    # It may be gone by itself meanwhile.
    with suppress(OSError):
        if wire is not None:
            wire.shutdown(socket.SHUT_RD)


def _shut(database: BaseDatabaseWrapper) -> None:
    """Shut the socket under a driver's connection; its own thread closes the rest."""
    driver = database.connection
    # OSError, OperationalError: it is gone by itself meanwhile.
    with suppress(OSError, OperationalError):
        if driver is not None:
            with socket.socket(fileno=os.dup(driver.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)


_watch = _Watch()
