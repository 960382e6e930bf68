"""Who it is right now, and why: present, stood in for, from the queue, or the fallback."""

from datetime import timedelta

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Absence, User
from meshline.policy import operating_model, raci
from meshline.policy.models import RaciAssignment
from meshline.policy.operating_model import ModelError, Stale
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db


def away(user, stand_in=None):
    return Absence.objects.create(
        user=user, stand_in=stand_in,
        starts_at=MONDAY - timedelta(hours=1), ends_at=MONDAY + timedelta(hours=1),
    )  # fmt: skip


def set_raci(staff, by="rosa", process="delivery", seen=None, **holders):
    operating_model.set_raci(
        process=process, holders=holders, by=staff[by], at=instant.now(), seen=seen
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
    seen = operating_model.raci_facts("delivery")
    set_raci(staff, seen=seen, responsible=[staff["sam"]])
    with pytest.raises(Stale) as caught:
        set_raci(staff, seen=seen, responsible=[staff["remy"]])
    assert caught.value.now["responsible"] == ["sam@example.com"]
    rows = RaciAssignment.objects.filter(process="delivery", letter="responsible")
    assert [row.user for row in rows] == [staff["sam"]]
