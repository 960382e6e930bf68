"""The pages of the rota and of absences: empty, wrong, stale, not theirs, and bad input."""

import re

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people import teams
from meshline.people.models import Absence, OnCallShift, User
from meshline.policy.models import BusinessCalendar, Company
from meshline.rota import absences, overrides, shifts
from tests.reading import hidden, words
from tests.rota.conftest import MONDAY, day

pytestmark = pytest.mark.django_db
ROTA = "/operating-model/rota/"


@pytest.fixture(autouse=True)
def monday():
    with instant.stopped(MONDAY):
        yield


@pytest.fixture
def shift(revops, olivia):
    return shifts.add(
        team=revops, user=olivia, starts_at=day(9), ends_at=day(13, 17), by=SETUP, at=MONDAY
    )[0]


def add(browser, to, who, **changes):
    asked = {
        "team": to.pk, "user": who.pk, "layer": "primary", "weeks": "1",
        "starts_at": "2026-03-09T09:00", "ends_at": "2026-03-13T17:00",
    }  # fmt: skip
    return browser.post(f"{ROTA}add/", {**asked, **changes})


# --- The rota ------------------------------------------------------------------------------------
def test_now_next_and_the_weeks_ahead(as_, revops, olivia, nils, shift):
    shifts.add(team=revops, user=nils, starts_at=MONDAY, ends_at=day(6, 17), by=SETUP, at=MONDAY)
    overrides.add(
        shift_id=shift.pk, user=nils, starts_at=day(10), ends_at=day(11), by=SETUP, at=MONDAY
    )
    absences.plan(
        user=olivia, stand_in=nils, starts_at=day(12), ends_at=day(13), by=SETUP, at=MONDAY
    )
    said = words(as_("vera").get(f"{ROTA}?team=revops"))
    assert "On call now Nils Aker until Fri 6 Mar, 17:00" in said
    assert "Next Olivia Ortiz from Mon 9 Mar, 09:00" in said
    assert "Nils Aker instead, Tue 10 Mar, 09:00 – Wed 11 Mar, 09:00" in said
    assert "Out Thu 12 Mar, 09:00 – Fri 13 Mar, 09:00, Nils Aker stands in" in said
    assert "2 gaps" not in said


def test_who_is_on_call_for_two_teams_is_said(as_, revops, olivia, nils, shift, staff):
    rosa, sales = as_("rosa"), staff["sam"].team
    assert add(rosa, sales, olivia).status_code == 303
    said = "Olivia Ortiz is on call for RevOps then as well, from Mon 9 Mar 2026, 09:00"
    assert said in words(rosa.get(ROTA))
    assert add(rosa, sales, nils, layer="secondary").status_code == 303
    assert "then as well" not in words(rosa.get(ROTA))


def test_a_swap_says_what_ended_with_it(as_, revops, nils, shift):
    [his] = shifts.add(
        team=revops, user=nils, starts_at=day(16), ends_at=day(20), by=SETUP, at=MONDAY
    )
    overrides.add(
        shift_id=shift.pk, user=nils, starts_at=day(10), ends_at=day(11), by=SETUP, at=MONDAY
    )
    rosa = as_("rosa")
    page = f"{ROTA}shifts/{shift.pk}/swap/"
    asked = {"other": his.pk, "seen": hidden(rosa.get(page), "seen")}
    assert rosa.post(page, asked).status_code == 303
    said = words(rosa.get(f"{ROTA}?team=revops"))
    assert "would have taken over from themselves has ended" in said
    assert "Nils Aker instead" not in said


def test_times_are_the_readers_own(as_, revops, shift):
    User.objects.filter(email="rosa@example.com").update(zone="Pacific/Chatham")
    said = words(as_("rosa").get(f"{ROTA}?team=revops"))
    # 13 h 45 min ahead of UTC in March.
    assert "Mon 9 Mar, 22:45" in said
    made = add(as_("rosa"), revops, User.objects.get(email="rosa@example.com"), layer="secondary")
    assert made.status_code == 303
    assert OnCallShift.objects.get(layer="secondary").starts_at == day(8, 19, 15)


def test_nobody_at_all(as_, revops):
    said = words(as_("olivia").get(f"{ROTA}?team=revops"))
    assert "On call now Nobody New work goes to Rosa Marin, who leads the team" in said
    assert "Nobody is on call from this week on." in said
    assert "No rota" in words(as_("olivia").get(f"{ROTA}coverage/"))


def test_a_team_that_there_is_not_is_ones_own(as_, revops):
    for slug in ("nowhere", "\0", "9" * 300):
        page = as_("olivia").get(ROTA, {"team": slug})
        assert page.status_code == 200
        assert re.search(r'aria-current="page"[^>]*>\s*RevOps', page.content.decode())


