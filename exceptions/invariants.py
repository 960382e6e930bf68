"""What holds of every ticket, and how others ask whether something is on one."""

from meshline.invariants import Invariant, breaches

# Whether a subject ("message:17") hangs on a ticket: an unresolved one, or one a person closed.
ON_A_TICKET = """
EXISTS (
    SELECT 1 FROM exceptions_occurrence k JOIN exceptions_ticket t ON t.id = k.ticket_id
    WHERE k.subject = {subject}
      AND ((t.status <> 'resolved' AND k.settled_at IS NULL)
           OR (t.status = 'resolved' AND t.resolution <> 'closed on evidence'))
)
"""

_INCOMPLETE = """
SELECT id, concat_ws(', ',
    CASE WHEN owner_id IS NULL THEN 'no owner' END,
    CASE WHEN ack_due_at IS NULL THEN 'no time to acknowledge by' END,
    CASE WHEN fix_due_at IS NULL THEN 'no time to fix by' END,
    CASE WHEN coalesce(cause, '') = '' THEN 'no cause' END,
    CASE WHEN evidence IS NULL OR evidence IN ('{}'::jsonb, 'null'::jsonb) THEN 'no evidence' END)
FROM exceptions_ticket
WHERE status <> 'resolved' AND (
    owner_id IS NULL OR ack_due_at IS NULL OR fix_due_at IS NULL OR coalesce(cause, '') = ''
    OR evidence IS NULL OR evidence IN ('{}'::jsonb, 'null'::jsonb)
)
ORDER BY id
"""


def incomplete() -> list[str]:
    """Unresolved tickets that somebody could not work on."""
    return breaches(_INCOMPLETE, lambda pk, lacks: f"Ticket {pk} has {lacks}.")


INVARIANTS = [
    Invariant(
        "tickets-are-complete",
        "Every open ticket has an owner, due times, a cause and evidence.",
        incomplete,
    ),
]
