"""What holds of every message, and that nothing waits for anything but rows in the database."""

from connectors import digest, health, registry
from exceptions.invariants import ON_A_TICKET
from meshline.invariants import LEASE_GRACE, Invariant, breaches
from proposals import outbox

# A page in hand holds up whoever would take the next: twice its time, and the sweep's pause.
SYNC_GRACE = 60

# Done is digested, ignored or superseded; waiting has a due time, and none is months away.
_ADRIFT = f"""
SELECT m.id, m.status, m.next_attempt_at IS NULL OR m.next_attempt_at > now() + interval '31 days'
FROM connectors_message m
WHERE m.status NOT IN ('digested', 'ignored', 'superseded')
  AND NOT (m.status = 'accepted' AND m.next_attempt_at <= now() + interval '31 days')
  AND NOT (m.status = 'quarantined' AND m.is_synthetic)
  AND NOT (m.status = 'quarantined' AND {ON_A_TICKET.format(subject="'message:' || m.id")})
ORDER BY m.id
"""
_LAPSED = """
SELECT id, extract(epoch FROM now() - lease_until)::bigint FROM connectors_message
WHERE status = 'accepted' AND lease_until < now() - %(grace)s * interval '1 second'
ORDER BY id
"""
_LAPSED_SYNCS = """
SELECT s.id, extract(epoch FROM now() - s.lease_until)::bigint FROM connectors_sync s
JOIN connectors_connection c ON c.id = s.connection_id AND c.status = 'active'
    AND c.breaker = 'closed'
WHERE s.state = 'running' AND s.lease_until < now() - %(grace)s * interval '1 second'
ORDER BY s.id
"""
# Due, free, and not behind a connection that is paused: the drain's own query must find it.
_UNSEEN_MESSAGES = f"""
SELECT m.id FROM connectors_message m
LEFT JOIN connectors_connection c ON c.id = m.connection_id
WHERE m.status = 'accepted' AND m.next_attempt_at <= now()
  AND (m.lease_until IS NULL OR m.lease_until < now())
  AND (c.id IS NULL OR c.status = 'active')
  AND m.id NOT IN (SELECT m.id {digest.DUE})
ORDER BY m.id
"""
# The same for outcomes; an earlier one of the same record and connection may hold a later one back.
_UNSEEN_OUTCOMES = f"""
SELECT o.id, o.connection FROM proposals_outcome o
LEFT JOIN connectors_connection c ON c.slug = o.connection
WHERE o.state IN ('due', 'leased', 'delivered') AND o.next_attempt_at <= now()
  AND (o.state <> 'leased' OR o.lease_until < now())
  AND NOT (o.on_hold AND o.delivered_at IS NULL)
  AND o.connection <> '' AND (c.id IS NULL OR (c.status = 'active' AND c.breaker = 'closed'))
  AND NOT EXISTS (
      SELECT 1 FROM proposals_outcome e
      WHERE e.proposal_id = o.proposal_id AND e.connection = o.connection
        AND e.id < o.id AND e.state IN ('due', 'leased', 'held') AND e.delivered_at IS NULL
  )
  AND o.id NOT IN (SELECT o.id FROM proposals_outcome o WHERE {outbox.CLAIMABLE})
ORDER BY o.id
"""


def adrift() -> list[str]:
    return breaches(_ADRIFT, _why_adrift)


def lapsed() -> list[str]:
    return breaches(
        _LAPSED,
        lambda pk, seconds: f"The lease on message {pk} lapsed {seconds} s ago.",
        grace=LEASE_GRACE,
    )


def lapsed_syncs() -> list[str]:
    return breaches(
        _LAPSED_SYNCS,
        lambda pk, seconds: f"The lease on sync {pk} lapsed {seconds} s ago.",
        grace=SYNC_GRACE,
    )


def unseen() -> list[str]:
    """What waits and would be found by no sweep, however long one waited."""
    messages = breaches(
        _UNSEEN_MESSAGES, lambda pk: f"Message {pk} is due, but the drain does not see it."
    )
    return messages + breaches(
        _UNSEEN_OUTCOMES,
        lambda pk, slug: f"Outcome {pk} for {slug!r} is due, but the drain does not see it.",
        connections=_carried(),
    )


def _carried() -> list[str]:
    """Read in the same look as the rest, so that no breaker falls in between."""
    return [registry.PEOPLE.slug, *health.open_for_carrying()]


def _why_adrift(pk: int, status: str, is_never_due: bool) -> str:
    if status == "quarantined":
        return f"Message {pk} is quarantined without a ticket."
    if status == "accepted" and is_never_due:
        return f"Message {pk} waits, but is never due."
    return f"Message {pk} is {status}, which is no way for a message to be."


INVARIANTS = [
    Invariant(
        "messages-are-somewhere",
        "Every message is done, waits with a due time, or has a ticket.",
        adrift,
    ),
    Invariant(
        "message-leases", f"No lease on a message lapsed more than {LEASE_GRACE} s ago.", lapsed
    ),
    Invariant(
        "sync-leases",
        f"No sync that may run has a lease that lapsed more than {SYNC_GRACE} s ago.",
        lapsed_syncs,
    ),
    Invariant(
        "rows-alone",
        "Everything that is due is found by looking at rows: nothing waits in Redis.",
        unseen,
    ),
]
