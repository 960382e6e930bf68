"""When each stage of an event's way was reached, read from the rows that say so themselves.

An event is a signal that came from outside and led to something promised. Its way is carried and
proven when everything that is still wanted of it is.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from reconciliation import legs
from reconciliation.legs import Clock
from reconciliation.touches import ACTS, CONTACTS

# What was promised of an event later on, because somebody changed its record, is not its own.
_PROMISED = """
    SELECT o.*, o.state <> 'cancelled' AS is_wanted,
        coalesce(o.delivered_at, o.proven_at) AS reached,
        CASE WHEN o.proven_at IS NULL THEN o.state <> 'held' AND o.budget_ends_at <= %(at)s
            ELSE o.proven_at > o.budget_ends_at END AS is_late,
        min(o.promised_at) OVER (PARTITION BY o.signal_id) AS routed
    FROM proposals_outcome o
    WHERE o.proposal_id = ANY(%(ids)s) AND o.signal_id IS NOT NULL
"""
_LED = f"""
    SELECT o.signal_id, o.routed,
        CASE WHEN bool_and(o.reached IS NOT NULL) FILTER (WHERE is_wanted)
            THEN max(o.reached) FILTER (WHERE is_wanted) END AS carried,
        CASE WHEN bool_and(o.proven_at IS NOT NULL) FILTER (WHERE is_wanted)
            THEN max(o.proven_at) FILTER (WHERE is_wanted) END AS proven,
        CASE WHEN NOT bool_or(is_wanted) THEN 'off'
            WHEN bool_or(is_wanted AND is_late) THEN 'late'
            WHEN bool_and(o.proven_at IS NOT NULL) FILTER (WHERE is_wanted) THEN 'in-time'
            ELSE 'open' END AS verdict,
        min(o.budget_ends_at) FILTER (
            WHERE is_wanted AND o.proven_at IS NULL AND o.state <> 'held') AS due,
        min(c.trigger) AS path, (array_agg(o.tier ORDER BY o.tier_rank, o.id))[1] AS tier
    FROM ({_PROMISED}) o JOIN proposals_contract c ON c.id = o.contract_id
    WHERE o.promised_at = o.routed
    GROUP BY o.signal_id, o.routed
"""
_EVENTS = """
    SELECT s.id AS signal_id, s.proposal_id, 'proposal:' || s.proposal_id AS record, s.source,
        s.kind, s.occurred_at AS occurred, coalesce(m.received_at, s.received_at) AS received,
        least(m.digested_at, led.routed) AS translated, led.routed, led.carried, led.proven,
        led.verdict, CASE WHEN led.verdict = 'open' THEN led.due END AS due, led.path, led.tier,
        row_number() OVER its = 1 AS is_first
    FROM led JOIN proposals_signal s ON s.id = led.signal_id
    LEFT JOIN connectors_message m ON m.id = substring(s.origin FROM 'message:([0-9]+)$')::bigint
    WHERE s.origin LIKE 'message:%%' AND NOT s.is_synthetic
    WINDOW its AS (PARTITION BY s.proposal_id ORDER BY s.received_at, s.id)
"""
# Everything that is known of the events of the proposals `ids` at the moment `at`.
STAMPS = f"""
    WITH led AS ({_LED}), events AS ({_EVENTS})
    SELECT e.*, first.touched, theirs.touches, theirs.hand_overs, p.owner_id AS owner,
        u.team_id AS team
    FROM events e JOIN proposals_proposal p ON p.id = e.proposal_id
    JOIN people_user u ON u.id = p.owner_id
    CROSS JOIN LATERAL (
        SELECT min(greatest(contact.at, e.received)) AS touched FROM ({CONTACTS}) contact
        WHERE contact.at >= least(e.occurred, e.received)) first
    CROSS JOIN LATERAL (
        SELECT count(*) AS touches, count(*) FILTER (WHERE is_hand_over) AS hand_overs
        FROM ({ACTS}) act WHERE act.at >= e.received AND e.is_first) theirs
"""
# The events that began since then and had come until then, by themselves.
SIGNALS = """
    SELECT s.id FROM proposals_signal s
    WHERE least(s.occurred_at, s.received_at) >= %(since)s AND s.occurred_at >= %(since)s
        AND s.received_at >= %(since)s AND s.received_at < %(until)s
        AND s.origin LIKE 'message:%%' AND NOT s.is_synthetic
        AND EXISTS (SELECT FROM proposals_outcome o WHERE o.signal_id = s.id)
"""
_COLUMNS = "signal_id, kind, path, source, occurred, received, translated, routed, carried, " \
    "proven, touched, verdict"  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One event of a record with its stamps."""

    signal_id: int
    kind: str
    path: str
    source: str
    occurred: datetime
    received: datetime
    translated: datetime | None
    routed: datetime
    carried: datetime | None
    proven: datetime | None
    touched: datetime | None
    verdict: str

    def clock(self, *, at: datetime) -> Clock:
        stamps = {stage.name: getattr(self, stage.name) for stage in legs.STAGES}
        return legs.split(self.occurred, stamps, at=at)


def of(proposal_ids: Collection[int], *, at: datetime) -> Iterator[Event]:
    """The events of these proposals, the newest first."""
    query = f"SELECT {_COLUMNS} FROM ({STAMPS}) found ORDER BY received DESC, signal_id DESC"
    with connection.cursor() as cursor:
        cursor.execute(query, {"ids": list(proposal_ids), "at": at})
        yield from (Event(*row) for row in cursor.fetchall())
