"""Moving a proposal and giving it to somebody: who may, what is asked, what a lost race shows."""

from datetime import timedelta

import pytest
from django.db import transaction

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy.models import SourceOfTruth
from proposals import authority, lifecycle, offers
from proposals.models import Outcome, Signal
from proposals.states import MoveError, State
from tests.factories import MONDAY, reread

REASON = "The customer told me so on the phone."
HTMX = {"HX-Request": "true"}


def post(client, act, proposal, headers=None, **typed):
    return client.post(f"/proposals/{proposal.pk}/{act}/", typed, headers=headers or {})


def move(client, proposal, to, reason=REASON, version=None, **more):
    version = proposal.version if version is None else version
    return post(client, "move", proposal, to=to, reason=reason, version=version, **more)


def assign(client, proposal, owner, reason=REASON, version=None, **more):
    version = proposal.version if version is None else version
    return post(client, "assign", proposal, owner=owner.pk, reason=reason, version=version, **more)


# --- Moves that are people's to make ---------------------------------------------------------
@pytest.mark.parametrize("name", ["olivia", "rosa"])
def test_a_move_that_is_theirs_is_made_and_written_down(as_, sent, staff, name):
    answer = move(as_(name), sent, "closed-lost")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/proposals/{sent.pk}/")
    now = reread(sent)
    assert (now.state, now.version) == ("closed-lost", sent.version + 1)
    line = TrailLine.objects.filter(what="proposal.moved").latest("pk")
    assert (line.actor_id, line.why) == (str(staff[name].pk), REASON)


def test_it_needs_no_reason(as_, sent):
    assert move(as_("olivia"), sent, "closed-lost", reason="").status_code == 303


def test_by_htmx_the_changed_part_comes_back_with_a_message(as_, sent):
    answer = move(as_("olivia"), sent, "closed-lost", headers=HTMX)
    part = answer.content.decode()
    assert answer.status_code == 200
    assert part.lstrip().startswith('<div id="record">')
    assert "It is closed lost now." in part


def test_what_was_promised_is_called_off_with_it(as_, sent):
    move(as_("olivia"), sent, "closed-lost")
    assert {o.name for o in Outcome.objects.open().of(sent)} == {"deal"}


# --- Overrides -------------------------------------------------------------------------------
def test_a_manager_overrides_a_rule_with_a_reason(as_, sent):
    assert move(as_("rosa"), sent, "signed").status_code == 303
    assert reread(sent).state == "signed"
    assert Signal.objects.latest("pk").forced


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_without_a_reason_nothing_is_overridden(as_, sent, reason):
    answer = move(as_("rosa"), sent, "signed", reason=reason)
    assert answer.status_code == 422
    assert "Say why you override the rule" in answer.content.decode()
    assert reread(sent) == sent
    assert reread(sent).version == sent.version


def test_an_operator_does_not_override_and_keeps_what_they_typed(as_, sent):
    answer = move(as_("olivia"), sent, "signed")
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "may not override a guard or reopen a proposal" in page
    assert REASON in page
    assert reread(sent).state == "sent"


def test_a_closed_proposal_is_reopened_by_a_manager_only(as_, sent):
    move(as_("rosa"), sent, "closed-lost")
    closed = reread(sent)
    assert move(as_("olivia"), closed, "draft").status_code == 403
    assert move(as_("rosa"), closed, "draft").status_code == 303
    assert reread(sent).state == "draft"


def test_a_move_to_where_it_is_already_is_refused(as_, sent):
    answer = move(as_("rosa"), sent, "sent")
    assert answer.status_code == 409
    assert "This proposal is sent already." in answer.content.decode()


# --- Who does not get that far ---------------------------------------------------------------
@pytest.mark.parametrize("name", ["sam", "remy", "ada", "vera"])
def test_others_are_refused_with_the_reason(as_, sent, name):
    answer = move(as_(name), sent, "closed-lost")
    assert answer.status_code == 403
    assert "may not move a proposal" in answer.content.decode()
    assert reread(sent).state == "sent"


@pytest.mark.parametrize("name", ["sam", "remy", "ada", "vera"])
def test_they_see_no_button_to_move_it_but_the_reason(as_, sent, name):
    page = as_(name).get(f"/proposals/{sent.pk}/").content.decode()
    assert f"/proposals/{sent.pk}/move/" not in page
    assert "may not move a proposal" in page


