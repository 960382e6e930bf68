"""Absences: what can be planned, by whom, and what cannot, with the field named."""

from datetime import timedelta

import pytest

from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people import availability
from meshline.people.models import Absence, User
from meshline.people.permissions import NotAllowed
from meshline.policy.operating_model import ModelError, Stale
from meshline.rota import absences, showing
from tests.rota.conftest import MONDAY, day

pytestmark = pytest.mark.django_db


def plan(user, starts=None, ends=None, by=SETUP, at=MONDAY, **more):
    return absences.plan(
        user=user, starts_at=starts, ends_at=ends or day(10), by=by, at=at, **more
    )  # fmt: skip


def change(one, at=MONDAY, by=SETUP, **changes):
    names = ("starts_at", "ends_at", "stand_in", "note")
    asked = {name: getattr(one, name) for name in names} | changes
    return absences.change(absence_id=one.pk, by=by, at=at, **asked)


def refused(field, words, user, *args, **asked):
    with pytest.raises(ModelError, match=words) as caught:
        plan(user, *args, **asked)
    assert caught.value.field == field


# --- Planning ------------------------------------------------------------------------------------
def test_from_now_on_is_exactly_now(olivia):
    assert plan(olivia, at=MONDAY).starts_at == MONDAY
    # The minute that is running was typed without its seconds: the hand-over is due from now on.
    late = MONDAY + timedelta(seconds=50)
    assert plan(olivia, MONDAY, day(11), at=late).starts_at == late


@pytest.mark.parametrize(
    ("starts", "ends", "field", "words"),
    [
        (day(5), day(5), "ends_at", "ends after"),
        (day(6), day(5), "ends_at", "ends after"),
        (None, day(1), "ends_at", "ends after"),
        (day(1), day(5), "starts_at", "past"),
        (day(5), day(5) + timedelta(days=367), "ends_at", "a year"),
        (day(5) + timedelta(days=800), day(9) + timedelta(days=800), "starts_at", "two years"),
    ],
)
def test_times_that_cannot_be(olivia, starts, ends, field, words):
    refused(field, words, olivia, starts, ends)


def test_stand_ins_who_cannot(olivia, staff, nils):
    assert (refused("stand_in", "for themselves", olivia, stand_in=olivia)) is None
    refused("stand_in", "is a viewer", olivia, stand_in=staff["vera"])
    refused("stand_in", "may not work the queue", olivia, stand_in=staff["remy"])
    refused("stand_in", "may not work the queue", olivia, stand_in=staff["ada"])
    refused("stand_in", "may not follow up", staff["remy"], stand_in=staff["ada"])
    User.objects.filter(pk=nils.pk).update(is_active=False)
    refused("stand_in", "not active", olivia, stand_in=User.objects.get(pk=nils.pk))
    refused("note", "under 300", olivia, note="x" * 301)
    # An admin's few tickets go to whoever.
    plan(staff["ada"], stand_in=staff["remy"])


def test_the_same_twice_is_once(olivia, rosa):
    plan(olivia, day(5), day(6), stand_in=rosa)
    refused("starts_at", "planned already", olivia, day(5), day(6), stand_in=rosa)
    assert Absence.objects.count() == 1


def test_who_left_is_not_out(olivia):
    User.objects.filter(pk=olivia.pk).update(is_active=False)
    refused(None, "not active", olivia)


