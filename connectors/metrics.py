"""How connections stand: what came, what was refused, what waits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.utils import timezone

from connectors.models import Connection
from meshline.web import words

# Beyond this many a day, "that many and more" says enough, and counting on would cost.
COUNTED = 10_000
REFUSED_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Standing:
    """One connection with its numbers."""

    connection: Connection
    last_event_at: datetime | None
    today: int
    refused: int
    waiting: int
    at: datetime

    @property
    def today_words(self) -> str:
        return f"{COUNTED:,}+" if self.today > COUNTED else f"{self.today:,}"

    @property
    def is_late(self) -> bool:
        """Whether it has been silent for longer than it usually is."""
        if self.connection.expected_every is None or not self.connection.is_active:
            return False
        silent = self.at - (self.last_event_at or self.connection.created_at)
        return silent > timedelta(minutes=self.connection.expected_every)

    @property
    def rhythm(self) -> str:
        """Such as "expected every 1 h 30 m"; empty when nothing is."""
        every = self.connection.expected_every
        return f"expected every {words.span(timedelta(minutes=every))}" if every else ""


_STANDINGS = """
SELECT c.id, (
    SELECT m.received_at FROM connectors_message m
    WHERE m.connection_id = c.id ORDER BY m.id DESC LIMIT 1
), (
    SELECT count(*) FROM (
        SELECT m.received_at FROM connectors_message m
        WHERE m.connection_id = c.id ORDER BY m.id DESC LIMIT %(most)s
    ) newest WHERE newest.received_at >= %(today)s
), (
    SELECT count(*) FROM connectors_rejectedreceipt r
    WHERE r.connection_id = c.id AND r.at >= %(week)s
), (
    SELECT count(*) FROM proposals_outcome o
    WHERE o.connection = c.slug AND o.state IN ('due', 'leased', 'held', 'delivered')
)
FROM connectors_connection c WHERE c.id = ANY(%(ids)s)
"""


def standings(connections: Iterable[Connection], *, at: datetime) -> list[Standing]:
    """Each connection with its numbers, in one question; "today" is the reader's own day."""
    connections = list(connections)
    facts: dict[str, Any] = {
        "ids": [one.pk for one in connections],
        "most": COUNTED + 1,
        "today": timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0),
        "week": at - REFUSED_WITHIN,
    }
    with database.cursor() as cursor:
        cursor.execute(_STANDINGS, facts)
        numbers = {pk: counted for pk, *counted in cursor.fetchall()}
    return [_standing(one, numbers[one.pk], at) for one in connections]


def _standing(one: Connection, numbers: list[Any], at: datetime) -> Standing:
    last_event_at, today, refused, waiting = numbers
    return Standing(one, last_event_at, today, refused, waiting, at)
