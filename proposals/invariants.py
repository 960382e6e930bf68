"""What holds of every proposal and every outcome."""

from exceptions.invariants import ON_A_TICKET
from meshline.invariants import LEASE_GRACE, Invariant, breaches
from meshline.people.invariants import HERE_FOR_A_WHILE, HERE_OR_JUST_GONE, SOMEBODY_IS_HERE
from proposals.states import CLOSED

_VERSIONS = """
SELECT p.id, p.version, coalesce(t.lines, 0), coalesce(t.last, 0)
FROM proposals_proposal p
LEFT JOIN (
    SELECT proposal_id, count(*) AS lines, max(version) AS last
    FROM proposals_transition GROUP BY proposal_id
) t ON t.proposal_id = p.id
WHERE p.version <> coalesce(t.lines, 0) OR p.version <> coalesce(t.last, 0)
ORDER BY p.id
"""
# No wait is longer than that: what is due later than in a month is due never.
_WITHOUT_DUE_TIME = """
SELECT id, state FROM proposals_outcome
WHERE state IN ('due', 'leased', 'delivered')
  AND (next_attempt_at IS NULL OR next_attempt_at > now() + interval '31 days')
ORDER BY id
"""
_LAPSED = """
SELECT id, extract(epoch FROM now() - lease_until)::bigint FROM proposals_outcome
WHERE state = 'leased' AND lease_until < now() - %(grace)s * interval '1 second'
ORDER BY id
"""
_GIVEN_UP = f"""
SELECT o.id, o.kind FROM proposals_outcome o
WHERE o.state = 'given_up' AND NOT o.is_synthetic
  AND NOT {ON_A_TICKET.format(subject="'outcome:' || o.id")}
ORDER BY o.id
"""
_CLOSED = ", ".join(repr(state.value) for state in CLOSED)
_OPEN = f"NOT p.is_synthetic AND p.state NOT IN ({_CLOSED})"
_OWNERLESS = f"""
SELECT p.id, has.name FROM proposals_proposal p JOIN people_user has ON has.id = p.owner_id
WHERE {_OPEN} AND NOT {HERE_OR_JUST_GONE.format(person="has")} AND {SOMEBODY_IS_HERE}
ORDER BY p.id
"""
_NOT_RETURNED = f"""
SELECT p.id, home.name FROM proposals_proposal p
JOIN people_user home ON home.id = p.stands_in_for_id
WHERE {_OPEN} AND {HERE_FOR_A_WHILE.format(person="home")}
ORDER BY p.id
"""
# A gate that nobody answered yet, or a hold.
_HELD_BY_NOBODY = """
SELECT o.id FROM proposals_outcome o
LEFT JOIN proposals_approval a ON a.outcome_id = o.id AND a.decided_at IS NULL
WHERE o.state = 'held' AND a.id IS NULL AND NOT o.on_hold
ORDER BY o.id
"""
# What its contract lets go only once somebody approved it has not gone before.
_UNAPPROVED = """
SELECT o.id, o.state FROM proposals_outcome o
JOIN proposals_approval a ON a.outcome_id = o.id AND a.is_approved IS NOT TRUE
WHERE o.state NOT IN ('held', 'cancelled')
ORDER BY o.id
"""
# Its row and its proposal say the same, and nothing that is on hold is due.
_PAST_ITS_HOLD = """
SELECT o.id, p.id FROM proposals_outcome o JOIN proposals_proposal p ON p.id = o.proposal_id
WHERE o.state IN ('due', 'leased', 'held', 'delivered', 'given_up')
  AND (o.on_hold <> (p.hold <> '') OR (o.on_hold AND o.state = 'due'))
ORDER BY o.id
"""
# A proposal says it is on hold exactly while it is.
_HOLDS = """
SELECT p.id, p.hold FROM proposals_proposal p
WHERE (p.hold <> '') <> EXISTS (
    SELECT 1 FROM proposals_hold h WHERE h.proposal_id = p.id AND h.lifted_at IS NULL
)
ORDER BY p.id
"""
# An open follow-up is with whom its proposal is: ownerless is neither.
_WITH_OTHERS = """
SELECT f.id, has.name, owner.name FROM proposals_followup f
JOIN proposals_proposal p ON p.id = f.proposal_id
JOIN people_user has ON has.id = f.owner_id
JOIN people_user owner ON owner.id = p.owner_id
WHERE f.state = 'open'
  AND (f.owner_id <> p.owner_id OR f.stands_in_for_id IS DISTINCT FROM p.stands_in_for_id)
ORDER BY f.id
"""
_NEXT = """
SELECT p.id FROM proposals_proposal p
WHERE p.next_follow_up_at IS DISTINCT FROM (
    SELECT min(f.due_at) FROM proposals_followup f WHERE f.proposal_id = p.id AND f.state = 'open'
)
ORDER BY p.id
"""
_OF_THE_CLOSED = f"""
SELECT f.id FROM proposals_followup f JOIN proposals_proposal p ON p.id = f.proposal_id
WHERE f.state = 'open' AND NOT ({_OPEN})
ORDER BY f.id
"""


