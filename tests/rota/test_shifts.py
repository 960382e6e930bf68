"""Shifts: what can be put on the rota, and what cannot, with the field named."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people import availability
from meshline.people.models import OnCallShift, ShiftOverride, Team, User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy import operating_model
from meshline.policy.operating_model import ModelError, Stale
from meshline.rota import absences, checks, doubles, overrides, shifts
from tests import factories
from tests.rota.conftest import MONDAY, day

pytestmark = pytest.mark.django_db


def put(team, user, starts, ends, by=SETUP, at=MONDAY, **more):
    return shifts.add(
        team=team, user=user, starts_at=starts, ends_at=ends, by=by, at=at, **more
    )  # fmt: skip


@pytest.fixture
def shift(revops, olivia):
    return put(revops, olivia, day(9), day(13, 17))[0]


@pytest.fixture
def his(revops, nils):
    return put(revops, nils, day(16), day(20, 17))[0]


def refused(verb, field, words, **asked):
    with pytest.raises(ModelError, match=words) as caught:
        verb(by=SETUP, at=asked.pop("at", MONDAY), **asked)
    assert caught.value.field == field


# --- Adding --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("starts", "ends", "field", "words"),
    [
        (day(10), day(9), "ends_at", "ends after it begins"),
        (day(9), day(9), "ends_at", "ends after it begins"),
        (day(9), day(9) + timedelta(weeks=4, hours=3), "ends_at", "at most 4 weeks"),
        (day(1), day(9), "starts_at", "in the past"),
        (day(2, 7, 59), day(9), "starts_at", "in the past"),
        (day(9) + timedelta(days=400), day(10) + timedelta(days=400), "starts_at", "a year ahead"),
    ],
)
def test_times_that_cannot_be(revops, olivia, starts, ends, field, words):
    refused(
        shifts.add, field, words, team=revops, user=olivia, starts_at=starts, ends_at=ends
    )  # fmt: skip


def test_four_weeks_by_the_calendar_and_the_present_minute_are_fine(revops, olivia):
    [made] = put(revops, olivia, MONDAY, MONDAY + timedelta(weeks=4), at=MONDAY + timedelta(0, 50))
    assert made.user == olivia


def test_nobody_who_left_or_is_out_or_only_reads(revops, olivia, staff):
    asked = {"team": revops, "starts_at": day(9), "ends_at": day(13)}
    refused(shifts.add, "user", "Vera Lind is a viewer", user=staff["vera"], **asked)
    absences.plan(
        user=olivia, starts_at=day(12), ends_at=day(20), by=SETUP, at=MONDAY, stand_in=staff["rosa"]
    )
    refused(shifts.add, "user", "Olivia Ortiz is out from Thu 12 Mar", user=olivia, **asked)
    User.objects.filter(pk=olivia.pk).update(is_active=False)
    left = User.objects.get(pk=olivia.pk)
    refused(shifts.add, "user", "not active", user=left, **asked)
    assert not OnCallShift.objects.exists()


def test_who_may_not_work_tickets_is_not_on_call_where_there_are_some(revops, shift, staff, rosa):
    operating_model.set_raci(
        process="delivery", holders={"responsible": [revops], "accountable": [rosa]}, by=SETUP,
        at=MONDAY,
    )  # fmt: skip
    remy, sales = staff["remy"], staff["remy"].team
    why = r"Remy Park \(Rep\) may not work the queue, where .* has tickets"
    asked = {"user": remy, "starts_at": day(23), "ends_at": day(24)}
    refused(shifts.add, "user", why, team=revops, **asked)
    stretch = {"starts_at": day(10), "ends_at": day(11)}
    refused(overrides.add, "user", why, shift_id=shift.pk, user=remy, **stretch)
    # A rep is on call for a team that has proposals only, until its tickets are planned.
    put(sales, remy, day(23), day(24))
    operating_model.set_raci(
        process="delivery", holders={"responsible": [sales]}, effective_from=day(30), by=SETUP,
        at=MONDAY,
    )  # fmt: skip
    later = {"starts_at": day(25), "ends_at": day(26)}
    refused(shifts.add, "user", why, team=sales, user=remy, **later)


def test_two_at_once_are_refused_in_one_line_of_one_team(revops, shift, nils, staff):
    asked = {"user": nils, "starts_at": day(13, 16), "ends_at": day(14)}
    refused(shifts.add, "starts_at", "Olivia Ortiz is on call then already", team=revops, **asked)
    put(revops, nils, day(13, 17), day(14))
    put(revops, nils, day(9), day(13), layer="secondary")
    put(Team.objects.get(slug="sales"), nils, day(9), day(13))
    refused(shifts.add, "layer", "no such line", team=revops, layer="third", **asked)


def test_the_database_knows_it_too(shift, his):
    # One constraint a line: who gets past the verbs is stopped there.
    with pytest.raises(IntegrityError), transaction.atomic():
        OnCallShift.objects.filter(pk=his.pk).update(starts_at=day(13))
    OnCallShift.objects.filter(pk=his.pk).update(starts_at=day(13), layer="secondary")


def test_repeated_it_stands_at_the_same_local_times(revops, olivia):
    # On 29 March the clocks of Berlin go forward: nine there is eight, then seven in UTC.
    made = put(
        revops, olivia, day(23, 8), day(27, 16), weeks=3, zone="Europe/Berlin"
    )  # fmt: skip
    april = datetime(2026, 4, 6, tzinfo=UTC)
    assert [one.starts_at for one in made] == [
        day(23, 8), day(30, 7), april.replace(hour=7),
    ]  # fmt: skip
    assert TrailLine.objects.filter(what="shift.added").count() == 3


def test_repeated_it_is_all_or_nothing(revops, olivia, his):
    asked = {"team": revops, "user": olivia, "starts_at": day(9), "ends_at": day(10)}
    refused(shifts.add, "starts_at", "Mon 16 Mar 2026, 09:00: Nils Aker", weeks=2, **asked)
    assert OnCallShift.objects.count() == 1
    for weeks in (0, -1, 27, 10**9):
        refused(shifts.add, "weeks", "1 to 26 weeks", weeks=weeks, **asked)


def test_adding_without_its_trail_line_does_not_happen(revops, olivia, monkeypatch):
    monkeypatch.setattr(shifts.trail, "record_all", lambda lines: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        put(revops, olivia, day(9), day(10))
    assert not OnCallShift.objects.exists()


# --- Changing ------------------------------------------------------------------------------------
def change(shift, **changes):
    now = {name: getattr(shift, name) for name in ("user", "layer", "starts_at", "ends_at")}
    asked = {"by": SETUP, "at": MONDAY, **now, **changes}
    return shifts.change(shift_id=shift.pk, **asked)


def test_a_change_is_on_the_trail_with_before_and_after(shift, olivia, nils):
    change(shift, user=nils, ends_at=day(12, 17))
    line = TrailLine.objects.get(what="shift.changed")
    assert (line.before["person"], line.after["person"]) == ("Olivia Ortiz", "Nils Aker")
    assert line.after["ends"] == "2026-03-12T17:00:00Z"
    assert Notice.objects.filter(user=nils, text__contains="changed").exists()
    lines = TrailLine.objects.count()
    change(OnCallShift.objects.get(pk=shift.pk))
    assert TrailLine.objects.count() == lines


def test_a_change_does_not_run_into_another_shift(shift, his):
    for changes in ({"ends_at": day(16, 10)}, {"starts_at": day(17), "ends_at": day(18)}):
        with pytest.raises(ModelError, match="Nils Aker is on call then already"):
            change(shift, **changes)
    assert change(shift, ends_at=day(16)).ends_at == day(16)


def test_an_older_look_is_stale(shift, nils):
    seen = checks.facts(shift)
    change(shift, user=nils)
    with pytest.raises(Stale) as caught:
        change(shift, ends_at=day(11), seen=seen)
    assert caught.value.now["person"] == "Nils Aker"
    with pytest.raises(Stale):
        shifts.remove(shift_id=shift.pk, by=SETUP, at=MONDAY, seen=seen)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"starts_at": day(9, 8)}, "starts_at", "its start stays"),
        ({"ends_at": day(10, 11)}, "ends_at", "still ahead"),
        ({"layer": "secondary"}, "layer", "its line stays"),
        ({"ends_at": day(9) + timedelta(weeks=5)}, "ends_at", "at most 4 weeks"),
    ],
)
def test_of_a_shift_that_has_begun_only_the_end_moves(shift, changes, field, words):
    with pytest.raises(ModelError, match=words) as caught:
        change(shift, at=day(10, 12), **changes)
    assert caught.value.field == field
    assert change(shift, at=day(10, 12), ends_at=day(11, 17)).ends_at == day(11, 17)


def test_who_has_been_on_call_stays_true(shift, nils):
    with pytest.raises(ModelError, match="put somebody else in") as caught:
        change(shift, at=day(10, 12), user=nils)
    assert caught.value.field == "user"
    with pytest.raises(ModelError, match="over"):
        change(shift, at=day(14))
    with pytest.raises(ModelError, match="over"):
        shifts.remove(shift_id=shift.pk, by=SETUP, at=day(14))


def test_removed_before_it_begins_it_is_gone_and_after_that_it_ends(shift, his, nils):
    shifts.remove(shift_id=his.pk, by=SETUP, at=MONDAY)
    assert not OnCallShift.objects.filter(pk=his.pk).exists()
    overrides.add(
        shift_id=shift.pk, user=nils, starts_at=day(10), ends_at=day(11), by=SETUP, at=MONDAY
    )
    overrides.add(
        shift_id=shift.pk, user=nils, starts_at=day(12), ends_at=day(13), by=SETUP, at=MONDAY
    )
    shifts.remove(shift_id=shift.pk, by=SETUP, at=day(10, 12))
    assert OnCallShift.objects.get(pk=shift.pk).ends_at == day(10, 12)
    assert [one.ends_at for one in ShiftOverride.objects.all()] == [day(10, 12)]
    with pytest.raises(ModelError, match="removed this shift meanwhile"):
        shifts.remove(shift_id=his.pk, by=SETUP, at=MONDAY)


# --- Overrides -----------------------------------------------------------------------------------
def instead(shift, user, starts, ends, by=SETUP, at=MONDAY):
    return overrides.add(
        shift_id=shift.pk, user=user, starts_at=starts, ends_at=ends, by=by, at=at
    )  # fmt: skip


def test_an_override_wins_while_it_lasts(shift, revops, olivia, nils):
    made = instead(shift, nils, day(10), day(11))
    assert availability.on_call(revops, at=day(10)) == nils
    assert availability.on_call(revops, at=day(11)) == olivia
    overrides.remove(override_id=made.pk, by=SETUP, at=day(10, 12))
    assert availability.on_call(revops, at=day(10, 11)) == nils
    assert availability.on_call(revops, at=day(10, 12)) == olivia


@pytest.mark.parametrize(
    ("starts", "ends", "field", "words"),
    [
        (day(8), day(10), "starts_at", "begin within it"),
        (day(12), day(14), "ends_at", "end within it"),
        (day(11), day(10), "ends_at", "ends after"),
        (day(1), day(10), "starts_at", "past"),
    ],
)
def test_an_override_lies_within_its_shift(shift, nils, starts, ends, field, words):
    refused(
        overrides.add, field, words, shift_id=shift.pk, user=nils, starts_at=starts, ends_at=ends
    )  # fmt: skip


def test_one_override_at_a_time_of_somebody_else_who_is_there(shift, olivia, nils, rosa):
    asked = {"shift_id": shift.pk, "starts_at": day(10), "ends_at": day(12)}
    refused(overrides.add, "user", "Olivia Ortiz's shift already", user=olivia, **asked)
    absences.plan(user=rosa, starts_at=day(11), ends_at=day(12), by=SETUP, at=MONDAY)
    refused(overrides.add, "user", "Rosa Marin is out", user=rosa, **asked)
    instead(shift, nils, day(9), day(11))
    refused(overrides.add, "starts_at", "takes over from Mon 9 Mar", user=nils, **asked)
    with pytest.raises(ModelError, match="remove that first") as caught:
        change(shift, starts_at=day(10))
    assert caught.value.field == "starts_at"


def told(user):
    return Notice.objects.filter(user=user).latest("pk").text


def test_who_takes_over_no_longer_hears_it_and_so_does_whose_shift_it_is(shift, olivia, nils):
    span = "on call for RevOps from Tue 10 Mar 2026, 09:00 to Wed 11 Mar 2026, 09:00."
    for at in (MONDAY, day(10, 12)):
        made = instead(shift, nils, day(10), day(11))
        overrides.remove(override_id=made.pk, by=SETUP, at=at)
        assert told(nils) == f"You no longer take over for Olivia Ortiz {span}"
        assert told(olivia) == f"Nils Aker no longer takes over {span}"


def test_a_shift_that_goes_takes_what_others_have_of_it_along_and_says_so(shift, rosa, nils):
    instead(shift, nils, day(10), day(11))
    instead(shift, rosa, day(12), day(13))
    shifts.remove(shift_id=shift.pk, by=rosa, at=day(10, 12))
    lines = TrailLine.objects.filter(what="shift.override-ended").order_by("pk")
    assert [(line.before["instead"], line.after.get("to")) for line in lines] == [
        ("Nils Aker", "2026-03-10T12:00:00Z"), ("Rosa Marin", None),
    ]  # fmt: skip
    assert told(nils).startswith("You no longer take over for Olivia Ortiz on call for RevOps")
    # Whoever did it knows.
    assert not Notice.objects.filter(user=rosa, text__contains="no longer").exists()


def test_one_that_has_not_begun_does_so_too(his, olivia):
    instead(his, olivia, day(17), day(18))
    shifts.remove(shift_id=his.pk, by=SETUP, at=MONDAY)
    assert told(olivia).startswith("You no longer take over for Nils Aker")
    assert not TrailLine.objects.get(what="shift.override-ended").after


def test_who_lost_a_shift_to_somebody_else_hears_it(shift, olivia, nils):
    change(shift, user=nils, starts_at=day(10), at=day(3))
    assert told(olivia) == (
        "Your shift for RevOps from Mon 9 Mar 2026, 09:00 to Fri 13 Mar 2026, 17:00 "
        "is Nils Aker's now."
    )


# --- Swaps ---------------------------------------------------------------------------------------
def test_a_swap_is_whole_or_not_at_all(shift, his, olivia, nils, monkeypatch):
    def breaks(*args, **named):
        raise ZeroDivisionError

    monkeypatch.setattr(shifts.trail, "record", breaks)
    with pytest.raises(ZeroDivisionError):
        shifts.swap(shift_id=shift.pk, other_id=his.pk, by=SETUP, at=MONDAY)
    assert OnCallShift.objects.get(pk=shift.pk).user == olivia
    assert OnCallShift.objects.get(pk=his.pk).user == nils


def test_nobody_takes_over_from_themselves_after_a_swap(shift, his, rosa, nils):
    made = instead(shift, nils, day(10), day(11))
    instead(shift, rosa, day(12), day(13))
    shifts.swap(shift_id=shift.pk, other_id=his.pk, by=SETUP, at=MONDAY)
    assert [one.user for one in ShiftOverride.objects.all()] == [rosa]
    line = TrailLine.objects.get(what="shift.override-ended")
    assert line.before["instead"] == "Nils Aker"
    told_of_it = Notice.objects.filter(user=nils, key__contains=f"override:{made.pk}:")
    texts = [one.text for one in told_of_it.order_by("pk")]
    assert texts[-1].startswith("You no longer take over for Olivia Ortiz on call for RevOps")


def test_nor_when_the_shift_is_given_to_them(shift, nils):
    instead(shift, nils, day(10), day(11))
    change(shift, user=nils)
    assert not ShiftOverride.objects.exists()


# --- On call for two teams -------------------------------------------------------------------
def test_who_is_on_call_for_two_teams_at_once_is_found_as_it_is_kept(
    shift, revops, olivia, nils, staff
):
    sales = staff["sam"].team
    put(sales, olivia, day(12), day(16))
    put(sales, nils, day(9), day(10))
    [one] = doubles.between(day(9), day(20))
    assert (one.user, set(one.teams)) == (olivia, {revops, sales})
    assert (one.starts_at, one.ends_at) == (day(12), day(13, 17))
    said = doubles.said(olivia, sales, [(day(12), day(16))])
    assert said.startswith("Olivia Ortiz is on call for RevOps then as well, from Thu 12 Mar 2026")
    assert doubles.said(nils, sales, [(day(9), day(10))]) == ""
    # Whoever takes over the stretch is it then, and she is not any more.
    instead(shift, nils, day(12), day(13, 17))
    assert doubles.between(day(9), day(20)) == []


def test_what_cannot_be_swapped(shift, his, revops, olivia, nils, staff):
    [hers] = put(revops, olivia, day(23), day(24))
    [sales] = put(staff["sam"].team, staff["sam"], day(9), day(10))
    asked = {"shift_id": shift.pk}
    refused(shifts.swap, "other", "Both are Olivia", other_id=hers.pk, **asked)
    refused(shifts.swap, "other", "same team", other_id=sales.pk, **asked)
    refused(shifts.swap, "other", "same team", other_id=10**12, **asked)
    refused(shifts.swap, "other", "It has begun", other_id=his.pk, at=day(10), **asked)
    absences.plan(user=nils, starts_at=day(10), ends_at=day(11), by=SETUP, at=MONDAY)
    refused(shifts.swap, "other", "Nils Aker is out", other_id=his.pk, **asked)


# --- Handing over --------------------------------------------------------------------------------
def test_a_note_is_for_the_next_one(shift, his, olivia, nils):
    note = {"shift_id": shift.pk, "note": "HubSpot is slow since noon."}
    refused(shifts.leave_note, "note", "has not begun", **note)
    shifts.leave_note(**note, by=olivia, at=day(13, 16))
    told = Notice.objects.filter(user=nils).latest("pk")
    assert told.text == "Hand-over for RevOps from Olivia Ortiz: HubSpot is slow since noon."
    again = OnCallShift.objects.get(pk=shift.pk)
    assert (again.handover_by, again.handover_at) == (olivia, day(13, 16))
    refused(shifts.leave_note, "note", "a week ago", at=day(30), **note)
    refused(
        shifts.leave_note, "note", "under 4,000", at=day(13), shift_id=shift.pk, note="x" * 4001
    )  # fmt: skip
    shifts.leave_note(shift_id=shift.pk, note=" ", by=olivia, at=day(13, 17))
    assert OnCallShift.objects.get(pk=shift.pk).handover_at is None


# --- Whose it is ---------------------------------------------------------------------------------
def test_an_operator_keeps_their_own_shifts(revops, shift, his, olivia, nils):
    put(revops, olivia, day(23), day(24), by=olivia)
    with pytest.raises(NotAllowed, match="only for things that are their own"):
        put(revops, nils, day(24), day(25), by=olivia)
    change(shift, ends_at=day(12), by=olivia)
    with pytest.raises(NotAllowed):
        change(OnCallShift.objects.get(pk=shift.pk), user=nils, by=olivia)
    with pytest.raises(NotAllowed):
        change(his, ends_at=day(19), by=olivia)
    with pytest.raises(NotAllowed):
        shifts.remove(shift_id=his.pk, by=olivia, at=MONDAY)
    # To take over from somebody, and to swap one's own with somebody's, is their own matter, too.
    instead(his, olivia, day(17), day(18), by=olivia)
    instead(shift, nils, day(10), day(11), by=olivia)
    shifts.swap(shift_id=his.pk, other_id=shift.pk, by=olivia, at=MONDAY)
    # Between two others it is neither.
    ursula = factories.person("ursula@example.com", "Ursula Bach", Role.OPERATOR, revops)
    with pytest.raises(NotAllowed):
        instead(his, nils, day(19), day(20), by=ursula)
    with pytest.raises(NotAllowed):
        shifts.swap(shift_id=his.pk, other_id=shift.pk, by=ursula, at=MONDAY)


def test_an_sdr_manager_keeps_the_rota_of_their_team(revops, shift, staff, olivia):
    sam, remy = staff["sam"], staff["remy"]
    put(sam.team, remy, day(9), day(10), by=sam)
    with pytest.raises(NotAllowed):
        put(revops, remy, day(23), day(24), by=sam)
    with pytest.raises(NotAllowed):
        change(shift, ends_at=day(12), by=sam)
    for nobody in (staff["ada"], staff["vera"]):
        with pytest.raises(NotAllowed, match="may not change the rota"):
            put(sam.team, remy, day(16), day(17), by=nobody)


# --- Who is on call ------------------------------------------------------------------------------
def test_on_call_is_the_first_in_line_who_is_there_or_stood_in_for(
    revops, shift, olivia, nils, rosa
):
    put(revops, rosa, day(9), day(13), layer="secondary")
    assert availability.on_call(revops, at=day(10)) == olivia
    planned = absences.plan(user=olivia, starts_at=day(10), ends_at=day(12), by=SETUP, at=MONDAY)
    assert availability.on_call(revops, at=day(10)) == rosa
    absences.change(
        absence_id=planned.pk, starts_at=day(10), ends_at=day(12), stand_in=nils, note="",
        by=SETUP, at=MONDAY,
    )  # fmt: skip
    assert availability.on_call(revops, at=day(10)) == nils
    assert availability.on_call(revops, at=day(20)) is None
