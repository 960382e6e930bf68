"""Leases seen from outside: what was in a killed worker's hands, and when somebody else had it."""

import threading
import time
from dataclasses import dataclass, field

import psycopg

from tests.faults.house import House

_LEASED = """
SELECT 'message:' || id, lease_owner::text, crashes FROM connectors_message
WHERE status = 'accepted' AND lease_owner IS NOT NULL
UNION ALL
SELECT 'outcome:' || id, lease_owner::text, crashes FROM proposals_outcome WHERE state = 'leased'
"""
_LOOKS_EVERY = 0.2


@dataclass
class Watch:
    """Looks at every lease a few times a second, and knows which were held when a worker died.

    `back` holds, for each such lease that was not ended by its own holder within the moment, the
    seconds from the kill until the row was somebody else's or done.
    """

    house: House
    back: list[float] = field(default_factory=list)
    _held: dict[tuple[str, str], float] = field(default_factory=dict)
    _killed: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def note_kill(self) -> None:
        """Somebody was killed just now: all that is leased may have been in their hands."""
        now = time.monotonic()
        for row in self._look():
            with self._lock:
                self._killed.setdefault(row, now)

    def note_mend(self) -> None:
        """The database was away: nobody can be back before it is, so the waits begin anew."""
        with self._lock:
            self._killed = dict.fromkeys(self._killed, time.monotonic())

    @property
    def outstanding(self) -> int:
        with self._lock:
            return len(self._killed)

    def _run(self) -> None:
        while not self._over.wait(_LOOKS_EVERY):
            begun = time.monotonic()
            try:
                leased = self._look(strict=True)
            except psycopg.Error:
                continue
            self._compare(leased, begun)

    def _compare(self, leased: set[tuple[str, str]], now: float) -> None:
        with self._lock:
            ended = [row for row in self._killed if row not in leased]
            for row in ended:
                self.back.append(now - self._killed.pop(row))

    def _look(self, *, strict: bool = False) -> set[tuple[str, str]]:
        try:
            with self.house.database() as session:
                return {(row, owner) for row, owner, _ in session.execute(_LEASED).fetchall()}
        except psycopg.Error:
            if strict:
                raise
            return set()
