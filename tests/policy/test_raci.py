"""Who it is right now, and why: present, stood in for, from the queue, or the fallback."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import Absence, User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy import operating_model, raci, raci_sets
from meshline.policy.models import RaciAssignment
from meshline.policy.operating_model import ModelError, Stale
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
    set_raci(staff, responsible=[staff["remy"]])
    away(staff["remy"])
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
        set_raci(staff, seen=seen, responsible=[staff["remy"]])
    assert caught.value.now["responsible"] == ["sam@example.com"]
    held = raci_sets.held(raci_sets.in_force("delivery", at=MONDAY))
    assert held["responsible"] == [staff["sam"]]


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
    owners = {"accountable": [staff["rosa"]], "responsible": [staff["ada"]]}
    set_raci(staff, process="connection:hubspot", **owners)
    assert raci.informed("connection:hubspot", at=MONDAY) == []


# --- From a moment on --------------------------------------------------------------------------
LATER = MONDAY + timedelta(days=7)
EVEN_LATER = MONDAY + timedelta(days=14)


def responsible(at, process="delivery"):
    return raci.responsible_for(process, at=at).user


def test_a_planned_set_counts_from_its_moment_on_and_history_stays(staff):
    set_raci(staff, start=LATER, responsible=[staff["sam"]])
    set_raci(staff, start=EVEN_LATER, responsible=[staff["remy"]])
    moments = [MONDAY, LATER - timedelta(seconds=1), LATER, EVEN_LATER]
    names = ["olivia", "olivia", "sam", "remy"]
    assert [responsible(at) for at in moments] == [staff[name] for name in names]
    # A change at once is one until the next planned one.
    tuesday = MONDAY + timedelta(days=1)
    set_raci(staff, at=tuesday, responsible=[staff["ada"]])
    assert responsible(MONDAY) == staff["olivia"]
    assert responsible(tuesday) == staff["ada"]
    assert responsible(LATER) == staff["sam"]


def test_a_planned_set_takes_over_what_it_does_not_name(staff):
    set_raci(staff, start=LATER, informed=[staff["vera"]])
    assert responsible(LATER) == staff["olivia"]
    assert raci.accountable_for("delivery", at=LATER).user == staff["rosa"]
    assert raci.informed("delivery", at=MONDAY) == []


def test_a_plan_for_the_same_moment_takes_the_place_of_the_first(staff):
    set_raci(staff, start=LATER, responsible=[staff["sam"]])
    set_raci(staff, start=LATER, responsible=[staff["remy"]])
    assert len(raci_sets.planned("delivery", after=MONDAY)) == 1
    assert responsible(LATER) == staff["remy"]


def test_what_changes_nothing_makes_no_set_and_no_line(staff):
    before = RaciAssignment.objects.count(), TrailLine.objects.count()
    set_raci(staff, responsible=[staff["olivia"]], consulted=[])
    set_raci(staff, start=LATER, responsible=[staff["olivia"]])
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
        set_raci(staff, seen=seen, responsible=[staff["remy"]])
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
    set_raci(staff, process="partner desk", start=LATER, responsible=[staff["remy"]])
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