def test_the_note_of_the_one_before_is_shown(as_, revops, olivia, nils, shift):
    with instant.stopped(day(13, 16)):
        note = {"note": "HubSpot is slow.", "seen": ""}
        page = as_("olivia").get(f"{ROTA}shifts/{shift.pk}/hand-over/")
        note["seen"] = hidden(page, "seen")
        answer = as_("olivia").post(f"{ROTA}shifts/{shift.pk}/hand-over/", note)
        assert answer.status_code == 303
        assert "HubSpot is slow." in words(as_(nils).get(f"{ROTA}?team=revops"))
        # Who reads tickets masked reads this masked, too.
        shifts.leave_note(shift_id=shift.pk, note="Nina owes 900.00 EUR", by=olivia, at=day(13, 16))
        assert "900.00 EUR" in words(as_("rosa").get(f"{ROTA}?team=revops"))
        for other in ("vera", "ada", "remy"):
            for page in (f"{ROTA}?team=revops", f"{ROTA}shifts/{shift.pk}/"):
                assert "900.00" not in words(as_(other).get(page))
        # Typed over an older look, it is shown what stands there now.
        stale = as_("rosa").post(
            f"{ROTA}shifts/{shift.pk}/hand-over/", {"note": "All quiet.", "seen": note["seen"]}
        )
        assert stale.status_code == 409
        assert "Nina owes" in words(stale)
        assert "All quiet." in stale.content.decode()


# --- Coverage ------------------------------------------------------------------------------------
def test_coverage_says_why_and_who_has_it(as_, revops, olivia, rosa, nils, shift):
    absences.plan(user=olivia, starts_at=day(10), ends_at=day(11), by=SETUP, at=MONDAY)
    said = words(as_("rosa").get(f"{ROTA}coverage/"))
    assert "Tue 10 Mar 09:00–17:00 Olivia Ortiz is out, and nobody stands in" in said
    assert "Rosa Marin, who leads the team" in said
    absences.plan(user=rosa, starts_at=day(3), ends_at=day(28), by=SETUP, at=MONDAY)
    assert "Nils Aker, of the team" in words(as_("rosa").get(f"{ROTA}coverage/"))


def test_with_nobody_of_the_team_it_is_the_named_fallback(as_, revops, staff, olivia, rosa, shift):
    sales = teams.change(slug="sales", name="Sales", lead=None, by=SETUP, at=MONDAY)
    for user in sales.members.all():
        absences.plan(user=user, starts_at=day(3), ends_at=day(28), by=SETUP, at=MONDAY)
    shifts.add(team=sales, user=olivia, starts_at=day(23), ends_at=day(24), by=SETUP, at=MONDAY)
    said = words(as_("rosa").get(f"{ROTA}coverage/"))
    assert "Rosa Marin, the fallback owner, because nobody of the team is here" in said
    absences.plan(
        user=rosa, starts_at=day(3), ends_at=day(28), stand_in=olivia, by=SETUP, at=MONDAY
    )
    said = words(as_("rosa").get(f"{ROTA}coverage/"))
    assert (
        "Olivia Ortiz, who stands in for Rosa Marin, the fallback owner, because nobody of the team"
        " is here"
    ) in said
    Company.objects.update(fallback_owner=None)
    said = words(as_("rosa").get(f"{ROTA}coverage/"))
    assert "because nobody of the team is here and no fallback owner is present" in said


def test_of_a_team_without_people_it_is_one_right_sentence(as_, revops, rosa):
    teams.add(slug="empty", name="Empty", by=SETUP, at=MONDAY)
    assert (
        "New work goes to Rosa Marin, the fallback owner, because nobody is in the team; it has no"
        " lead. Day by day"
    ) in words(as_("rosa").get(f"{ROTA}coverage/"))


def test_a_holiday_and_the_lunch_are_no_gaps(as_, revops, shift):
    calendar = BusinessCalendar.objects.get(is_default=True)
    calendar.windows = [[0, "09:00", "12:00"], [0, "13:00", "17:00"]]
    calendar.save()
    calendar.holidays.create(day=day(16).date(), name="Founders' day")
    said = words(as_("rosa").get(f"{ROTA}coverage/"))
    assert "Mon 16 Mar" not in said
    assert "Mon 23 Mar 09:00–12:00 13:00–17:00" in said
    assert "Tue 17 Mar" not in said


