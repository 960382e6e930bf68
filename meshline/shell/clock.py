"""The clock at work: sweeps and tasks of the timetable, each in its own rhythm.

Losing Redis costs it nothing, losing the database only the time until it is back. Whoever holds one
advisory lock of the database works; the others stand by and take over when its session ends: with
its process, or by the database's own hand when it has been silent for a while.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import Error, connection, connections
from django.utils.module_loading import import_string

from meshline import bell, logs, timetable
from meshline.pulse import pulse, vitals

log = logging.getLogger(__name__)

STANDBY = "clock-standby"
# Any number, as long as it is always the same: "mesh" as bytes.
_LOCK = 0x6D657368
_TICK = 1.0  # seconds
# Sweeps must be back soon after the database is; see the supervisor's longest wait.
_LONGEST_WAIT = 8.0
# No statement of the clock is worth waiting for longer, in milliseconds.
_STATEMENT_TIMEOUT = 30_000
# A clock speaks every second. One that does not (stopped, hung, its machine gone) loses its session
# after so many milliseconds, and with it the lock.
_LONGEST_SILENCE = 15_000


class Clock:
    """One clock: its rhythm, and the database session in which it holds the lock."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._session: Any = None
        self._failures = 0
        self._aside: dict[str, threading.Thread] = {}
        self._since = datetime.now(UTC).isoformat()

    def run(self) -> None:
        """Tick for ever."""
        while True:
            time.sleep(self.tick())

    def tick(self) -> float:
        """Look once; how many seconds to wait until the next look."""
        try:
            self._beat()
            if self._is_working():
                self._walk()
        except Error as error:
            return self._note_loss(error)
        self._failures = 0
        return _TICK

    def _beat(self) -> None:
        detail = {"host": socket.gethostname(), "pid": os.getpid(), "since": self._since}
        pulse.beat(vitals.CLOCK if self._take_lock() else STANDBY, **detail)

    def _take_lock(self) -> bool:
        """The lock belongs to a session: a new connection has to take it again."""
        if self._is_working():
            return True
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, false),"
                " set_config('idle_session_timeout', %s, false),"
                " set_config('idle_in_transaction_session_timeout', %s, false)",
                [f"{_STATEMENT_TIMEOUT}", f"{_LONGEST_SILENCE}", f"{_LONGEST_SILENCE}"],
            )
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            if cursor.fetchone()[0]:
                self._session = connection.connection
                log.info("This clock works from now on.")
        return self._is_working()

    def _is_working(self) -> bool:
        return self._session is not None and self._session is connection.connection

    def _walk(self) -> None:
        for sweep in timetable.SWEEPS:
            self._when_due(f"sweep {sweep.bell}", sweep.every, partial(_sweep, sweep))
        for task in timetable.TASKS:
            act = partial(self._aside_of, task) if task.aside else partial(_do, task)
            self._when_due(f"task {task.name}", task.every, act, first_after=task.first_after)

    def _aside_of(self, task: timetable.Task) -> None:
        """Do a longer task in a thread of its own, unless it is still at the last time's."""
        before = self._aside.get(task.name)
        if before is None or not before.is_alive():
            thread = threading.Thread(target=_do_aside, args=[task], name=task.name, daemon=True)
            self._aside[task.name] = thread
            thread.start()

    def _when_due(
        self, name: str, every: float, act: Callable[[], object], *, first_after: float = 0.0
    ) -> None:
        now = time.monotonic()
        if now < self._next.setdefault(name, now + first_after):
            return
        self._next[name] = now + every
        with logs.about(task=name):
            self._try(name, act)

    def _try(self, name: str, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            if isinstance(error, Error) and not connection.is_usable():
                raise
            # One broken look must not keep the others from theirs.
            log.exception("The clock's %s failed.", name)

    def _note_loss(self, error: Error) -> float:
        self._failures += 1
        wait = min(2.0 ** (self._failures - 1), _LONGEST_WAIT)
        log.warning("The clock lost the database, next try in %.0f s: %s", wait, error)
        connection.close()
        self._session = None
        return wait


def _sweep(sweep: timetable.Sweep) -> None:
    if import_string(sweep.due)():
        bell.push(sweep.bell)


def _do(task: timetable.Task) -> None:
    """Do a task and write down how it went. What breaks is the caller's to tell."""
    began = time.monotonic()
    pulse.task_begins(task.name, every=task.every)
    try:
        import_string(task.run)()
    except Exception as error:
        _note_end(task, began, f"{type(error).__name__}: {error}")
        raise
    _note_end(task, began, "")


def _do_aside(task: timetable.Task) -> None:
    try:
        with logs.about(task=f"task {task.name}"):
            _do(task)
    except Exception:
        log.exception("The clock's task %s failed.", task.name)
    finally:
        connections.close_all()


def _note_end(task: timetable.Task, began: float, error: str) -> None:
    # Without the database there is nowhere to write it; the log has it then.
    with suppress(Error):
        pulse.task_ended(task.name, seconds=time.monotonic() - began, error=error)
