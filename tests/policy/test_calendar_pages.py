"""Business calendars in the browser: to read for everybody, to change for managers."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import Team
from meshline.people.permissions import NotAllowed
from meshline.policy import calendars, operating_model, showing
from meshline.policy.models import BusinessCalendar, Holiday, Sla
from meshline.policy.operating_model import Calendar, ModelError

EVERYBODY = ["olivia", "rosa", "sam", "remy", "ada", "vera"]
NEW = "/operating-model/calendars/new/"
WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def page_of(calendar, act=""):
    return f"/operating-model/calendars/{calendar.pk}/{act}"


def typed(**changes):
    """The form of a new calendar, filled in rightly."""
    words = {
        "name": "Lisbon sales", "slug": "lisbon", "zone": "Europe/Lisbon", "country": "PT",
        "region": "", "days_off": "2026-06-12 Eve of Saint Anthony\n\n2026-12-24: Christmas Eve",
        **dict.fromkeys(WEEK, "9-12, 13:00-17:30"),
    }  # fmt: skip
    return {**words, **changes}


def filled(client, calendar):
    """What a browser would send from the form of a calendar without touching it."""
    form = client.get(page_of(calendar, "change/")).context["form"]
    sent = {bound.name: bound.value() for bound in form}
    sent["team"] = sent["team"].pk if isinstance(sent["team"], Team) else sent["team"]
    return {name: value for name, value in sent.items() if value not in (None, False)}


@pytest.fixture
def rosas(as_):
    return as_("rosa")


# --- To read ---------------------------------------------------------------------------------
@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_sees_it_and_only_managers_may_change_it(as_, company, name):
    page = as_(name).get(page_of(company)).content.decode()
    assert "Company hours" in page
    assert (page_of(company, "change/") in page) == (name == "rosa")
    if name != "rosa":
        assert page.count("may not change the operating model") == 2
    model = as_(name).get("/operating-model/").content.decode()
    assert page_of(company) in model
    assert (NEW in model) == (name == "rosa")


def test_a_month_shows_windows_days_off_by_name_and_today(as_, company):
    BusinessCalendar.objects.update(country="DE", region="BY")
    Holiday.objects.create(calendar=company, day=date(2026, 4, 7), name="Founders’ day")
    with instant.stopped(datetime(2026, 4, 9, 12, tzinfo=UTC)):
        answer = as_("remy").get(page_of(company))
    month = answer.context["month"]
    days = {day.day.day: day for week in month.weeks for day in week if day}
    assert list(days) == list(range(1, 31))
    assert days[6].off.name == "Easter Monday"
    assert days[7].off.name == "Founders’ day"
    assert days[8].windows == ("09:00–17:00",)
    assert [number for number, day in days.items() if day.is_today] == [9]
    assert not days[11].is_worked
    page = answer.content.decode()
    for words in ("April 2026", "Easter Monday", "Founders’ day", "19 working days", "Bayern"):
        assert words in page
    assert "?month=2026-03" in page
    assert "?month=2026-05" in page


def test_today_is_the_day_it_is_where_these_people_work(company):
    company.zone = "Pacific/Auckland"
    evening = datetime(2026, 4, 9, 20, tzinfo=UTC)
    assert showing.today(company, evening) == date(2026, 4, 10)


@pytest.mark.parametrize("words", ["2026-13", "x", "1999-12", "9999-99", "2026-4", "\0", "0001-01"])
def test_what_is_no_month_shows_one_all_the_same(as_, company, words):
    answer = as_("vera").get(page_of(company), {"month": words})
    assert answer.status_code == 200
    assert 2000 <= answer.context["month"].first.year <= 2100


@pytest.mark.parametrize(("words", "gone"), [("2000-01", "prev"), ("2100-12", "next")])
def test_the_way_ends_where_no_more_is_computed(as_, company, words, gone):
    page = as_("vera").get(page_of(company), {"month": words}).content.decode()
    assert f'rel="{gone}"' not in page


def test_a_month_alone_is_a_part_of_the_page(as_, company):
    url = f"{page_of(company)}?month=2026-02"
    part = as_("remy").get(url, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "February 2026" in part.content.decode()
    assert "HX-Request" in part.headers["Vary"]
    again = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in as_("remy").get(url, headers=again).content.decode()


def test_the_month_is_a_table_with_named_columns(as_, company):
    page = as_("remy").get(page_of(company), {"month": "2026-03"}).content.decode()
    table = page[page.index('<table class="month"') :]
    assert table.count('<th scope="col">') >= 7
    assert "<caption" in table
    cells = table[: table.index("</table>")].count("<td")
    assert cells % 7 == 0
    assert not re.search(r"<[^>]* (style|onclick)=", page)


def test_a_calendar_that_is_not_there_is_not_found(as_, company):
    assert as_("rosa").get("/operating-model/calendars/99999/").status_code == 404
    assert as_("rosa").post("/operating-model/calendars/99999/remove/").status_code == 404


# --- To change -------------------------------------------------------------------------------
def test_a_manager_makes_a_calendar_and_the_teams_deadlines_run_by_it(rosas):
    sales = Team.objects.get(slug="sales")
    answer = rosas.post(NEW, typed(team=sales.pk))
    made = BusinessCalendar.objects.get(slug="lisbon")
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(made))
    assert "Lisbon sales is made." in rosas.get(page_of(made)).content.decode()
    assert made.windows[:2] == [[0, "09:00", "12:00"], [0, "13:00", "17:30"]]
    assert (made.country, made.region, made.version) == ("PT", "", 1)
    assert made.holidays.get(day=date(2026, 12, 24)).name == "Christmas Eve"
    # The day before the eve, which is the calendar's own, and Portugal Day before that.
    start = datetime(2026, 6, 9, 16, 0, tzinfo=UTC)
    assert calendars.due(start, within=60, team=sales) == datetime(2026, 6, 11, 8, 30, tzinfo=UTC)
    line = TrailLine.objects.get(subject_kind="businesscalendar", subject_id=str(made.pk))
    assert (line.what, line.actor_label) == ("calendar.changed", "Rosa Marin (RevOps manager)")
    assert line.after["monday"] == "09:00-12:00, 13:00-17:30"


def test_a_region_is_taken_by_its_name(rosas):
    rosas.post(NEW, typed(country="DE", region="bayern"))
    assert BusinessCalendar.objects.get(slug="lisbon").region == "BY"


def test_saving_the_form_as_it_came_changes_nothing(rosas, company):
    rosas.post(NEW, typed(country="DE", region="BY", team=Team.objects.get(slug="sales").pk))
    lines = TrailLine.objects.count()
    for one in BusinessCalendar.objects.all():
        before = operating_model._calendar_facts(one)
        assert rosas.post(page_of(one, "change/"), filled(rosas, one)).status_code == 303
        one.refresh_from_db()
        assert operating_model._calendar_facts(one) == before
    assert TrailLine.objects.count() == lines


def test_a_change_is_on_the_trail_with_before_and_after_and_on_the_page(rosas, company):
    rosas.post(page_of(company, "change/"), {**filled(rosas, company), "friday": "9-15"})
    company.refresh_from_db()
    assert company.version == 2
    line = TrailLine.objects.filter(what="calendar.changed").latest("pk")
    assert line.before["friday"] == "09:00-17:00"
    assert line.after["friday"] == "09:00-15:00"
    assert (line.before["version"], line.after["version"]) == (1, 2)
    page = " ".join(rosas.get(page_of(company)).content.decode().split())
    assert "by Rosa Marin" in page
    assert '<span class="quiet">friday</span> <del>09:00-17:00</del>' in page
    # What has become something is told; what is empty in a new calendar is not.
    rosas.post(page_of(company, "change/"), {**filled(rosas, company), "saturday": "9-12"})
    page = rosas.get(page_of(company)).content.decode()
    assert '<span class="quiet">saturday</span>' in page
    assert '<span class="quiet">version</span>' not in page
    rosas.post(NEW, typed())
    made = BusinessCalendar.objects.get(slug="lisbon")
    assert '<span class="quiet">sunday</span>' not in rosas.get(page_of(made)).content.decode()


def test_the_default_moves_and_never_goes(rosas, company):
    rosas.post(NEW, typed(is_default="on"))
    company.refresh_from_db()
    assert not company.is_default
    made = BusinessCalendar.objects.get(slug="lisbon")
    answer = rosas.post(page_of(made, "change/"), {**filled(rosas, made), "is_default": ""})
    assert answer.context["form"].errors["is_default"] == [
        "One calendar is the default; make another one it instead."
    ]
    removed(rosas, made)
    assert BusinessCalendar.objects.filter(slug="lisbon").exists()
    removed(rosas, company)
    assert not BusinessCalendar.objects.filter(pk=company.pk).exists()
    assert TrailLine.objects.filter(what="calendar.removed").count() == 1


def removed(client, calendar):
    """As from the page that asks, if it does."""
    calendar.refresh_from_db()
    return client.post(page_of(calendar, "remove/"), {"version": calendar.version})


def test_a_calendar_that_somebody_else_changed_meanwhile_is_not_removed(rosas):
    rosas.post(NEW, typed(team=Team.objects.get(slug="sales").pk))
    made = BusinessCalendar.objects.get(slug="lisbon")
    asked = rosas.get(page_of(made, "remove/")).content.decode()
    assert 'name="version" value="1"' in asked
    rosas.post(page_of(made, "change/"), {**filled(rosas, made), "friday": "9-15"})
    for old in ("1", "", "x", "9" * 30):
        answer = rosas.post(page_of(made, "remove/"), {"version": old})
        assert answer.status_code == 409
        page = " ".join(answer.content.decode().split())
        assert "Somebody else changed this calendar meanwhile." in page
    assert '<span class="quiet">friday</span> <del>09:00-12:00, 13:00-17:30</del>' in page
    assert 'name="version" value="2"' in page
    assert removed(rosas, made).status_code == 303
    assert not BusinessCalendar.objects.filter(slug="lisbon").exists()


def test_a_team_has_one_calendar(rosas):
    sales = Team.objects.get(slug="sales")
    rosas.post(NEW, typed(team=sales.pk))
    answer = rosas.post(NEW, typed(team=sales.pk, slug="second"))
    assert "works by the calendar lisbon already" in answer.context["form"].errors["team"][0]


@pytest.mark.parametrize("name", sorted(set(EVERYBODY) - {"rosa"}))
def test_nobody_else_changes_any(as_, staff, company, name):
    client = as_(name)
    assert client.post(NEW, typed()).status_code == 403
    assert client.get(page_of(company, "change/")).status_code == 403
    assert client.post(page_of(company, "change/"), typed()).status_code == 403
    assert client.post(page_of(company, "remove/")).status_code == 403
    assert client.get("/operating-model/calendars/regions/").status_code == 403
    calendar = Calendar(
        slug="x", name="X", zone="UTC", windows=[(0, "09:00", "17:00")], holidays={}
    )
    with pytest.raises(NotAllowed):
        operating_model.set_calendar(calendar, by=staff[name], at=instant.now())
    assert BusinessCalendar.objects.count() == 1


# --- Bad input -------------------------------------------------------------------------------
MANY = ", ".join(["09:00-10:00"] * 10_000)
BAD = [
    (dict.fromkeys(WEEK, ""), "monday", "at least one working window"),
    ({"tuesday": "9-12, 11-17"}, "tuesday", "Two windows overlap on tuesday"),
    ({"tuesday": "17-9"}, "tuesday", "the earlier time first"),
    ({"tuesday": "nine to five"}, "tuesday", "“nine to five” is no span of the day"),
    ({"tuesday": MANY}, "tuesday", "At most 24 windows a day"),
    ({"tuesday": "9-17\0"}, "tuesday", "Null characters"),
    ({"sunday": "9-24:30"}, "sunday", "up to 24:00"),
    ({"zone": "Europe/Atlantis"}, "zone", "no such time zone"),
    ({"zone": "\0"}, "zone", "no such time zone"),
    ({"zone": ""}, "zone", "required"),
    ({"country": "ZZ"}, "country", "no such country"),
    ({"country": "DE\0"}, "country", "no such country"),
    ({"country": "DE", "region": "Kent"}, "region", "“Kent” is no region of Germany"),
    ({"country": "PT", "region": "\0"}, "region", "Null characters"),
    ({"country": "", "region": "BY"}, "region", "Choose the country first"),
    ({"country": "NO", "region": "X"}, "region", "Norway"),
    ({"days_off": "2026-12-24 A\n2026-12-24 B"}, "days_off", "Line 2: 2026-12-24 is there twice"),
    ({"days_off": "2026-02-30 Leap"}, "days_off", "Line 1: “2026-02-30” is no day"),
    ({"days_off": "soon Holiday"}, "days_off", "“soon” is no day"),
    ({"days_off": "20261224 Eve"}, "days_off", "“20261224” is no day"),
    ({"days_off": "2026-12-24"}, "days_off", "Write the day's name behind it"),
    ({"days_off": f"2026-12-24 {'x' * 121}"}, "days_off", "at most 120"),
    ({"days_off": "0026-12-24 Typo"}, "days_off", "not between 2000 and 2100"),
    ({"days_off": "2026-12-24 Eve\0"}, "days_off", "Null characters"),
    ({"days_off": "2026-12-24 x\n" * 10_000}, "days_off", "at most 100000 characters"),
    ({"name": ""}, "name", "required"),
    ({"name": "x" * 121}, "name", "at most 120"),
    ({"name": "L\0"}, "name", "Null characters"),
    ({"slug": "Two words"}, "slug", "valid"),
    ({"slug": "company"}, "slug", "There is a calendar company already"),
    ({"team": "999999"}, "team", "valid choice"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "sentence"), BAD)
def test_bad_input_is_refused_with_its_field_and_what_was_typed_is_kept(
    rosas, company, changes, field, sentence
):
    before = operating_model._calendar_facts(company)
    answer = rosas.post(NEW, typed(**changes))
    assert answer.status_code == 422
    form = answer.context["form"]
    assert sentence in " ".join(form.errors[field])
    assert set(form.errors) == {field}
    for name, value in typed(**changes).items():
        assert form[name].value() == value
    page = answer.content.decode()
    assert "2026-06-12 Eve of Saint Anthony" in page or field == "days_off"
    assert not BusinessCalendar.objects.filter(name="Lisbon sales").exists()
    company.refresh_from_db()
    assert operating_model._calendar_facts(company) == before


def test_a_place_that_was_refused_stays_chosen_in_its_list(rosas):
    page = rosas.post(NEW, typed(zone="Europe/Atlantis", country="ZZ")).content.decode()
    assert '<option value="Europe/Atlantis" selected>' in page
    assert '<option value="ZZ" selected>' in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"windows": []}, "hours"),
        ({"windows": [(0, "09:00", "12:00"), (0, "11:00", "17:00")]}, "hours"),
        ({"windows": [(0, "17:00", "09:00")]}, "hours"),
        ({"windows": [(0, "09:00", "17:00")] * 10_000}, "hours"),
        ({"windows": [(1, f"{hour:02}:{minute:02}", f"{hour:02}:{minute + 1:02}")
                      for hour in range(24) for minute in range(0, 58, 2)]}, "hours"),
        ({"windows": [(0, "09:00", "09:01")]}, "hours"),
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"country": "ZZ"}, "country"),
        ({"region": "BY"}, "region"),
        ({"country": "DE", "region": "Kent"}, "region"),
        ({"holidays": {date(2026, 1, 1) + timedelta(days=n): "x" for n in range(1001)}},
         "holidays"),
    ],
)  # fmt: skip
def test_the_verb_refuses_what_the_form_would_for_whoever_comes_another_way(
    company, changes, field
):
    right = {
        "slug": "x", "name": "X", "zone": "UTC", "windows": [(0, "09:00", "17:00")],
        "holidays": {},
    }  # fmt: skip
    with pytest.raises(ModelError) as refused:
        operating_model.set_calendar(
            Calendar(**{**right, **changes}), by=SETUP, at=datetime(2026, 1, 1, tzinfo=UTC)
        )
    assert refused.value.field == field
    assert not BusinessCalendar.objects.filter(slug="x").exists()


def test_hours_in_which_no_deadline_would_ever_come_are_refused(rosas, company):
    Sla.objects.filter(kind="", severity="low").update(fix_within=60 * 1000)
    monday = dict.fromkeys(WEEK, "") | {"monday": "9-10"}
    answer = rosas.post(NEW, typed(**monday))
    assert "the longest SLA (1000 working hours)" in answer.content.decode()
    assert BusinessCalendar.objects.count() == 1


# --- Two managers ----------------------------------------------------------------------------
def test_the_second_of_two_managers_sees_what_the_first_changed_and_overwrites_nothing(
    as_, staff, company
):
    staff["vera"].role = "manager"
    staff["vera"].save()
    rosas, veras = as_("rosa"), as_("vera")
    both = filled(rosas, company)
    rosas.post(page_of(company, "change/"), {**both, "friday": "9-15"})
    mine = {**both, "friday": "9-16", "name": "Our hours"}
    answer = veras.post(page_of(company, "change/"), mine)
    assert answer.status_code == 409
    page = " ".join(answer.content.decode().split())
    assert "Somebody else changed this calendar meanwhile" in page
    assert "by Rosa Marin" in page
    assert '<span class="quiet">friday</span> <del>09:00-17:00</del>' in page
    assert "<ins>09:00-15:00</ins>" in page
    assert "<ins>09:00-17:00</ins>" not in page
    assert answer.context["form"]["name"].value() == "Our hours"
    company.refresh_from_db()
    assert (company.name, company.windows[4]) == ("Company hours", [4, "09:00", "15:00"])
    # Seen and decided: now it is made so.
    again = {**mine, "version": answer.context["form"]["version"].value()}
    assert veras.post(page_of(company, "change/"), again).status_code == 303
    company.refresh_from_db()
    assert (company.name, company.windows[4]) == ("Our hours", [4, "09:00", "16:00"])


@pytest.mark.parametrize("version", ["", "0", "7"])
def test_a_version_nobody_saw_overwrites_nothing(rosas, company, version):
    sent = {**filled(rosas, company), "version": version, "name": "Blind"}
    assert rosas.post(page_of(company, "change/"), sent).status_code == 409
    company.refresh_from_db()
    assert company.name == "Company hours"


def test_losing_the_default_is_a_change_the_next_one_must_have_seen(rosas, company):
    seen = filled(rosas, company)
    rosas.post(NEW, typed(is_default="on"))
    assert rosas.post(page_of(company, "change/"), seen).status_code == 409
    company.refresh_from_db()
    assert not company.is_default


# --- Regions ---------------------------------------------------------------------------------
def test_the_regions_of_a_country_are_offered(rosas):
    part = rosas.get("/operating-model/calendars/regions/", {"country": "DE"}).content.decode()
    assert '<option value="BY">Bayern</option>' in part
    for nothing in ("", "ZZ", "\0"):
        answer = rosas.get("/operating-model/calendars/regions/", {"country": nothing})
        assert "<option" not in answer.content.decode()