# --- Forms that say no ---------------------------------------------------------------------------
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(as_, revops, olivia):
    answer = add(as_("rosa"), revops, olivia, ends_at="2026-03-09T08:00")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "It ends after it begins; choose a later end." in page
    assert 'value="2026-03-09T08:00"' in page
    assert f'<option value="{olivia.pk}" selected>' in page
    again = add(as_("rosa"), revops, olivia, weeks="27")
    assert again.status_code == 422


BAD = ["", "\0", "x" * 10_000, "9" * 30, "-1", "2026-02-30T09:00", "0001-01-01T00:00",
       "9999-12-31T23:59", "2026-03-09T09:00+99:99", "Infinity", "<script>"]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["team", "user", "layer", "weeks", "starts_at", "ends_at"])
def test_nothing_typed_is_more_than_a_no(as_, revops, olivia, field, bad):
    assert add(as_("rosa"), revops, olivia, **{field: bad}).status_code == 422
    assert not OnCallShift.objects.exists()


@pytest.mark.parametrize("bad", BAD)
def test_nor_on_the_other_forms(as_, revops, olivia, shift, bad):
    browser = as_("rosa")
    here = f"{ROTA}shifts/{shift.pk}/"
    good = {"user": olivia.pk, "layer": "primary", "starts_at": "2026-03-09T09:00",
            "ends_at": "2026-03-13T17:00"}  # fmt: skip
    for field in good:
        assert browser.post(here, {**good, field: bad, "seen": bad}).status_code in (409, 422)
    assert browser.post(f"{here}override/", {"user": bad, "starts_at": bad}).status_code == 422
    assert browser.post(f"{here}swap/", {"other": bad}).status_code == 422
    absence = {"starts_at": bad, "ends_at": bad, "stand_in": bad}
    assert browser.post("/profile/out/", absence).status_code == 422
    assert not Absence.objects.exists()
    assert browser.get(f"{ROTA}add/", {"team": bad, "starts": bad, "ends": bad}).status_code == 200


def test_numbers_of_nothing_are_not_found(as_, shift):
    browser = as_("rosa")
    for pk in ("0", "9" * 30):
        for act in ("", "swap/", "override/", "hand-over/"):
            assert browser.get(f"{ROTA}shifts/{pk}/{act}").status_code == 404
        assert browser.post(f"{ROTA}shifts/{pk}/remove/").status_code == 404
        assert browser.post(f"{ROTA}overrides/{pk}/remove/").status_code == 404
        assert browser.get(f"/people/absences/{pk}/").status_code == 404
        assert browser.get(f"/people/{pk}/out/").status_code == 404
        for act in ("end", "cancel"):
            assert browser.post(f"/people/absences/{pk}/{act}/").status_code == 404


def test_an_hour_that_there_is_not_is_no_time(as_, revops, olivia):
    User.objects.filter(email="rosa@example.com").update(zone="Europe/Berlin")
    # On 29 March two o'clock becomes three; on 25 October it is there twice.
    for moment in ("2026-03-29T02:30", "2026-10-25T02:30"):
        answer = add(as_("rosa"), revops, olivia, starts_at=moment, ends_at="2026-10-26T09:00")
        assert answer.status_code == 422
        assert "ambiguous or it may not exist" in answer.content.decode()


# --- A shift -------------------------------------------------------------------------------------
def test_whose_shift_it_is_not_reads_it_and_why(as_, shift, nils):
    page = as_(nils).get(f"{ROTA}shifts/{shift.pk}/")
    assert page.status_code == 200
    assert "only for things that are their own" in words(page)
    assert as_(nils).post(f"{ROTA}shifts/{shift.pk}/", {}).status_code == 303  # back, with a no
    refused = as_(nils).post(f"{ROTA}shifts/{shift.pk}/", {}, headers={"HX-Request": "true"})
    assert refused.status_code == 403


def test_somebody_faster_is_shown(as_, shift, olivia, nils):
    browser, here = as_("rosa"), f"{ROTA}shifts/{shift.pk}/"
    seen = hidden(browser.get(here), "seen")
    asked = {"user": nils.pk, "layer": "primary", "starts_at": "2026-03-09T09:00",
             "ends_at": "2026-03-13T17:00"}  # fmt: skip
    assert as_("rosa").post(here, {**asked, "seen": seen}).status_code == 303
    stale = browser.post(here, {**asked, "ends_at": "2026-03-12T17:00", "seen": seen})
    assert stale.status_code == 409
    said = words(stale)
    assert "Another window of yours changed this meanwhile" in said
    assert "Olivia Ortiz" in said
    assert 'value="2026-03-12T17:00"' in stale.content.decode()
    # Saving again is a decision.
    again = {**asked, "ends_at": "2026-03-12T17:00", "seen": hidden(stale, "seen")}
    assert browser.post(here, again).status_code == 303


