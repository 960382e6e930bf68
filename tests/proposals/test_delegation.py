"""Proposals while somebody is out: with whom they are, and what the other systems read of it."""

from datetime import timedelta

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people import people
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy.models import BusinessCalendar
from meshline.rota import absences
from proposals import delegation, invariants, lifecycle
from proposals.lifecycle import Conflict
from proposals.models import Outcome
from proposals.states import MoveError, State
from tests import factories
from tests.factories import MONDAY, reread

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY, NEXT = MONDAY + DAY, MONDAY + 7 * DAY


@pytest.fixture
def remy(staff):
    return staff["remy"]


@pytest.fixture
def ines(staff):
    return factories.person("ines@example.com", "Ines Falk", Role.REP, staff["remy"].team)


def out(user, stand_in=None, start=TUESDAY, end=NEXT, at=MONDAY):
    return absences.plan(
        user=user, stand_in=stand_in, starts_at=start, ends_at=end, by=SETUP, at=at
    )


def hand_over(at):
    return sum(delegation.hand_over(at=at))


def owner(proposal):
    now = reread(proposal)
    return now.owner.name, now.stands_in_for and now.stands_in_for.name


def deactivate(user, at):
    people.change(
        user_id=user.pk, name=user.name, role=user.role, team=user.team, zone=user.zone,
        is_active=False, by=SETUP, at=at,
    )  # fmt: skip


def made_a_viewer(user, at):
    people.change(
        user_id=user.pk, name=user.name, role=Role.VIEWER, team=user.team, zone=user.zone,
        is_active=True, by=SETUP, at=at,
    )  # fmt: skip


# --- At the start and at the end -----------------------------------------------------------------
def test_it_is_with_the_stand_in_and_back_again(sent, remy, ines):
    version = sent.version
    out(remy, ines)
    assert hand_over(TUESDAY - timedelta(seconds=1)) == 0
    assert (hand_over(TUESDAY), hand_over(TUESDAY)) == (1, 0)
    assert owner(sent) == ("Ines Falk", "Remy Park")
    assert reread(sent).version == version + 1
    line = TrailLine.objects.get(what="proposal.handed-over")
    assert line.before == {"owner": "Remy Park"}
    assert line.after == {"owner": "Ines Falk", "standing in for": "Remy Park"}
    assert hand_over(NEXT) == 1
    assert owner(sent) == ("Remy Park", None)
    assert TrailLine.objects.get(what="proposal.returned").why == "Remy Park is here again."
    assert invariants.versions() == []
    assert Notice.objects.filter(user=ines, text__contains="Remy Park is out").count() == 1
    assert Notice.objects.filter(user=remy, text__startswith="You are back").count() == 1


def test_the_crm_is_told_who_follows_it_up(tell, remy, ines, pandadoc):
    factories.hubspot()
    sent = tell("sent")
    out(remy, ines)
    hand_over(TUESDAY)
    deal = Outcome.objects.filter(proposal=sent, name="deal", unwanted_at=None).latest("pk")
    assert deal.params["owner_email"] == "ines@example.com"
    hand_over(NEXT)
    deal = Outcome.objects.filter(proposal=sent, name="deal", unwanted_at=None).latest("pk")
    assert deal.params["owner_email"] == "remy@example.com"


def test_without_a_stand_in_it_goes_to_who_answers_for_proposals(sent, remy, olivia):
    out(remy)
    hand_over(TUESDAY)
    assert owner(sent) == ("Olivia Ortiz", "Remy Park")
    assert reread(sent).owner_why == (
        "Remy Park is out until 9 Mar 2026, 09:30 UTC, and nobody stands in. "
        "Olivia Ortiz is responsible for proposal state."
    )


@pytest.fixture
def lost(sent, rosa):
    return lifecycle.move(
        proposal_id=sent.pk, to=State.CLOSED_LOST, version=sent.version, reason="No budget",
        by=rosa, at=MONDAY + HOUR,
    )  # fmt: skip


def test_what_is_closed_stays_with_whom_it_is(lost, remy, ines):
    out(remy, ines)
    assert hand_over(TUESDAY) == 0
    assert owner(lost) == ("Remy Park", None)


