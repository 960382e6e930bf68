"""With whom an open proposal is while its owner is out: with whoever stands in, for the time being.

Asked wherever an owner is set or a proposal is told anew, and again by the hand-over when somebody
goes or comes back (proposals.delegation).
"""

from datetime import UTC, datetime
from typing import Any

from meshline.people import availability
from meshline.people.models import User
from meshline.people.roll import Next, Roll, next_of
from meshline.policy import raci
from proposals.models import Proposal
from proposals.states import CLOSED

# Whoever answers for it has the proposals of those for whom nobody stands in.
PROCESS = "proposal-state"


def settle(proposal: Proposal, roll: Roll, *, at: datetime) -> Next | None:
    """Bring a proposal's owner in line with who is here now; what became of it, None: nothing.

    What is closed stays with whom it is. Changes the row in memory alone.
    """
    step = next_of(proposal.owner, proposal.stands_in_for, roll)
    if step is None or proposal.state in CLOSED:
        return None
    whose = proposal.stands_in_for or proposal.owner
    found, because = step.holder, ""
    if found is None:
        answerable = raci.responsible_for(PROCESS, at=at, takes=raci.PROPOSALS)
        found, because = answerable.user, answerable.why
        is_better = roll.is_present(found) or not proposal.owner.can_be_given_work
        if found.pk == proposal.owner_id or not is_better:
            return None
    proposal.owner_why = step.why(whose, found, until=_until(whose, at), because=because)[:300]
    # With nobody here at all it may be the very person who is out.
    proposal.stands_in_for = None if found == step.home else step.home
    proposal.owner = found
    return step


def facts(proposal: Proposal) -> dict[str, Any]:
    """Who has it and for whom, for the trail."""
    home = proposal.stands_in_for
    return {"owner": proposal.owner} | ({"standing in for": home} if home else {})


def _until(whose: User, at: datetime) -> str:
    ends = availability.back_at([whose.pk], at=at).get(whose.pk)
    return f" until {ends.astimezone(UTC):%-d %b %Y, %H:%M} UTC" if ends else ""
