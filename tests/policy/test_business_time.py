"""Business time, against an oracle that steps minute by minute through the calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshline.policy import business_time
from meshline.policy.business_time import Hours, NoBusinessTime

NINE_TO_FIVE = tuple((day, time(9), time(17)) for day in range(5))
WITH_LUNCH = tuple(
    window for day in range(5) for window in ((day, time(9), time(12)), (day, time(13), time(17)))
)
EVENINGS = tuple((day, time(16), time.max) for day in range(5))
ALWAYS = tuple((day, time(0), time.max) for day in range(7))
NIGHTS = tuple((day, time(0), time(6, 30)) for day in range(7))
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham",
    "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca",
]  # fmt: skip


def hours(zone="UTC", windows=NINE_TO_FIVE, holidays=()):
    return Hours(zone, windows, frozenset(holidays))


def local(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def oracle(start, minutes, calendar):
    """Walk instant by instant, a minute at a time, and count those that are working time."""
    zone, moment, left = ZoneInfo(calendar.zone), start, minutes
    while True:
        if is_working(moment, calendar, zone):
            if left == 0:
                return moment
            left -= 1
        elif left == 0 and is_working(moment - timedelta(minutes=1), calendar, zone):
            return moment
        moment += timedelta(minutes=1)


def is_working(moment, calendar, zone):
    """The minute that begins at `moment` lies in a window, by the windows' own instants."""
    day = moment.astimezone(zone).date()
    return any(
        there not in calendar.holidays
        and weekday == there.weekday()
        and datetime.combine(there, opens, zone).astimezone(UTC) <= moment
        and moment < datetime.combine(there, closes, zone).astimezone(UTC)
        for there in (day - timedelta(days=1), day, day + timedelta(days=1))
        for weekday, opens, closes in calendar.windows
    )


def test_friday_half_past_four_plus_an_hour_is_monday_half_past_nine():
    friday = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
    assert business_time.add(friday, 60, hours()) == datetime(2026, 3, 9, 9, 30, tzinfo=UTC)


def test_what_ends_with_the_day_ends_today():
    monday = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    assert business_time.add(monday, 60, hours()) == datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def test_lunch_and_holidays_do_not_count():
    monday = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
    calendar = hours(windows=WITH_LUNCH, holidays=[date(2026, 3, 3)])
    assert business_time.add(monday, 60, calendar) == datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    assert business_time.add(monday, 5 * 60, calendar) == datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def test_the_hour_that_spring_takes_is_not_worked():
    # Berlin, 29 March 2026: 02:00 becomes 03:00, so 00:00 to 06:30 is five and a half hours long.
    calendar = hours("Europe/Berlin", NIGHTS)
    start = local("2026-03-29T00:00", "Europe/Berlin")
    assert business_time.add(start, 330, calendar) == local("2026-03-29T06:30", "Europe/Berlin")


def test_a_day_worked_to_its_end_has_its_last_moment():
    friday, saturday = datetime(2026, 3, 6, 16, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC)
    evenings = hours(windows=EVENINGS)
    assert business_time.add(friday, 480, evenings) == saturday
    assert business_time.between(friday, saturday, evenings) == timedelta(hours=8)
    assert list(business_time.windows(friday, saturday, evenings)) == [(friday, saturday)]
    # No midnight costs a moment.
    day = timedelta(days=1)
    assert business_time.add(friday, 10 * 1440, hours(windows=ALWAYS)) == friday + 10 * day
    assert business_time.between(friday, friday + 10 * day, hours(windows=ALWAYS)) == 10 * day


def test_a_calendar_without_hours_says_so():
    with pytest.raises(NoBusinessTime, match="give it at least one window"):
        business_time.add(datetime(2026, 3, 2, tzinfo=UTC), 1, hours(windows=()))


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    windows=st.sampled_from([NINE_TO_FIVE, WITH_LUNCH, NIGHTS, EVENINGS, ALWAYS]),
    # Around both changes of the clocks, north and south.
    start=st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 10))
    | st.datetimes(datetime(2026, 9, 20), datetime(2026, 11, 5)),
    minutes=st.integers(1, 1500),
    holiday=st.none() | st.dates(date(2026, 3, 20), date(2026, 4, 10)),
)
def test_add_agrees_with_the_oracle(zone, windows, start, minutes, holiday):
    calendar = hours(zone, windows, [holiday] if holiday else [])
    start = start.replace(second=0, microsecond=0, tzinfo=UTC)
    expected = oracle(start, minutes, calendar)
    assert business_time.add(start, minutes, calendar) == expected
    assert business_time.between(start, expected, calendar) == timedelta(minutes=minutes)