def test_a_shift_that_is_over_is_history(as_, shift):
    with instant.stopped(day(16)):
        page = as_("rosa").get(f"{ROTA}shifts/{shift.pk}/")
        assert "This shift is over; it stays as it was." in words(page)
        sent = as_("rosa").post(
            f"{ROTA}shifts/{shift.pk}/", {}, headers={"HX-Request": "true"}
        )  # fmt: skip
        assert sent.status_code == 409
        removed = as_("rosa").post(
            f"{ROTA}shifts/{shift.pk}/remove/", headers={"HX-Request": "true"}
        )  # fmt: skip
        assert removed.status_code == 409


def test_an_override_and_its_end(as_, shift, nils):
    here = f"{ROTA}shifts/{shift.pk}/"
    times = {"starts_at": "2026-03-10T09:00", "ends_at": "2026-03-11T09:00"}
    made = as_("olivia").post(f"{here}override/", {"user": nils.pk, **times})
    assert made.status_code == 303
    page = as_("olivia").get(here)
    assert "Somebody else for a stretch NA Nils Aker" in words(page)
    url = re.search(r'action="(/operating-model/rota/overrides/\d+/remove/)"',
                    page.content.decode()).group(1)  # fmt: skip
    assert as_(nils).post(url).status_code == 303
    assert not shift.overrides.exists()


# --- Absences ------------------------------------------------------------------------------------
def test_empty_pages_say_so(as_):
    assert "Everybody is here" in words(as_("vera").get("/people/absences/"))
    assert "Nobody has been out" in words(as_("vera").get("/people/absences/?tab=over"))
    assert "no absence is planned" in words(as_("remy").get("/profile/"))


def test_who_may_not_reads_why(as_, staff):
    profile = words(as_("ada").get("/profile/"))
    assert "An Admin may not plan absences." in profile
    page = as_("ada").get(f"/people/{staff['remy'].pk}/")
    assert "An Admin may not plan absences." in words(page)


def test_a_manager_plans_for_somebody_from_their_page(as_, staff, rosa):
    remy = staff["remy"]
    page = as_("sam").get(f"/people/{remy.pk}/").content.decode()
    assert f'href="/people/{remy.pk}/out/"' in page
    asked = {"starts_at": "2026-03-05T09:00", "ends_at": "2026-03-06T17:00", "note": "Dentist",
             "stand_in": staff["sam"].pk}  # fmt: skip
    assert as_("sam").post(f"/people/{remy.pk}/out/", asked).status_code == 303
    # Why is for them and for who plans it; others see that he is out.
    assert "Dentist" in words(as_("sam").get("/people/absences/"))
    assert "Dentist" in words(as_("remy").get("/profile/"))
    for other in ("olivia", "ada", "vera"):
        said = words(as_(other).get("/people/absences/"))
        assert "Remy Park" in said
        assert "Dentist" not in said


def test_an_absence_is_changed_ended_and_cancelled(as_, olivia, rosa):
    one = absences.plan(user=olivia, starts_at=day(5), ends_at=day(6), by=SETUP, at=MONDAY)
    browser, here = as_("olivia"), f"/people/absences/{one.pk}/"
    seen = hidden(browser.get(here), "seen")
    asked = {"starts_at": "2026-03-05T09:00", "ends_at": "2026-03-09T09:00",
             "stand_in": rosa.pk, "note": ""}  # fmt: skip
    assert browser.post(here, {**asked, "seen": seen}).status_code == 303
    stale = browser.post(here, {**asked, "ends_at": "2026-03-10T09:00", "seen": seen})
    assert stale.status_code == 409
    assert "9 Mar 2026, 09:00:00" in words(stale)
    with instant.stopped(day(6)):
        browser = as_("olivia")
        page = browser.get(here)
        # What has begun keeps its start: it is not even asked.
        assert 'name="starts_at"' not in page.content.decode()
        assert "Rosa Marin" in words(page)
        assert browser.post(f"{here}cancel/").status_code == 303
        assert Absence.objects.get().ends_at == day(9)
        assert browser.post(f"{here}end/").status_code == 303
        assert Absence.objects.get().ends_at == day(6)
        assert "Over" in words(browser.get("/people/absences/?tab=over"))


def test_shifts_in_an_absence_are_pointed_to(as_, shift, olivia):
    browser = as_("olivia")
    asked = {"starts_at": "2026-03-10T09:00", "ends_at": "2026-03-11T09:00", "note": ""}
    browser.post("/profile/out/", asked)
    assert "A shift falls into it: look at the rota." in words(browser.get("/profile/"))
    page = browser.get(f"/people/absences/{Absence.objects.get().pk}/")
    assert "On call in that time" in words(page)
