"""What holds of every ticket, and how others ask whether something is on one."""

from meshline.invariants import Invariant, breaches
from meshline.people.invariants import HERE_FOR_A_WHILE, HERE_OR_JUST_GONE, SOMEBODY_IS_HERE

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

_OWNERLESS = f"""
SELECT t.id, has.name, has.id = t.claimed_by_id FROM exceptions_ticket t
JOIN people_user has ON has.id IN (t.owner_id, t.claimed_by_id)
WHERE t.status <> 'resolved' AND NOT {HERE_OR_JUST_GONE.format(person="has")}
  AND {SOMEBODY_IS_HERE}
ORDER BY t.id, has.id
"""
_NOT_RETURNED = f"""
SELECT t.id, home.name FROM exceptions_ticket t
JOIN people_user home ON home.id IN (t.stands_in_for_id, t.claimed_for_id)
WHERE t.status <> 'resolved' AND {HERE_FOR_A_WHILE.format(person="home")}
ORDER BY t.id, home.id
"""


def incomplete() -> list[str]:
    """Unresolved tickets that somebody could not work on."""
    return breaches(_INCOMPLETE, lambda pk, lacks: f"Ticket {pk} has {lacks}.")


def ownerless() -> list[str]:
    """Unresolved tickets of somebody who is out or has left, for longer than a hand-over takes."""
    return breaches(
        _OWNERLESS,
        lambda pk, name, claimed: (
            f"Ticket {pk} is {'claimed by' if claimed else 'owned by'} {name}, who is not here."
        ),
    )


def not_returned() -> list[str]:
    return breaches(_NOT_RETURNED, lambda pk, name: f"Ticket {pk} is {name}'s, who is here again.")


INVARIANTS = [
    Invariant(
        "tickets-are-complete",
        "Every open ticket has an owner, due times, a cause and evidence.",
        incomplete,
    ),
    Invariant(
        "tickets-have-somebody",
        "Whoever owns or has claimed an open ticket is active and here, or left a minute ago.",
        ownerless,
    ),
    Invariant(
        "tickets-go-back",
        "What somebody has for another goes back within a minute of their return.",
        not_returned,
    ),
]
