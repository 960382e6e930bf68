"""Taking from a deal what no field of a proposal holds: that it is closed, and whose it is.

Both go the way on which a person says so here. Raises MoveError or Conflict with the reason, and
NotAllowed.
"""

from datetime import datetime

from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.people.roll import why_gone
from proposals import authority, lifecycle, states
from proposals.authority import PEOPLE, Authorities
from proposals.models import Proposal
from proposals.states import MoveError, State
from reconciliation.models import Divergence

# The fields of a deal that are taken so.
KIND, STAGE, OWNER = "deals", "stage", "owner_email"


def is_stage(one: Divergence) -> bool:
    return (one.kind, one.field) == (KIND, STAGE)


def is_owner(one: Divergence) -> bool:
    return (one.kind, one.field) == (KIND, OWNER)


# --- Closed --------------------------------------------------------------------------------------
def closer(table: Authorities, proposal: Proposal) -> str:
    """The connection that may say that a proposal is closed; empty where people do."""
    whose = table.of(State.CLOSED_WON, source=proposal.source)
    return "" if whose == PEOPLE else whose


def no_stage(one: Divergence) -> str:
    """Why the stage says no state that the proposal can come into; empty when it does."""
    if one.theirs in (State.CLOSED_WON, State.CLOSED_LOST):
        return _no_move(one.proposal, State(one.theirs)) if one.proposal else ""
    return (
        "An open deal does not say how far its proposal is; reopen the proposal on its page, or "
        f"write ours to {one.connection.name}."
    )


def _no_move(proposal: Proposal, target: State) -> str:
    try:
        states.check_move(State(proposal.state), target)
    except MoveError as error:
        return str(error)
    return ""


def sayer(one: Divergence, proposal: Proposal, target: State, *, by: User) -> str:
    """Whose word it is that the proposal is closed: where people say so, that of who takes it."""
    states.check_move(State(proposal.state), target)
    if closer(authority.load(), proposal):
        return one.connection.slug
    permissions.check(by, Permission.MOVE_PROPOSAL, owner=proposal.owner)
    return PEOPLE


# --- Whose ---------------------------------------------------------------------------------------
def no_owner(one: Divergence, person: User | None) -> str:
    """Why the proposal cannot be given to whoever has the deal; empty when it can."""
    if person is None:
        there = one.connection.name
        return f"It cannot be given to its owner in {there}: nobody here has that e-mail."
    if not person.can_be_given_work:
        return f"{person.name} {why_gone(person)}; choose somebody else."
    return ""


def owner(one: Divergence, proposal: Proposal, *, by: User, at: datetime) -> None:
    """Give the proposal to whoever has the deal."""
    there, person = one.connection.name, User.objects.with_email(one.theirs).first()
    if person is None:
        raise MoveError(no_owner(one, None))
    lifecycle.assign(
        proposal_id=proposal.pk, owner=person, version=proposal.version,
        reason=f"{there} has the deal with {person.name}.", by=by, at=at,
    )  # fmt: skip
