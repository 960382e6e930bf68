"""Leases seen from outside: what was in a killed worker's hands, and when somebody else had it."""

import threading
import time
from dataclasses import dataclass, field

import psycopg

from tests.faults.house import House
from tests.faults.size import SIZE

# Everything that is not done, and who has it in hand.
_OPEN = """
SELECT 'message:' || id, lease_owner::text FROM connectors_message WHERE status = 'accepted'
UNION ALL
SELECT 'outcome:' || id, lease_owner::text FROM proposals_outcome
WHERE state IN ('due', 'leased', 'delivered')
"""
_LOOKS_EVERY = 0.25


@dataclass
class Watch:
    """Looks at every lease a few times a second, and knows which were held when somebody died.

    `back` has, for each of them, seconds from the kill until the row was done or in other hands.
    Most were not the killed one's and end in the moment; those that outlived a lease were.
    """

    house: House
    back: list[float] = field(default_factory=list)
    _last: dict[str, str | None] = field(default_factory=dict)
    _killed: dict[str, tuple[str, float]] = field(default_factory=dict)
    _kill: float | None = None
    _session: psycopg.Connection | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._session:
            self._session.close()

    def note_kill(self) -> None:
        """Somebody was killed just now: all that is leased may have been in their hands.

        What is found at the next look counts as well: it may have been claimed since the last one.
        """
        with self._lock:
            self._kill = time.monotonic()
            self._note(self._last)

    @property
    def outstanding(self) -> int:
        with self._lock:
            return len(self._killed)

    @property
    def lapsed(self) -> list[float]:
        """Those that came back by the end of their lease."""
        return [seconds for seconds in self.back if seconds > SIZE.lease - 1]

    def _run(self) -> None:
        while not self._over.wait(_LOOKS_EVERY):
            now = time.monotonic()
            try:
                found = self._look()
            except psycopg.Error:
                self._session = None
                continue
            with self._lock:
                self._last = found
                self._compare(found, now)
                self._note(found)
                self._kill = None

    def _note(self, found: dict[str, str | None]) -> None:
        if self._kill is not None:
            held = {row: (owner, self._kill) for row, owner in found.items() if owner is not None}
            self._killed = held | self._killed

    def _compare(self, found: dict[str, str | None], now: float) -> None:
        for row, (owner, since) in list(self._killed.items()):
            # A lease that was only taken off the row is with nobody yet.
            if row not in found or found[row] not in (owner, None):
                self.back.append(now - since)
                del self._killed[row]

    def _look(self) -> dict[str, str | None]:
        if self._session is None:
            self._session = self.house.database()
        return dict(self._session.execute(_OPEN).fetchall())