def test_an_sdr_manager_cannot_assign_what_is_not_their_teams(as_, tell, staff):
    theirs = tell("sent", owner="olivia@example.com")
    assert assign(as_("sam"), theirs, staff["remy"]).status_code == 404


def test_by_get_nothing_happens(as_, sent):
    for act in ("move", "assign"):
        assert as_("rosa").get(f"/proposals/{sent.pk}/{act}/").status_code == 405


GARBAGE = [
    {}, {"to": "closed-lost"}, {"version": 1}, {"to": "nonsense", "version": 1},
    {"to": "closed-lost", "version": "x"}, {"to": "closed-lost", "version": "-1"},
    {"to": "closed-lost", "version": "9" * 30},
    {"to": "closed-lost", "version": 1, "reason": "a\0b"},
    {"to": "closed-lost", "version": 1, "reason": "x" * 5000},
]  # fmt: skip


@pytest.mark.parametrize("typed", GARBAGE, ids=range(len(GARBAGE)))
def test_what_cannot_be_read_changes_nothing_and_says_so(as_, sent, typed):
    answer = post(as_("rosa"), "move", sent, **typed)
    assert answer.status_code == 422
    assert "Nothing was changed by you." in answer.content.decode()
    assert reread(sent).version == sent.version


# --- Two people at once ----------------------------------------------------------------------
def test_the_second_of_two_hears_who_was_faster_and_what_changed(as_, sent, rosa):
    assert move(as_("rosa"), sent, "closed-lost", reason="They chose another.").status_code == 303
    answer = move(as_("olivia"), sent, "closed-lost", reason=REASON)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Rosa Marin (RevOps manager) changed this proposal" in page
    assert "sent → closed-lost" in page
    assert "They chose another." in page
    assert REASON in page
    assert reread(sent).version == sent.version + 1


def test_by_htmx_it_is_the_part_that_shows_the_new_truth(as_, sent):
    move(as_("rosa"), sent, "signed")
    answer = move(as_("olivia"), sent, "closed-lost", headers=HTMX)
    part = answer.content.decode()
    assert answer.status_code == 409
    assert part.lstrip().startswith('<div id="record">')
    assert "Rosa Marin" in part


def test_after_looking_again_the_same_form_goes_through(as_, sent):
    move(as_("rosa"), sent, "signed")
    refused = move(as_("olivia"), sent, "closed-lost")
    form = next(r.form for r in refused.context["own_moves"] if r.offer.state == "closed-lost")
    again = {name: form[name].value() for name in ("to", "version", "reason")}
    assert again == {"to": "closed-lost", "version": sent.version + 1, "reason": REASON}
    assert post(as_("olivia"), "move", sent, **again).status_code == 303


def test_a_signal_in_between_counts_as_well(as_, sent, tell):
    tell("viewed", at=MONDAY + timedelta(hours=1))
    answer = move(as_("olivia"), sent, "closed-lost")
    assert answer.status_code == 409
    assert "PandaDoc changed this proposal" in answer.content.decode()


def test_two_who_assign_at_once(as_, sent, staff):
    assert assign(as_("rosa"), sent, staff["sam"]).status_code == 303
    answer = assign(as_("olivia"), sent, staff["olivia"])
    assert answer.status_code == 409
    assert "Rosa Marin (RevOps manager)" in answer.content.decode()
    assert REASON in answer.content.decode()
    assert reread(sent).owner == staff["sam"]


# --- Giving it to somebody -------------------------------------------------------------------
@pytest.mark.parametrize("name", ["olivia", "rosa", "sam"])
def test_an_owner_is_chosen_with_a_reason(as_, sent, staff, name):
    assert assign(as_(name), sent, staff["sam"]).status_code == 303
    now = reread(sent)
    assert now.owner == staff["sam"]
    assert now.owner_why == f"{staff[name].name} chose Sam Dube: {REASON}"
    assert now.owner_pinned


def test_a_chosen_owner_stays_whatever_the_quoting_tool_says_later(as_, sent, staff, tell):
    assign(as_("rosa"), sent, staff["sam"])
    later = tell("viewed", at=MONDAY + timedelta(hours=1), owner="olivia@example.com")
    assert later.state == "viewed"
    assert later.owner == staff["sam"]
    assert later.owner_named == "olivia@example.com"