def test_planning_without_its_trail_line_does_not_happen(olivia, monkeypatch):
    monkeypatch.setattr(absences.trail, "record", lambda *args, **named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plan(olivia)
    assert not Absence.objects.exists()


def test_why_somebody_is_out_is_sealed_on_the_trail(olivia):
    plan(olivia, note="Surgery")
    line = TrailLine.objects.get(what="absence.planned")
    assert line.after["person"] == "Olivia Ortiz"
    assert "Surgery" not in str(line.after)
    assert set(line.after["note"]) == {"person_key", "sealed"}


# --- Changing, ending, cancelling ----------------------------------------------------------------
def test_what_has_begun_keeps_its_start_and_can_be_extended(olivia, rosa):
    one = plan(olivia, day(3), day(5))
    assert change(one, starts_at=day(4)).starts_at == day(4)
    for changes, field in (({"starts_at": day(3)}, "starts_at"), ({"ends_at": day(4)}, "ends_at")):
        with pytest.raises(ModelError) as caught:
            change(Absence.objects.get(pk=one.pk), at=day(4, 12), **changes)
        assert caught.value.field == field
    later = change(Absence.objects.get(pk=one.pk), at=day(4, 12), ends_at=day(9), stand_in=rosa)
    assert (later.ends_at, later.stand_in) == (day(9), rosa)
    line = TrailLine.objects.filter(what="absence.changed").latest("pk")
    assert (line.before["to"], line.after["to"]) == (
        "2026-03-05T09:00:00Z", "2026-03-09T09:00:00Z",
    )  # fmt: skip


def test_what_is_over_stays(olivia):
    one = plan(olivia, day(3), day(5))
    for act in (absences.end, absences.cancel):
        with pytest.raises(ModelError, match="over"):
            act(absence_id=one.pk, by=SETUP, at=day(5))
    with pytest.raises(ModelError, match="over"):
        change(one, at=day(6), ends_at=day(9))


def test_before_the_start_it_is_cancelled_after_it_it_ends(olivia):
    one = plan(olivia, day(3), day(5))
    with pytest.raises(ModelError, match="not begun"):
        absences.end(absence_id=one.pk, by=SETUP, at=MONDAY)
    with pytest.raises(ModelError, match="end it instead"):
        absences.cancel(absence_id=one.pk, by=SETUP, at=day(4))
    absences.end(absence_id=one.pk, by=SETUP, at=day(4))
    assert Absence.objects.get().ends_at == day(4)
    two = plan(olivia, day(6), day(7), at=day(5))
    absences.cancel(absence_id=two.pk, by=SETUP, at=day(5))
    three = plan(olivia, None, day(7), at=day(5))
    # Ended in the very instant in which it began, it never was.
    absences.end(absence_id=three.pk, by=SETUP, at=day(5))
    assert Absence.objects.count() == 1
    with pytest.raises(ModelError, match="cancelled this absence meanwhile"):
        absences.cancel(absence_id=two.pk, by=SETUP, at=day(5))


def test_an_older_look_is_stale(olivia, rosa):
    one = plan(olivia, day(3), day(5))
    seen = absences.facts(one)
    change(one, ends_at=day(6))
    with pytest.raises(Stale) as caught:
        change(one, stand_in=rosa, seen=seen)
    assert caught.value.now["to"] == "2026-03-06T09:00:00Z"


# --- Whose they are ------------------------------------------------------------------------------
def test_everybody_who_has_work_for_themselves_and_managers_for_others(staff, olivia, rosa):
    sam, remy = staff["sam"], staff["remy"]
    for user in (olivia, rosa, sam, remy):
        plan(user, by=user)
    plan(staff["ada"], by=rosa)
    one = plan(remy, day(20), day(21), by=sam)
    for by, user in ((olivia, remy), (sam, olivia), (remy, sam)):
        with pytest.raises(NotAllowed):
            plan(user, by=by)
    for by in (staff["ada"], staff["vera"]):
        with pytest.raises(NotAllowed, match="may not plan absences"):
            plan(by, by=by)
    with pytest.raises(NotAllowed):
        change(one, by=olivia, ends_at=day(22))
    with pytest.raises(NotAllowed):
        absences.cancel(absence_id=one.pk, by=olivia, at=MONDAY)


def test_who_it_is_about_is_told(olivia, rosa, staff):
    one = plan(olivia, day(3), day(5), by=rosa, stand_in=staff["sam"])
    said = Notice.objects.get(user=olivia).text
    assert said.startswith("You are out from Tue 3 Mar 2026, 09:00")
    assert said.endswith("as Rosa Marin planned.")
    assert "You stand in for Olivia Ortiz" in Notice.objects.get(user=staff["sam"]).text
    absences.cancel(absence_id=one.pk, by=rosa, at=MONDAY)
    assert Notice.objects.filter(user=staff["sam"], text__contains="after all").exists()


def told(user):
    return Notice.objects.filter(user=user).latest("pk").text


def test_who_stood_in_hears_that_they_do_no_longer(olivia, rosa, nils, staff):
    one = plan(olivia, day(3), day(5), stand_in=nils)
    change(one, stand_in=staff["sam"], ends_at=day(9))
    assert told(nils) == (
        "You no longer stand in for Olivia Ortiz, who is out "
        "from Tue 3 Mar 2026, 09:00 to Thu 5 Mar 2026, 09:00."
    )
    assert told(staff["sam"]).startswith("You stand in for Olivia Ortiz")
    change(Absence.objects.get(pk=one.pk), stand_in=None)
    assert told(staff["sam"]).startswith("You no longer stand in for Olivia Ortiz")
    # Who did it themselves knows.
    change(Absence.objects.get(pk=one.pk), stand_in=rosa, by=rosa)
    change(Absence.objects.get(pk=one.pk), stand_in=nils, by=rosa)
    assert not Notice.objects.filter(user=rosa).exists()


def test_who_is_back_early_is_stood_in_for_no_longer(olivia, rosa, nils):
    one = plan(olivia, day(3), day(9), stand_in=nils)
    absences.end(absence_id=one.pk, by=rosa, at=day(4))
    assert told(nils) == "Olivia Ortiz is here again: you no longer stand in for them."
    assert told(olivia) == "You are out no longer, as Rosa Marin ended your absence."


# --- Who has the work ----------------------------------------------------------------------------
def test_who_has_the_work_stretch_by_stretch(olivia, rosa, nils):
    one = plan(olivia, day(9), day(13), stand_in=rosa)
    plan(rosa, day(10), day(11), stand_in=nils)
    plan(nils, day(10, 12), day(10, 15), stand_in=olivia)
    known = list(Absence.objects.select_related("user", "stand_in"))
    found = showing.work_of(one, known, at=MONDAY)
    names = [(w.starts_at, w.user.name if w.user else None) for w in found]
    assert names == [
        (day(9), "Rosa Marin"), (day(10), "Nils Aker"), (day(10, 12), None),
        (day(10, 15), "Nils Aker"), (day(11), "Rosa Marin"),
    ]  # fmt: skip


def test_back_is_when_the_last_of_them_ends(olivia):
    plan(olivia, day(9), day(10))
    plan(olivia, day(10), day(12))
    plan(olivia, day(16), day(17))
    assert availability.back_at([olivia.pk], at=day(9)) == {olivia.pk: day(12)}
    assert availability.back_at([olivia.pk], at=day(13)) == {}
