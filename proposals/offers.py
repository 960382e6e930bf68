"""Which moves a page offers a person, and why not the others: the same questions `move` asks."""

from dataclasses import dataclass

from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from proposals import states
from proposals.authority import PEOPLE, Authorities
from proposals.models import Proposal
from proposals.states import State

TAKES = "To override that takes a RevOps manager with a reason."
TO_DRAFT = "A proposal goes back to draft in the quoting tool."


@dataclass(frozen=True)
class Offer:
    """One state somebody might move a proposal to. With a refusal it is shown, but disabled.

    `overrides` is the rule that it would override; empty where the move is a person's to make.
    """

    state: State
    overrides: str = ""
    refusal: str = ""


def moves(proposal: Proposal, *, user: User, authorities: Authorities) -> list[Offer]:
    """An offer for every other state, in the order of a proposal's life."""
    here = State(proposal.state)
    no = permissions.refusal_for(user, Permission.MOVE_PROPOSAL, owner=proposal.owner)
    over = permissions.refusal_for(user, Permission.OVERRIDE_PROPOSAL, owner=proposal.owner)
    return [_offer(proposal, here, to, no, over, authorities) for to in State if to is not here]


def _offer(
    proposal: Proposal, here: State, to: State, no: str, over: str, authorities: Authorities
) -> Offer:
    authority = authorities.of(to, source=proposal.source)
    if authority == PEOPLE and states.is_move(here, to):
        return Offer(to, refusal=no)
    rule = _rule(here, to, authorities.called[authority])
    if to is State.DRAFT and here is not State.CLOSED_LOST:
        return Offer(to, rule, no or TO_DRAFT)
    return Offer(to, rule, no or (f"{rule} {TAKES}" if over else ""))


def _rule(here: State, to: State, authority: str) -> str:
    """The rule a person runs into: the table's, or the authority's."""
    try:
        states.check_move(here, to)
    except states.MoveError as error:
        return str(error)
    if not authority:
        return f"Nothing is connected yet that may say {to.label.lower()}."
    return f"Only {authority} may say that it is {to.label.lower()}."