def test_choosing_an_owner_settles_the_ticket_for_the_temporary_one(as_, tell, staff):
    proposal = tell("sent", owner="gone@example.com")
    assert proposal.owner_is_temporary
    assign(as_("rosa"), proposal, staff["remy"])
    assert not reread(proposal).owner_is_temporary
    assert as_("rosa").get(f"/proposals/{proposal.pk}/").context["tickets"] == []


def test_without_a_reason_nobody_is_chosen(as_, sent, staff):
    answer = assign(as_("rosa"), sent, staff["sam"], reason="")
    assert answer.status_code == 422
    assert reread(sent).owner == staff["remy"]


def test_an_sdr_manager_gives_only_within_their_team(as_, sent, staff):
    answer = assign(as_("sam"), sent, staff["olivia"])
    assert answer.status_code == 422
    assert reread(sent).owner == staff["remy"]


def test_only_active_people_who_can_follow_up_are_offered(as_, sent, staff):
    User.objects.filter(pk=staff["ada"].pk).update(is_active=False)
    form = as_("rosa").get(f"/proposals/{sent.pk}/").context["assign_form"]
    offered = {user.name for user in form.fields["owner"].queryset}
    assert offered == {"Olivia Ortiz", "Rosa Marin", "Sam Dube", "Remy Park"}


@pytest.mark.parametrize("owner", ["", "x", "0", "9" * 30, "\0"])
def test_no_such_person(as_, sent, staff, owner):
    answer = post(as_("rosa"), "assign", sent, owner=owner, reason=REASON, version=sent.version)
    assert answer.status_code == 422
    assert REASON in answer.content.decode()
    assert reread(sent).owner == staff["remy"]


# --- Every state and every role: the page offers exactly what the verb does ------------------
def brought_to(proposal, state, rosa):
    """The proposal, by way of a manager's overrides where need be."""
    now = reread(proposal)
    if now.state == state:
        return now
    if state is State.DRAFT:
        now = brought_to(now, State.CLOSED_LOST, rosa)
    return lifecycle.move(
        proposal_id=now.pk, to=state, version=now.version, reason="For the table.", by=rosa,
        at=instant.now(),
    )  # fmt: skip


def refusal_of_the_verb(proposal, to, by, reason):
    """Try it for real, and take it back."""
    savepoint = transaction.savepoint()
    try:
        lifecycle.move(
            proposal_id=proposal.pk, to=to, version=proposal.version, reason=reason, by=by,
            at=instant.now(),
        )  # fmt: skip
    except (NotAllowed, MoveError, ValueError) as error:
        return type(error).__name__
    finally:
        transaction.savepoint_rollback(savepoint)
    return ""


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("role", Role)
def test_the_page_offers_what_the_verb_does(sent, staff, state, role):
    user = next(one for one in staff.values() if one.role == role)
    proposal = brought_to(sent, state, staff["rosa"])
    offered = offers.moves(proposal, user=user, authorities=authority.load())
    assert {offer.state for offer in offered} == set(State) - {state}
    for offer in offered:
        done = refusal_of_the_verb(proposal, offer.state, user, REASON)
        assert bool(offer.refusal) == bool(done), (offer, done)
        if not offer.refusal:
            silent = refusal_of_the_verb(proposal, offer.state, user, "")
            assert bool(offer.overrides) == (silent == "ValueError"), (offer, silent)


def test_where_closing_is_a_systems_word_people_need_an_override(sent, rosa, olivia):
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")
    by_state = {
        offer.state: offer
        for offer in offers.moves(sent, user=olivia, authorities=authority.load())
    }
    assert by_state[State.CLOSED_LOST].refusal == (
        "Only hubspot may say that it is closed lost. "
        "To override that takes a RevOps manager with a reason."
    )
    assert refusal_of_the_verb(sent, State.CLOSED_LOST, olivia, REASON) == "NotAllowed"
    assert refusal_of_the_verb(sent, State.CLOSED_LOST, rosa, REASON) == ""


def test_each_disabled_button_says_why(as_, sent):
    answer = as_("olivia").get(f"/proposals/{sent.pk}/")
    refused = {row.offer.state: row.offer.refusal for row in answer.context["refused_moves"]}
    assert refused[State.SIGNED].startswith("Only PandaDoc may say that it is signed.")
    assert refused[State.CLOSED_WON].startswith("A sent proposal cannot become closed won.")
    assert refused[State.DRAFT] == "A proposal goes back to draft in the quoting tool."
    page = answer.content.decode()
    assert all(reason in page for reason in refused.values())
