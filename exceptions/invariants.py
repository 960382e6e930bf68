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
    CASE WHEN next_step_at IS NULL THEN 'no next step' END,
    CASE WHEN coalesce(cause, '') = '' THEN 'no cause' END,
    CASE WHEN evidence IS NULL OR evidence IN ('{}'::jsonb, 'null'::jsonb) THEN 'no evidence' END)
FROM exceptions_ticket
WHERE status <> 'resolved' AND (
    owner_id IS NULL OR ack_due_at IS NULL OR fix_due_at IS NULL OR next_step_at IS NULL
    OR coalesce(cause, '') = ''
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
# Late is what the clock has passed by: while none runs, that is told by its own silence.
_NOT_TAKEN = """
SELECT t.id FROM exceptions_ticket t
JOIN pulse_taskrun look ON look.name = 'escalation' AND look.succeeded_at >= look.began_at
WHERE t.status <> 'resolved' AND t.paused_since IS NULL
  AND t.next_step_at < look.began_at - interval '60 seconds'
ORDER BY t.next_step_at, t.id
"""
_OTHER_MONEY = """
WITH said AS (
    SELECT id, currency, amount_at_risk AS amount FROM exceptions_ticket
    WHERE status <> 'resolved' AND amount_at_risk IS NOT NULL
    UNION ALL
    SELECT t.id, other.key, other.value::numeric FROM exceptions_ticket t,
        jsonb_each_text(t.other_amounts) other WHERE t.status <> 'resolved'
), last AS (
    SELECT DISTINCT ON (o.ticket_id, coalesce(nullif(o.record, ''), o.id::text))
        o.ticket_id, o.currency, o.amount
    FROM exceptions_occurrence o JOIN exceptions_ticket t ON t.id = o.ticket_id
    WHERE t.status <> 'resolved' AND o.settled_at IS NULL AND o.amount IS NOT NULL
    ORDER BY o.ticket_id, coalesce(nullif(o.record, ''), o.id::text), o.id DESC
), hangs AS (
    SELECT ticket_id AS id, currency, sum(amount) AS amount FROM last GROUP BY 1, 2
)
SELECT id, currency FROM said FULL JOIN hangs USING (id, currency)
WHERE said.amount IS DISTINCT FROM hangs.amount ORDER BY id, currency
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
    """Unresolved tickets of somebody who is out, has left or only reads, for longer than a
    hand-over takes."""
    return breaches(
        _OWNERLESS,
        lambda pk, name, claimed: (
            f"Ticket {pk} is {'claimed by' if claimed else 'owned by'} {name}, who is not here."
        ),
    )


def not_returned() -> list[str]:
    return breaches(_NOT_RETURNED, lambda pk, name: f"Ticket {pk} is {name}'s, who is here again.")


def not_taken() -> list[str]:
    """Tickets about which the clock has had something to do for a minute, and looked elsewhere."""
    return breaches(_NOT_TAKEN, lambda pk: f"Ticket {pk} waits for its next step.")


def other_money() -> list[str]:
    return breaches(
        _OTHER_MONEY,
        lambda pk, currency: f"Ticket {pk} has another sum at risk in {currency} than hangs on it.",
    )


INVARIANTS = [
    Invariant(
        "tickets-are-complete",
        "Every open ticket has an owner, due times, a next step, a cause and evidence.",
        incomplete,
    ),
    Invariant(
        "tickets-have-somebody",
        "Whoever owns or has claimed an open ticket can work and is here, or left a minute ago.",
        ownerless,
    ),
    Invariant(
        "tickets-go-back",
        "What somebody has for another goes back within a minute of their return.",
        not_returned,
    ),
    Invariant(
        "steps-are-taken",
        "What the clock has to do about an open ticket it does within a minute of its look.",
        not_taken,
    ),
    Invariant(
        "money-adds-up",
        "What an open ticket has at risk is what hangs on it unsettled, each record once.",
        other_money,
    ),
]
