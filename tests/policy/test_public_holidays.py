"""Public holidays by country and region, and the deadlines that respect them."""

import warnings
from datetime import UTC, date, datetime, timedelta

import pytest

from meshline.people.models import Team
from meshline.policy import business_time, calendars, public_holidays
from meshline.policy.models import BusinessCalendar, Holiday


def test_a_region_has_days_that_its_country_has_not():
    germany = public_holidays.of_year("DE", "", 2026)
    bavaria = public_holidays.of_year("DE", "BY", 2026)
    assert germany[date(2026, 4, 6)] == "Easter Monday"
    assert date(2026, 1, 6) not in germany
    assert bavaria[date(2026, 1, 6)] == "Epiphany"


@pytest.mark.parametrize("place", [("", ""), ("ZZ", ""), ("DE", "ZZ"), ("de", "")])
def test_a_place_nobody_knows_has_none(place):
    assert not public_holidays.of_year(*place, 2026)
    assert public_holidays.all_days(*place) == frozenset()


def test_every_country_and_region_is_computed_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for country in public_holidays.countries():
            for region in ["", *public_holidays.regions(country)]:
                assert public_holidays.is_known(country, region)
                public_holidays.of_year(country, region, 2027)
            for year in (1700, 2050, 2500):
                public_holidays.of_year(country, "", year)


def test_codes_fit_where_they_are_kept():
    row = BusinessCalendar._meta
    longest = row.get_field("region").max_length
    for country in public_holidays.countries():
        assert len(country) == 2
        assert all(len(region) <= longest for region in public_holidays.regions(country))


def test_a_region_is_known_by_its_code_and_by_its_name():
    assert public_holidays.region_code("DE", "by") == "BY"
    assert public_holidays.region_code("DE", " bayern ") == "BY"
    assert public_holidays.region_code("DE", "Kent") == ""
    assert public_holidays.name_of("DE", "BY") == "Bayern, Germany"
    assert public_holidays.name_of("IM") == "Isle of Man"


def test_a_deadline_steps_over_a_public_holiday(company):
    maundy_thursday = datetime(2026, 4, 2, 16, 30, tzinfo=UTC)
    assert calendars.due(maundy_thursday, within=60, team=None).day == 3
    BusinessCalendar.objects.update(country="DE")
    # Good Friday, the week-end and Easter Monday lie between.
    tuesday = datetime(2026, 4, 7, 9, 30, tzinfo=UTC)
    assert calendars.due(maundy_thursday, within=60, team=None) == tuesday


def test_a_teams_own_country_counts_and_its_own_days_add_to_it(company):
    sales = Team.objects.create(slug="sales", name="Sales")
    own = BusinessCalendar.objects.create(
        slug="lisbon", name="Lisbon", zone="Europe/Lisbon", windows=[[4, "09:00", "17:00"]],
        team=sales, country="PT",
    )  # fmt: skip
    Holiday.objects.create(calendar=own, day=date(2026, 4, 10), name="Team day")
    thursday = datetime(2026, 4, 2, 16, 0, tzinfo=UTC)
    friday_after_next = datetime(2026, 4, 17, 8, 30, tzinfo=UTC)
    assert calendars.due(thursday, within=30, team=sales) == friday_after_next
    assert calendars.due(thursday, within=30, team=None) == thursday + timedelta(minutes=30)


def test_every_day_the_page_shows_as_off_is_off_for_the_arithmetic_too(company):
    BusinessCalendar.objects.update(country="GB", region="SCT")
    Holiday.objects.create(calendar=company, day=date(2027, 3, 3), name="Founders’ day")
    company.refresh_from_db()
    hours = calendars.hours_of(None)
    for year in range(2024, 2034):
        for off in calendars.days_off(company, year):
            start = datetime(off.day.year, off.day.month, off.day.day, tzinfo=UTC)
            worked = business_time.between(start, start + timedelta(days=1), hours)
            assert worked == timedelta(0), off


def test_a_day_that_is_both_public_and_ones_own_is_one_day_with_both_names(company):
    BusinessCalendar.objects.update(country="DE")
    Holiday.objects.create(calendar=company, day=date(2026, 12, 25), name="We rest")
    Holiday.objects.create(calendar=company, day=date(2026, 5, 1), name="Labor Day")
    company.refresh_from_db()
    names = {off.day: off.name for off in calendars.days_off(company, 2026)}
    assert names[date(2026, 12, 25)] == "We rest · Christmas Day"
    assert names[date(2026, 5, 1)] == "Labor Day"


def test_the_next_days_off_reach_into_the_next_year_and_to_own_days_far_ahead(company):
    BusinessCalendar.objects.update(country="DE")
    Holiday.objects.create(calendar=company, day=date(2090, 6, 1), name="Centenary")
    company.refresh_from_db()
    coming = calendars.next_days_off(company, date(2026, 12, 26), most=100)
    assert coming[0].name == "Second Day of Christmas"
    assert coming[1].day == date(2027, 1, 1)
    assert (date(2090, 6, 1), "Centenary") in [(off.day, off.name) for off in coming]
