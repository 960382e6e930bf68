"""The buttons and the desk agree: what is offered is done, what is refused is refused."""

import pytest

from exceptions import acts, desk
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline.people.permissions import NotAllowed, Role
from tests.exceptions.conftest import MONDAY, open_one

pytestmark = pytest.mark.django_db
ASKED = {"resolve": {"resolution": "fixed"}, "escalate": {"reason": "why"}, "note": {"text": "x"}}
ACTS = ["claim", "acknowledge", "release", "resolve", "escalate", "note"]


def brought_to(state, by):
    """A ticket in this state, in the hands of `by` where it is in somebody's."""
    ticket = open_one()
    act = {"ticket_id": ticket.pk, "by": by, "at": MONDAY}
    if state in ("claimed", "acknowledged"):
        desk.claim(**act)
    if state == "acknowledged":
        desk.acknowledge(**act)
    if state == "resolved":
        desk.resolve(**act, resolution="fixed")
    return Ticket.objects.get(pk=ticket.pk)


@pytest.mark.parametrize("hands", ["olivia", "rosa"])
@pytest.mark.parametrize("state", ["open", "claimed", "acknowledged", "resolved"])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", [role.value for role in Role])
def test_a_button_is_offered_just_where_the_desk_would_do_it(staff, role, act, state, hands):
    ticket = brought_to(state, staff[hands])
    user = next(one for one in staff.values() if one.role == role)
    refusal = acts.refusals(ticket, user)[act]
    assert bool(refusal) == was_refused(act, ticket, user), refusal


def was_refused(act, ticket, user):
    try:
        getattr(desk, act)(ticket_id=ticket.pk, by=user, at=MONDAY, **ASKED.get(act, {}))
    except (MoveError, NotAllowed):
        return True
    return False


def test_an_operator_is_told_to_claim_what_is_not_theirs_yet(staff, rosa, olivia):
    ticket = open_one(owner=rosa)
    assert acts.refusals(ticket, olivia)["resolve"] == "Claim it first: you resolve what is yours."