def test_what_is_opened_again_meanwhile_is_the_stand_ins_at_once(lost, remy, ines, rosa):
    out(remy, ines)
    lifecycle.move(
        proposal_id=lost.pk, to=State.DRAFT, version=lost.version, reason="A mistake",
        by=rosa, at=TUESDAY,
    )  # fmt: skip
    assert owner(lost) == ("Ines Falk", "Remy Park")


def test_it_is_due_in_the_hours_of_whose_it_is(tell, remy, olivia):
    """Olivia's team works one hour a week: what she has for Remy is due no later for that."""
    sent = tell("sent")
    BusinessCalendar.objects.create(
        slug="revops", name="RevOps", zone="UTC", windows=[[4, "09:00", "10:00"]], team=olivia.team
    )
    out(remy, olivia)
    hand_over(TUESDAY)
    assert owner(sent) == ("Olivia Ortiz", "Remy Park")
    assert sent.next_follow_up_at is not None
    assert reread(sent).next_follow_up_at == sent.next_follow_up_at


# --- What comes meanwhile ------------------------------------------------------------------------
def test_whoever_the_source_names_and_is_out_is_stood_in_for(tell, remy, ines):
    now = instant.now()
    out(remy, ines, now, now + DAY, at=now)
    sent = tell("sent")
    assert owner(sent) == ("Ines Falk", "Remy Park")
    assert not sent.owner_is_temporary
    assert sent.owner_named == "remy@example.com"
    # And told anew, it stays so.
    assert owner(tell("viewed", at=MONDAY + HOUR)) == ("Ines Falk", "Remy Park")
    hand_over(now + DAY)
    assert owner(sent) == ("Remy Park", None)


def test_another_owner_named_meanwhile_is_the_owner(tell, remy, ines, staff):
    sent = tell("sent")
    now = instant.now()
    out(remy, ines, now, now + DAY, at=now)
    hand_over(now)
    told = tell("sent", at=MONDAY + HOUR, owner="sam@example.com")
    assert owner(told) == ("Sam Dube", None)
    assert hand_over(now + DAY) == 0
    assert owner(sent) == ("Sam Dube", None)


def test_given_to_somebody_who_is_out_it_is_with_their_stand_in(sent, remy, ines, rosa, olivia):
    out(olivia, rosa)
    given = lifecycle.assign(
        proposal_id=sent.pk, owner=olivia, version=sent.version, reason="Hers", by=rosa,
        at=TUESDAY,
    )  # fmt: skip
    assert owner(given) == ("Rosa Marin", "Olivia Ortiz")
    hand_over(NEXT)
    assert owner(given) == ("Olivia Ortiz", None)


def test_given_to_somebody_while_stood_in_for_it_does_not_go_back(sent, remy, ines, rosa, olivia):
    out(remy, ines)
    hand_over(TUESDAY)
    lifecycle.assign(
        proposal_id=sent.pk, owner=olivia, version=reread(sent).version, reason="Hers",
        by=rosa, at=TUESDAY,
    )  # fmt: skip
    assert hand_over(NEXT) == 0
    assert owner(sent) == ("Olivia Ortiz", None)


def test_a_stand_in_who_is_out_too_and_one_who_leaves(sent, remy, ines, staff):
    out(remy, ines)
    out(ines, staff["sam"], TUESDAY + DAY, TUESDAY + 2 * DAY)
    hand_over(TUESDAY + DAY)
    assert owner(sent) == ("Sam Dube", "Remy Park")
    hand_over(TUESDAY + 2 * DAY)
    assert owner(sent) == ("Ines Falk", "Remy Park")
    deactivate(ines, TUESDAY + 3 * DAY)
    hand_over(TUESDAY + 3 * DAY)
    assert owner(sent) == ("Olivia Ortiz", "Remy Park")


def test_what_somebody_leaves_behind_is_somebodys_for_good(sent, remy):
    deactivate(remy, TUESDAY)
    hand_over(TUESDAY)
    assert owner(sent) == ("Olivia Ortiz", None)
    assert reread(sent).owner_why.startswith("Remy Park no longer works here.")
    assert hand_over(TUESDAY) == 0


