"""How connections stand: what came, what was refused, what waits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db.models import Count
from django.utils import timezone

from connectors.models import Connection
from meshline.web import words
from proposals.models import Outcome
from proposals.models.outcome import WAITING, State

# Beyond this many a day, "that many and more" says enough, and counting on would cost.
COUNTED = 10_000
# Of so many of the newest events one sees how often they come.
NEWEST = 20
REFUSED_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Standing:
    """One connection with its numbers."""

    connection: Connection
    last_event_at: datetime | None
    today: int
    refused: int
    waiting: int
    # From one of its newest events to the next, on average; None of fewer than two.
    lately: timedelta | None
    # What is left of what it allows, as it said itself when it was looked through last.
    quota: str
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
        """Such as "expected every 1 h 30 m, lately every 12 m"."""
        every = self.connection.expected_every
        agreed = f"expected every {words.span(timedelta(minutes=every))}" if every else ""
        lately = f"lately every {words.span(self.lately)}" if self.lately else ""
        return ", ".join(part for part in (agreed or "no rhythm agreed", lately) if part)


_STANDINGS = """
SELECT c.id, (
    SELECT m.received_at FROM connectors_message m
    WHERE m.connection_id = c.id AND NOT m.is_synthetic ORDER BY m.id DESC LIMIT 1
), (
    SELECT count(*) FROM (
        SELECT m.received_at FROM connectors_message m
        WHERE m.connection_id = c.id AND NOT m.is_synthetic ORDER BY m.id DESC LIMIT %(most)s
    ) newest WHERE newest.received_at >= %(today)s
), (
    SELECT count(*) FROM connectors_rejectedreceipt r
    WHERE r.connection_id = c.id AND r.at >= %(week)s
), (
    SELECT count(*) FROM proposals_outcome o
    WHERE o.connection = c.slug AND o.state IN ('due', 'leased', 'held', 'delivered')
      AND NOT o.is_synthetic
), (
    SELECT (max(received_at) - min(received_at)) / nullif(count(*) - 1, 0) FROM (
        SELECT m.received_at FROM connectors_message m
        WHERE m.connection_id = c.id AND NOT m.is_synthetic ORDER BY m.id DESC LIMIT %(newest)s
    ) newest
), coalesce((
    SELECT s.quota FROM connectors_synccursor s WHERE s.connection_id = c.id AND s.quota <> ''
    ORDER BY s.looked_at DESC NULLS LAST LIMIT 1
), '')
FROM connectors_connection c WHERE c.id = ANY(%(ids)s)
"""


def standings(connections: Iterable[Connection], *, at: datetime) -> list[Standing]:
    """Each connection with its numbers, in one question; "today" is the reader's own day."""
    connections = list(connections)
    facts: dict[str, Any] = {
        "ids": [one.pk for one in connections],
        "most": COUNTED + 1,
        "newest": NEWEST,
        "today": timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0),
        "week": at - REFUSED_WITHIN,
    }
    with database.cursor() as cursor:
        cursor.execute(_STANDINGS, facts)
        numbers = {pk: counted for pk, *counted in cursor.fetchall()}
    return [_standing(one, numbers[one.pk], at) for one in connections]


def _standing(one: Connection, numbers: list[Any], at: datetime) -> Standing:
    last_event_at, today, refused, waiting, lately, quota = numbers
    return Standing(one, last_event_at, today, refused, waiting, lately, quota, at)


@dataclass(frozen=True)
class Backlog:
    """One queue: how much waits, is due, is held back, is being worked on; how old the oldest."""

    name: str
    waiting: int
    due: int
    oldest: timedelta | None
    held: int
    leased: int
    lapsed: int


@dataclass(frozen=True)
class Stopped:
    """A connection over which nothing goes out freely, and what waits behind it."""

    connection: Connection
    held: int


_BACKLOGS = """
SELECT 'inbox', count(*),
    count(*) FILTER (WHERE is_due AND is_free AND is_open),
    max(age) FILTER (WHERE is_due AND is_free AND is_open),
    count(*) FILTER (WHERE NOT is_open),
    count(*) FILTER (WHERE lease_until >= clock_timestamp()),
    count(*) FILTER (WHERE lease_until < clock_timestamp())
FROM (
    SELECT m.lease_until, clock_timestamp() - m.next_attempt_at AS age,
        m.next_attempt_at <= clock_timestamp() AS is_due,
        m.lease_until IS NULL AS is_free, c.status = 'active' AS is_open
    FROM connectors_message m JOIN connectors_connection c ON c.id = m.connection_id
    WHERE m.status = 'accepted' AND NOT m.is_synthetic
) m
UNION ALL
SELECT tier, count(*),
    count(*) FILTER (WHERE is_due AND is_free AND is_open),
    max(age) FILTER (WHERE is_due AND is_free AND is_open),
    count(*) FILTER (WHERE NOT is_open),
    count(*) FILTER (WHERE lease_until >= clock_timestamp()),
    count(*) FILTER (WHERE lease_until < clock_timestamp())
FROM (
    SELECT o.tier, o.lease_until, clock_timestamp() - o.next_attempt_at AS age,
        o.next_attempt_at <= clock_timestamp() AS is_due, o.state <> 'leased' AS is_free,
        coalesce(c.status = 'active' AND c.breaker = 'closed', o.connection <> '') AS is_open
    FROM proposals_outcome o LEFT JOIN connectors_connection c ON c.slug = o.connection
    WHERE o.state IN ('due', 'leased', 'delivered') AND NOT o.is_synthetic
) o GROUP BY tier
"""


def backlogs() -> dict[str, Backlog]:
    """The inbox, and of the outbox each tier that has anything waiting."""
    with database.cursor() as cursor:
        cursor.execute(_BACKLOGS)
        return {name: Backlog(name, *numbers) for name, *numbers in cursor.fetchall()}


def stopped() -> list[Stopped]:
    """Connections that are paused, disabled or behind their breaker, the oldest trouble first."""
    there = Connection.objects.exclude(status="active", breaker="closed").order_by("changed_at")
    waiting = Outcome.objects.filter(state__in=[*WAITING, State.DELIVERED])
    counted = dict(
        waiting.filter(connection__in=[one.slug for one in there])
        .order_by()
        .values_list("connection")
        .annotate(Count("pk"))
    )
    return [Stopped(one, counted.get(one.slug, 0)) for one in there]
