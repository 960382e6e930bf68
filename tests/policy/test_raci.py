"""Who it is right now, and why: present, stood in for, from the queue, or the fallback."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import Absence, OnCallShift, Team, User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy import operating_model, raci, raci_sets
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.operating_model import ModelError, Stale
from proposals.routing.roster import Roster
from tests.factories import MONDAY, person

pytestmark = pytest.mark.django_db


def away(user, stand_in=None):
    return Absence.objects.create(
        user=user, stand_in=stand_in,
        starts_at=MONDAY - timedelta(hours=1), ends_at=MONDAY + timedelta(hours=1),
    )  # fmt: skip


def set_raci(staff, process="delivery", seen=None, start=None, at=MONDAY, **holders):
    operating_model.set_raci(
        process=process, holders=holders, by=staff["rosa"], at=at, seen=seen, effective_from=start
    )


def test_who_is_named_and_present(staff):
    found = raci.responsible_for("delivery", at=MONDAY)
    assert (found.user, found.why) == (
        staff["olivia"], "Olivia Ortiz is responsible for delivery.",
    )  # fmt: skip


def test_a_stand_in_is_said_to_be_one(staff):
    away(staff["olivia"], stand_in=staff["sam"])
    found = raci.responsible_for("delivery", at=MONDAY)
    assert found.user == staff["sam"]
    assert found.why == "Sam Dube stands in for Olivia Ortiz, who is responsible for delivery."


def test_with_nobody_present_it_falls_to_the_queue_and_then_to_the_fallback(staff):
    set_raci(staff, responsible=[staff["sam"]])
    away(staff["sam"])
    assert raci.responsible_for("delivery", at=MONDAY).why.endswith("for exception queue.")
    away(staff["olivia"])
    found = raci.responsible_for("delivery", at=MONDAY)
    assert (found.user, found.is_fallback) == (staff["rosa"], True)


def test_somebody_who_left_is_not_named_again(staff):
    User.objects.filter(pk=staff["remy"].pk).update(is_active=False)
    left = User.objects.get(pk=staff["remy"].pk)
    for letter in ("responsible", "accountable", "consulted", "informed"):
        with pytest.raises(ModelError, match="Remy Park is not active here") as caught:
            set_raci(staff, **{letter: [left]})
        assert caught.value.field == letter
    with pytest.raises(ModelError) as caught:
        operating_model.set_company(name="X", zone="UTC", fallback_owner=left, by=SETUP, at=MONDAY)
    assert caught.value.field == "fallback_owner"


def test_an_older_look_is_stale_and_changes_nothing(staff):
    seen = operating_model.raci_facts("delivery", at=MONDAY)
    set_raci(staff, seen=seen, responsible=[staff["sam"]])
    with pytest.raises(Stale) as caught:
        set_raci(staff, seen=seen, responsible=[staff["rosa"]])
    assert caught.value.now["responsible"] == ["sam@example.com"]
    held = raci_sets.held(raci_sets.in_force("delivery", at=MONDAY))
    assert held["responsible"] == [staff["sam"]]


# --- Viewers ------------------------------------------------------------------------------------
@pytest.fixture
def reading(staff):
    """A team whose lead and longest-standing member read along, and Sam, who works."""
    team = Team.objects.create(slug="desk", name="Desk", lead=staff["vera"])
    User.objects.filter(pk__in=[staff["vera"].pk, staff["sam"].pk]).update(team=team)
    first = min((staff["olivia"], staff["rosa"]), key=lambda one: one.pk)
    User.objects.filter(pk=first.pk).update(team=team, role=Role.VIEWER)
    return team


def test_of_a_team_nobody_is_found_who_only_reads(staff, reading):
    set_raci({"rosa": SETUP}, responsible=[reading])
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["sam"]


def test_who_was_made_a_viewer_is_responsible_for_nothing(staff):
    set_raci(staff, responsible=[staff["sam"]])
    User.objects.filter(pk=staff["sam"].pk).update(role=Role.VIEWER)
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["olivia"]


def test_who_is_given_no_work_is_not_named_as_responsible(staff):
    readers = Team.objects.create(slug="readers", name="Readers")
    User.objects.filter(pk=staff["vera"].pk).update(team=readers)
    refused = {
        "Vera Lind is a viewer, who is given no work": staff["vera"],
        "Viewers are given no work": Role.VIEWER,
        "In Readers there are only viewers": readers,
    }
    for why, one in refused.items():
        with pytest.raises(ModelError, match=why) as caught:
            set_raci(staff, responsible=[staff["olivia"], one])
        assert caught.value.field == "responsible"
    # An empty team may still be filled, and one that a worker leads has somebody.
    User.objects.filter(pk=staff["vera"].pk).update(team=None)
    set_raci(staff, responsible=[readers])
    User.objects.filter(pk=staff["vera"].pk).update(team=readers)
    Team.objects.filter(pk=readers.pk).update(lead=staff["sam"])
    set_raci(staff, responsible=[Team.objects.get(slug="readers")], informed=[staff["vera"]])


def test_who_may_not_work_tickets_is_not_named_as_responsible(staff):
    admins = Team.objects.create(slug="admins", name="Admins")
    User.objects.filter(pk=staff["ada"].pk).update(team=admins)
    refused = {
        r"Remy Park \(Rep\) may not work the queue; name somebody else": staff["remy"],
        r"Ada Stone \(Admin\) may not work the queue": staff["ada"],
        "Reps may not work the queue": Role.REP,
        "Nobody in Admins may work the queue": admins,
    }
    for why, one in refused.items():
        with pytest.raises(ModelError, match=why) as caught:
            set_raci(staff, responsible=[one])
        assert caught.value.field == "responsible"
    # An SDR manager may, and in their team a rep is no hindrance; nor is answering for it work.
    sales = Team.objects.get(slug="sales")
    set_raci(staff, responsible=[staff["sam"], sales], accountable=[staff["ada"]])


def test_the_fallback_owner_can_work_what_falls_to_them(staff):
    refused = {
        "Vera Lind is a viewer, who is given no work; name somebody else": staff["vera"],
        r"Remy Park \(Rep\) may not work the queue": staff["remy"],
        r"Ada Stone \(Admin\) may not work the queue": staff["ada"],
        "Somebody stays the fallback owner": None,
    }
    asked = {"name": "X", "zone": "UTC", "by": SETUP, "at": MONDAY}
    for why, one in refused.items():
        with pytest.raises(ModelError, match=why) as caught:
            operating_model.set_company(**asked, fallback_owner=one)
        assert caught.value.field == "fallback_owner"
    assert operating_model.set_company(**asked, fallback_owner=staff["sam"])
    Company.objects.update(fallback_owner=None)
    assert operating_model.set_company(**asked, fallback_owner=None).fallback_owner is None


def test_a_viewer_may_answer_for_it_but_work_is_handed_up_to_the_fallback(staff):
    for named in (staff["vera"], Role.VIEWER):
        set_raci(staff, accountable=[named])
        assert raci.accountable_for("delivery", at=MONDAY).user == staff["vera"]
        assert raci.above("delivery", at=MONDAY).user == staff["rosa"]


def test_a_fallback_owner_who_was_made_a_viewer_is_none(staff):
    Company.objects.update(fallback_owner=staff["vera"])
    found = raci.fallback(at=MONDAY)
    assert (found.user, found.why) == (
        staff["rosa"], "Rosa Marin, because no fallback owner is present.",
    )  # fmt: skip


# --- Reps and Admins ----------------------------------------------------------------------------
@pytest.fixture
def mixed(staff):
    """A team led by a Rep, who is on call and its longest-standing member; Sam works there, too."""
    team = staff["sam"].team
    team.lead = staff["remy"]
    team.save()
    first = min((staff["olivia"], staff["sam"]), key=lambda one: one.pk)
    User.objects.filter(pk=first.pk).update(team=team)
    OnCallShift.objects.create(
        team=team, user=staff["remy"], layer="primary",
        starts_at=MONDAY - timedelta(hours=1), ends_at=MONDAY + timedelta(hours=1),
    )  # fmt: skip
    return team


def test_the_tickets_of_a_mixed_team_go_to_who_works_them(staff, mixed):
    set_raci(staff, responsible=[mixed])
    works = User.objects.filter(team=mixed).exclude(role=Role.REP).order_by("pk").first()
    assert raci.responsible_for("delivery", at=MONDAY).user == works
    named = {"delivery": raci_sets.in_force("delivery", at=MONDAY)}
    assert raci.Answers(at=MONDAY, named=named).responsible_for("delivery").user == works


def test_the_proposals_of_a_mixed_team_go_to_its_rep(staff, mixed):
    set_raci(staff, process="proposal-state", responsible=[mixed])
    assert Roster(at=MONDAY).responsible("proposal-state").user == staff["remy"]
    assert Roster(at=MONDAY).team("sales")[1] == staff["remy"]


def test_who_is_named_and_was_made_a_rep_gets_no_tickets(staff):
    set_raci(staff, responsible=[staff["sam"]])
    for role in (Role.REP, Role.ADMIN):
        User.objects.filter(pk=staff["sam"].pk).update(role=role)
        assert raci.responsible_for("delivery", at=MONDAY).user == staff["olivia"]
    RaciAssignment.objects.filter(letter="responsible").update(user=None, role=Role.REP)
    assert raci.responsible_for("delivery", at=MONDAY).is_fallback


def test_what_a_rep_answers_for_is_handed_up_to_the_fallback(staff, mixed):
    for named in (staff["remy"], mixed, staff["ada"]):
        set_raci(staff, accountable=[named])
        assert raci.accountable_for("delivery", at=MONDAY).user in (staff["remy"], staff["ada"])
        assert raci.above("delivery", at=MONDAY).user == staff["rosa"]


# --- Roles -------------------------------------------------------------------------------------
def test_a_role_is_whoever_is_in_it_and_present(staff):
    set_raci(staff, responsible=[Role.OPERATOR])
    found = raci.responsible_for("delivery", at=MONDAY)
    assert found.user == staff["olivia"]
    assert found.why == "Olivia Ortiz is responsible for delivery, like any RevOps operator."
    away(staff["olivia"])
    second = person("otto@example.com", "Otto Lang", Role.OPERATOR)
    assert raci.responsible_for("delivery", at=MONDAY).user == second
    User.objects.filter(pk=second.pk).update(is_active=False)
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["rosa"]


def test_who_is_informed_and_consulted_is_everybody_of_a_team_or_role(staff):
    left = person("lena@example.com", "Lena Roth", Role.MANAGER)
    User.objects.filter(pk=left.pk).update(is_active=False)
    away(staff["sam"])
    named = [staff["sam"].team, Role.MANAGER, staff["sam"]]
    set_raci(staff, informed=named, consulted=[Role.ADMIN])
    # Whoever is away reads it when they are back; whoever left, never.
    assert raci.informed("delivery", at=MONDAY) == [staff["sam"], staff["remy"], staff["rosa"]]
    assert raci.consulted("delivery", at=MONDAY) == [staff["ada"]]
    assert raci.informed("no-such-process", at=MONDAY) == []


def test_a_connection_without_owners_of_its_own_informs_those_of_connection_health(staff):
    set_raci(staff, process="connection-health", informed=[staff["vera"]])
    assert raci.informed("connection:hubspot", at=MONDAY) == [staff["vera"]]
    owners = {"accountable": [staff["rosa"]], "responsible": [staff["sam"]]}
    set_raci(staff, process="connection:hubspot", **owners)
    assert raci.informed("connection:hubspot", at=MONDAY) == []


# --- From a moment on --------------------------------------------------------------------------
LATER = MONDAY + timedelta(days=7)
EVEN_LATER = MONDAY + timedelta(days=14)


def responsible(at, process="delivery"):
    return raci.responsible_for(process, at=at).user


def test_a_planned_set_counts_from_its_moment_on_and_history_stays(staff):
    set_raci(staff, start=LATER, responsible=[staff["sam"]])
    set_raci(staff, start=EVEN_LATER, responsible=[staff["rosa"]])
    moments = [MONDAY, LATER - timedelta(seconds=1), LATER, EVEN_LATER]
    names = ["olivia", "olivia", "sam", "rosa"]
    assert [responsible(at) for at in moments] == [staff[name] for name in names]
    # A change at once is one until the next planned one.
    tuesday = MONDAY + timedelta(days=1)
    set_raci(staff, at=tuesday, responsible=[staff["rosa"]])
    assert responsible(MONDAY) == staff["olivia"]
    assert responsible(tuesday) == staff["rosa"]
    assert responsible(LATER) == staff["sam"]


def test_a_planned_set_takes_over_what_it_does_not_name(staff):
    set_raci(staff, start=LATER, informed=[staff["vera"]])
    assert responsible(LATER) == staff["olivia"]
    assert raci.accountable_for("delivery", at=LATER).user == staff["rosa"]
    assert raci.informed("delivery", at=MONDAY) == []


def test_a_plan_for_the_same_moment_takes_the_place_of_the_first(staff):
    set_raci(staff, start=LATER, responsible=[staff["sam"]])
    set_raci(staff, start=LATER, responsible=[staff["rosa"]])
    assert len(raci_sets.planned("delivery", after=MONDAY)) == 1
    assert responsible(LATER) == staff["rosa"]
    # And the same plan again is the same.
    set_raci(staff, start=LATER, responsible=[staff["rosa"]])
    assert len(raci_sets.planned("delivery", after=MONDAY)) == 1


def test_what_changes_nothing_makes_no_set_and_no_line(staff):
    before = RaciAssignment.objects.count(), TrailLine.objects.count()
    set_raci(staff, responsible=[staff["olivia"]], consulted=[])
    with pytest.raises(ModelError, match="These are the owners then already") as caught:
        set_raci(staff, start=LATER, responsible=[staff["olivia"]])
    assert caught.value.field == "effective_from"
    assert (RaciAssignment.objects.count(), TrailLine.objects.count()) == before


@pytest.mark.parametrize("days", [0, -1, 800])
def test_the_past_and_the_far_future_are_no_moments(staff, days):
    with pytest.raises(ModelError) as caught:
        set_raci(staff, start=MONDAY + timedelta(days=days), responsible=[staff["sam"]])
    assert caught.value.field == "effective_from"
    assert raci_sets.planned("delivery", after=MONDAY) == []


def test_a_plan_somebody_made_meanwhile_is_seen_before_the_owners_are_changed(staff):
    seen = operating_model.raci_facts("delivery", at=MONDAY)
    set_raci(staff, start=LATER, responsible=[staff["sam"]])
    with pytest.raises(Stale) as caught:
        set_raci(staff, seen=seen, responsible=[staff["rosa"]])
    said = "responsible sam@example.com; accountable rosa@example.com"
    assert caught.value.now["from 2026-03-09 09:30 UTC"] == said
    assert responsible(MONDAY) == staff["olivia"]


def test_what_is_in_force_is_not_called_off(staff):
    set_raci(staff, start=LATER, responsible=[staff["sam"]])
    refused = [
        (LATER, staff["rosa"], LATER, ModelError, "in force by now"),
        (LATER, staff["rosa"], EVEN_LATER, ModelError, "in force by now"),
        (EVEN_LATER, staff["rosa"], MONDAY, ModelError, "Nothing is planned"),
        (LATER, staff["olivia"], MONDAY, NotAllowed, "may not change"),
    ]
    for moment, by, at, error, sentence in refused:
        with pytest.raises(error, match=sentence):
            operating_model.cancel_raci(process="delivery", effective_from=moment, by=by, at=at)
    assert responsible(LATER) == staff["sam"]


def test_who_leaves_before_their_moment_comes_leaves_no_hole(staff):
    set_raci(staff, start=LATER, responsible=[staff["sam"]], accountable=[staff["sam"]])
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    assert responsible(LATER) == staff["olivia"]
    assert raci.accountable_for("delivery", at=LATER).user == staff["rosa"]


def test_owners_that_are_removed_are_removed_from_now_on(staff):
    set_raci(staff, process="partner desk", accountable=[staff["rosa"]], responsible=[staff["sam"]])
    set_raci(staff, process="partner desk", start=LATER, responsible=[staff["rosa"]])
    tuesday = MONDAY + timedelta(days=1)
    operating_model.remove_raci(process="partner desk", by=staff["rosa"], at=tuesday)
    assert responsible(MONDAY, "partner desk") == staff["sam"]
    assert responsible(tuesday, "partner desk") == staff["olivia"]
    assert responsible(LATER, "partner desk") == staff["olivia"]


def test_two_accountables_from_the_same_moment_on_are_refused_by_the_database(staff):
    sales = staff["sam"].team
    with pytest.raises(IntegrityError), transaction.atomic():
        RaciAssignment.objects.create(process="delivery", letter="accountable", team=sales)
    for holders in ({}, {"team": sales, "role": "rep"}, {"team": sales, "user": staff["sam"]}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RaciAssignment.objects.create(process="x", letter="informed", **holders)