def test_who_is_made_a_viewer_is_followed_like_who_left(sent, remy):
    now = instant.now()
    made_a_viewer(remy, now - timedelta(minutes=2))
    assert len(invariants.ownerless()) == 1
    hand_over(now)
    assert owner(sent) == ("Olivia Ortiz", None)
    assert reread(sent).owner_why.startswith("Remy Park is a viewer now.")
    assert invariants.ownerless() == []
    assert hand_over(now) == 0


def test_a_viewer_is_given_no_proposal(sent, rosa, staff):
    with pytest.raises(MoveError, match="Vera Lind is a viewer now; choose somebody else"):
        lifecycle.assign(
            proposal_id=sent.pk, owner=staff["vera"], version=sent.version, reason="Why not",
            by=rosa, at=MONDAY,
        )  # fmt: skip


# --- Keeping it ----------------------------------------------------------------------------------
def test_what_is_kept_does_not_go_back(sent, remy, ines):
    out(remy, ines)
    hand_over(TUESDAY)
    now = reread(sent)
    delegation.keep(proposal_id=now.pk, version=now.version, by=ines, at=TUESDAY)
    assert hand_over(NEXT) == 0
    assert owner(sent) == ("Ines Falk", None)
    assert reread(sent).owner_pinned
    assert invariants.versions() == []


def test_who_may_keep_and_when(sent, remy, ines, staff):
    with pytest.raises(MoveError, match="nothing to keep"):
        delegation.keep(proposal_id=sent.pk, version=sent.version, by=remy, at=MONDAY)
    out(remy, ines)
    hand_over(TUESDAY)
    now = reread(sent)
    for user in (remy, staff["vera"], staff["ada"]):
        with pytest.raises(NotAllowed):
            delegation.keep(proposal_id=now.pk, version=now.version, by=user, at=TUESDAY)
    with pytest.raises(Conflict):
        delegation.keep(proposal_id=now.pk, version=now.version - 1, by=ines, at=TUESDAY)
    delegation.keep(proposal_id=now.pk, version=now.version, by=staff["sam"], at=TUESDAY)


def test_the_page_says_for_whom_and_until_when(as_, sent, remy, ines):
    out(remy, ines)
    hand_over(TUESDAY)
    with instant.stopped(TUESDAY + HOUR):
        page = as_("sam").get(f"/proposals/{sent.pk}/").content.decode()
        assert "standing in for Remy Park until" in page
        assert "Keep it" in page
        assert "for Remy Park" in as_("sam").get("/proposals/").content.decode()
        # Who is out still sees it, and reads why it is not theirs to keep.
        theirs = as_("remy")
        assert theirs.get(f"/proposals/{sent.pk}/").status_code == 200
        version = {"version": reread(sent).version}
        assert theirs.post(f"/proposals/{sent.pk}/keep/", version).status_code == 403
        assert as_("sam").post(f"/proposals/{sent.pk}/keep/", {"version": "0"}).status_code == 409
        assert as_("sam").post(f"/proposals/{sent.pk}/keep/", {}).status_code == 422
        huge = {"version": "9" * 30}
        assert as_("sam").post(f"/proposals/{sent.pk}/keep/", huge).status_code == 422
        assert as_("sam").post(f"/proposals/{sent.pk}/keep/", version).status_code == 303
    assert owner(sent) == ("Ines Falk", None)


# --- What must hold ------------------------------------------------------------------------------
def test_a_proposal_of_somebody_who_is_out_breaks_an_invariant(sent, remy, ines):
    now = instant.now()
    absence = out(remy, ines, now, now + DAY, at=now)
    assert invariants.ownerless() == []
    absence.starts_at = now - timedelta(minutes=2)
    absence.save()
    assert invariants.ownerless() == [f"Proposal {sent.pk} is owned by Remy Park, who is not here."]
    hand_over(now)
    assert invariants.ownerless() == invariants.not_returned() == []
    absence.ends_at = now - timedelta(seconds=90)
    absence.save()
    assert invariants.not_returned() == [f"Proposal {sent.pk} is Remy Park's, who is here again."]


def test_and_so_does_one_of_somebody_who_left(sent, remy):
    now = instant.now()
    deactivate(remy, now)
    assert invariants.ownerless() == []
    User.objects.filter(pk=remy.pk).update(deactivated_at=now - timedelta(minutes=2))
    assert len(invariants.ownerless()) == 1