def versions() -> list[str]:
    """Proposals whose version is not the number of their transition lines."""
    return breaches(
        _VERSIONS,
        lambda pk, version, lines, last: (
            f"Proposal {pk} has version {version}, but {lines} transition lines up to {last}."
        ),
    )


def without_due_time() -> list[str]:
    return breaches(
        _WITHOUT_DUE_TIME, lambda pk, state: f"Outcome {pk} is {state} and never due again."
    )


def lapsed() -> list[str]:
    return breaches(
        _LAPSED,
        lambda pk, seconds: f"The lease on outcome {pk} lapsed {seconds} s ago.",
        grace=LEASE_GRACE,
    )


def given_up() -> list[str]:
    return breaches(_GIVEN_UP, lambda pk, kind: f"Outcome {pk} ({kind}) is given up without one.")


def ownerless() -> list[str]:
    """Open proposals of somebody who is out, has left or only reads, for longer than a hand-over
    takes."""
    return breaches(
        _OWNERLESS, lambda pk, name: f"Proposal {pk} is owned by {name}, who is not here."
    )


def not_returned() -> list[str]:
    return breaches(
        _NOT_RETURNED, lambda pk, name: f"Proposal {pk} is {name}'s, who is here again."
    )


def held_by_nobody() -> list[str]:
    return breaches(_HELD_BY_NOBODY, lambda pk: f"Outcome {pk} is held, but nothing holds it.")


def unapproved() -> list[str]:
    return breaches(
        _UNAPPROVED, lambda pk, state: f"Outcome {pk} is {state}, but nobody approved it."
    )


def past_their_hold() -> list[str]:
    return breaches(
        _PAST_ITS_HOLD, lambda pk, of: f"Outcome {pk} is not held as proposal {of} is."
    ) + breaches(_HOLDS, lambda pk, said: f"Proposal {pk} says “{said}” of its holds.")


def follow_ups_with_others() -> list[str]:
    return breaches(
        _WITH_OTHERS,
        lambda pk, has, owner: f"Follow-up {pk} is {has}'s, and its proposal is {owner}'s.",
    ) + breaches(_OF_THE_CLOSED, lambda pk: f"Follow-up {pk} is open, its proposal is closed.")


def next_follow_ups() -> list[str]:
    return breaches(_NEXT, lambda pk: f"Proposal {pk} does not show when it is followed up next.")


INVARIANTS = [
    Invariant(
        "versions-count-transitions",
        "A proposal's version is the number of its transition lines.",
        versions,
    ),
    Invariant(
        "outcomes-are-due", "Every outcome that waits has a time it is due.", without_due_time
    ),
    Invariant(
        "outcome-leases",
        f"No lease on an outcome lapsed more than {LEASE_GRACE} s ago.",
        lapsed,
    ),
    Invariant("held-has-a-reason", "An outcome is held only by what holds it.", held_by_nobody),
    Invariant("holds-stop", "Nothing goes out for a proposal on hold.", past_their_hold),
    Invariant("gates-hold", "Nothing passes its review gate before it is approved.", unapproved),
    Invariant("given-up-has-a-ticket", "Every outcome that was given up has a ticket.", given_up),
    Invariant(
        "proposals-have-somebody",
        "Whoever owns an open proposal can work and is here, or left a minute ago.",
        ownerless,
    ),
    Invariant(
        "proposals-go-back",
        "A proposal that somebody has for another goes back within a minute of their return.",
        not_returned,
    ),
    Invariant(
        "follow-ups-have-somebody",
        "An open follow-up is with whoever has its proposal, and that is open.",
        follow_ups_with_others,
    ),
    Invariant(
        "next-follow-up", "A proposal shows the earliest of its open follow-ups.", next_follow_ups
    ),
]
