"""Does everything that came in and was promised add up, connection by connection?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database

from reconciliation.checks.check import Check, Failing, Finding

BACK = timedelta(days=30)
# What is overdue has its ticket within seconds; this long after, nobody will open one.
GRACE = timedelta(minutes=10)
# Every event is somewhere; a signal is what an event that was read has led to.
_EVENTS = """
SELECT c.id, count(*),
    count(*) FILTER (WHERE m.status IN ('digested', 'superseded') AND s.id IS NOT NULL),
    count(*) FILTER (WHERE m.status = 'ignored'),
    count(*) FILTER (WHERE m.status = 'quarantined'),
    count(*) FILTER (WHERE m.status = 'accepted')
FROM connectors_message m JOIN connectors_connection c ON c.id = m.connection_id
LEFT JOIN proposals_signal s ON s.id = m.signal_id
WHERE m.received_at BETWEEN %(since)s AND %(at)s AND NOT m.is_synthetic
GROUP BY c.id
"""
# Every outcome has ended, is under way in its time, waits for somebody, or has a ticket.
_OUTCOMES = """
SELECT c.id, count(*),
    count(*) FILTER (WHERE o.state IN ('proven', 'cancelled')),
    count(*) FILTER (WHERE o.state NOT IN ('proven', 'cancelled')
        AND (o.ticketed_at IS NOT NULL OR o.state = 'held' OR o.on_hold OR EXISTS (
            SELECT 1 FROM proposals_outcome e
            WHERE e.proposal_id = o.proposal_id AND e.connection = o.connection
              AND e.id < o.id AND e.state = 'held'))),
    count(*) FILTER (WHERE o.state IN ('due', 'leased', 'delivered') AND o.ticketed_at IS NULL
        AND NOT o.on_hold AND o.budget_ends_at > %(overdue)s)
FROM proposals_outcome o JOIN connectors_connection c ON c.slug = o.connection
WHERE o.promised_at BETWEEN %(since)s AND %(at)s AND NOT o.is_synthetic
GROUP BY c.id
"""
_NAMES = "SELECT id, slug, name FROM connectors_connection ORDER BY name, id"


def look(at: datetime) -> Finding:
    """The connections, and those at which the numbers of the last 30 days leave a hole."""
    told = {"since": at - BACK, "at": at, "overdue": at - GRACE}
    events, outcomes = _by_connection(_EVENTS, told), _by_connection(_OUTCOMES, told)
    there = [row for row in _rows(_NAMES) if row[0] in events or row[0] in outcomes]
    return Finding.of(len(there), _failing(there, events, outcomes))


def _failing(there: list[Any], events: dict[int, Any], outcomes: dict[int, Any]) -> Iterator:
    for pk, slug, name in there:
        words = [*_hole(events.get(pk), _says_events), *_hole(outcomes.get(pk), _says_outcomes)]
        if words:
            yield Failing(f"connection:{slug}", name, " ".join(words))


def _hole(counted: tuple[int, ...] | None, says: Any) -> Iterator[str]:
    """The sentence about what is nowhere, where something is."""
    if counted is None:
        return
    whole, *parts = counted
    if missing := whole - sum(parts):
        yield says(whole, parts, missing)


def _says_events(whole: int, parts: list[int], missing: int) -> str:
    read, ignored, held, waiting = parts
    return (
        f"Of {whole:,} events {read:,} were read, {ignored:,} ignored, {held:,} are in quarantine "
        f"and {waiting:,} wait: {missing:,} led to nothing."
    )


def _says_outcomes(whole: int, parts: list[int], missing: int) -> str:
    ended, told, in_time = parts
    return (
        f"Of {whole:,} outcomes {ended:,} have ended, {told:,} wait for somebody or have a ticket "
        f"and {in_time:,} are in time: {missing:,} are overdue, and nobody was told."
    )


def _by_connection(statement: str, told: dict[str, Any]) -> dict[int, tuple[int, ...]]:
    return {pk: tuple(counted) for pk, *counted in _rows(statement, told)}


def _rows(statement: str, told: dict[str, Any] | None = None) -> list[tuple]:
    with database.cursor() as cursor:
        cursor.execute(statement, told)
        return cursor.fetchall()


CHECK = Check(
    "count-delta", "Counts add up",
    "Everything that came in and everything that was promised is somewhere.",
    "Connections with events or outcomes in the last 30 days: events that came in against those "
    "read, ignored, in quarantine and waiting; outcomes promised against those ended, with a "
    "ticket, waiting for somebody and in time. Failing are those where something is missing.",
    timedelta(minutes=15), look,
    "Look in the connection's messages and outcomes for what is neither; then show it to whoever "
    "looks after Meshline, for nothing is ever dropped by itself.",
)  # fmt: skip
