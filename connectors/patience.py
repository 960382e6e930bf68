"""A database that does not answer is given up on after a moment.

A refused connection fails by itself. A server that hangs (stopped, swapped out, a lock held for
long) would hold a web thread for as long as it likes: nothing on this side ends the wait.
So one thread looks after all waits, and shuts the socket under a wait that is overdue; the driver
then raises as if the server had gone.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import Connection, OperationalError

_LOOK_EVERY = 0.05


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Within, this thread's database connection is shut `seconds` from now, and a query fails."""
    token = _watch.begin(connections[DEFAULT_DB_ALIAS], time.monotonic() + seconds)
    try:
        yield
    finally:
        _watch.end(token)


class _Watch:
    """The waits there are, each with its connection and when it is over."""

    def __init__(self) -> None:
        self._waits: dict[int, tuple[BaseDatabaseWrapper, float]] = {}
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def begin(self, waiting_for: BaseDatabaseWrapper, until: float) -> int:
        with self._changed:
            token = next(self._numbers)
            self._waits[token] = (waiting_for, until)
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
        for token, (waiting_for, until) in list(self._waits.items()):
            if now >= until:
                del self._waits[token]
                _shut(waiting_for.connection)


def _shut(driver: Connection | None) -> None:
    """Shut the socket under a driver's connection; its own thread closes the rest."""
    # OSError, OperationalError: it is gone by itself meanwhile.
    with suppress(OSError, OperationalError):
        if driver is not None:
            with socket.socket(fileno=os.dup(driver.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)


_watch = _Watch()
