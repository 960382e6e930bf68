"""Who is on call and where the gaps are, against an oracle that steps minute by minute."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshline.people import duty
from meshline.people.duty import Duty
from meshline.people.roll import Roll
from meshline.policy import business_time
from meshline.policy.business_time import Hours
from meshline.rota import coverage

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Chatham", "America/New_York",
         "Asia/Kathmandu"]  # fmt: skip
NINE_TO_FIVE = tuple((day, time(9), time(17)) for day in range(5))
WITH_LUNCH = tuple(
    window for day in range(7) for window in ((day, time(9), time(12)), (day, time(13), time(17)))
)
# Over midnight, and through the hours that the clocks take or give.
NIGHTS = tuple(
    window
    for day in range(7)
    for window in ((day, time(0), time(6, 30)), (day, time(20), time.max))
)


@dataclass(frozen=True)
class Person:
    pk: int
    is_active: bool = True

    @property
    def can_be_given_work(self):
        return self.is_active


@dataclass(frozen=True)
class Out:
    user: Person
    stand_in: Person | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Instead:
    user: Person
    starts_at: datetime
    ends_at: datetime


A, B, C = Person(1), Person(2), Person(3)
GONE = Person(4, is_active=False)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hours):
    return MONDAY + timedelta(hours=hours)


def gaps(duties, absences=(), *, hours=None, start=MONDAY, days=1):
    end = start + timedelta(days=days)
    watches = duty.watches(duties, absences, start=start, end=end)
    windows = business_time.windows(start, end, hours or Hours("UTC", NINE_TO_FIVE))
    return [(one.starts_at, one.ends_at) for one in coverage.gaps(windows, watches)]


# --- By hand -------------------------------------------------------------------------------------
def test_without_a_shift_every_working_hour_is_a_gap():
    assert gaps([], days=7) == [(at(24 * day + 9), at(24 * day + 17)) for day in range(5)]


def test_what_is_covered_is_no_gap_and_the_night_never_was():
    assert gaps([Duty(A, at(9), at(17))]) == []
    assert gaps([Duty(A, at(10), at(12)), Duty(B, at(12), at(16))]) == [
        (at(9), at(10)), (at(16), at(17)),
    ]  # fmt: skip


def test_who_is_out_covers_nothing_unless_somebody_stands_in():
    whole, out = Duty(A, at(0), at(24)), Out(A, None, at(11), at(13))
    assert gaps([whole], [out]) == [(at(11), at(13))]
    assert gaps([whole], [Out(A, B, at(11), at(13))]) == []
    assert gaps([whole], [Out(A, B, at(11), at(13)), Out(B, A, at(12), at(14))]) == [
        (at(12), at(13))
    ]


def test_who_else_is_out_costs_nothing(monkeypatch):
    """Each absence of a house of thousands would be an edge at which all of them are looked at."""
    looked = []

    def counted(absences, *, at):
        looked.append(len(absences))
        return Roll(absences, at=at)

    monkeypatch.setattr(duty, "Roll", counted)
    others = [Out(Person(100 + n), A, at(n % 24), at(n % 24 + 1)) for n in range(500)]
    mine = [Out(A, B, at(8), at(20)), Out(B, C, at(12), at(14))]
    found = duty.watches(
        [Duty(A, at(0), at(24))], [*others, *mine], start=at(0), end=at(24)
    )  # fmt: skip
    assert [one.user for one in found] == [A, B, C, B, A]
    assert looked == [2] * 5


def test_the_secondary_covers_where_the_primary_is_not_there():
    primary, secondary = Duty(A, at(0), at(24)), Duty(B, at(12), at(24), rank=1)
    assert gaps([primary, secondary], [Out(A, None, at(9), at(17))]) == [(at(9), at(12))]


def test_who_left_covers_nothing():
    assert gaps([Duty(GONE, at(0), at(24))]) == [(at(9), at(17))]


def test_an_override_wins_while_it_lasts():
    found = list(duty.split(Duty(A, at(0), at(10)), [Instead(B, at(4), at(6))]))
    assert found == [Duty(A, at(0), at(4)), Duty(B, at(4), at(6)), Duty(A, at(6), at(10))]
    # Also where who takes over is out: the shift's own person is not asked behind their back.
    duties = list(duty.split(Duty(A, at(0), at(24)), [Instead(B, at(10), at(12))]))
    assert gaps(duties, [Out(B, None, at(0), at(24))]) == [(at(10), at(12))]


def test_a_holiday_has_no_gaps():
    free = Hours("UTC", NINE_TO_FIVE, frozenset([date(2026, 3, 2)]))
    assert gaps([], hours=free) == []


def test_a_day_that_ends_at_midnight_leaves_no_sliver():
    nights = Hours("UTC", NIGHTS)
    assert gaps([Duty(A, at(0), at(48))], hours=nights, days=2) == []
    windows = list(business_time.windows(MONDAY, at(48), nights))
    assert coverage.joined(windows)[1] == (at(20), at(30.5))


# --- Against the oracle --------------------------------------------------------------------------
moments = st.integers(0, 6 * 24 * 12).map(lambda fives: timedelta(minutes=5 * fives))
lengths = st.integers(1, 3 * 24 * 12).map(lambda fives: timedelta(minutes=5 * fives))
people = st.sampled_from([A, B, C, GONE])
spans = st.tuples(people, moments, lengths)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zone=st.sampled_from(ZONES),
    windows=st.sampled_from([NINE_TO_FIVE, WITH_LUNCH, NIGHTS]),
    # The clocks change in each of these weeks somewhere: both ways, north and south.
    start=st.sampled_from([datetime(2026, 3, 6), datetime(2026, 3, 27), datetime(2026, 4, 3),
                           datetime(2026, 9, 25), datetime(2026, 10, 2), datetime(2026, 10, 23)]),
    shifts=st.lists(st.tuples(spans, st.integers(0, 1)), max_size=4),
    instead=st.lists(spans, max_size=2),
    out=st.lists(st.tuples(spans, st.none() | people), max_size=4),
    holiday=st.integers(0, 6),
)  # fmt: skip
def test_gaps_agree_with_the_oracle(zone, windows, start, shifts, instead, out, holiday):
    start = start.replace(tzinfo=UTC)
    end = start + timedelta(days=6)
    hours = Hours(zone, windows, frozenset([start.date() + timedelta(days=holiday)]))
    whole = [
        Duty(who, start + when, start + when + for_, rank) for (who, when, for_), rank in shifts
    ]
    over = apart(Instead(who, start + when, start + when + for_) for who, when, for_ in instead)
    away = [
        Out(who, behind, start + when, start + when + for_) for (who, when, for_), behind in out
    ]
    duties = [piece for one in whole for piece in duty.split(one, over)]
    watches = duty.watches(duties, away, start=start, end=end)
    found = coverage.gaps(business_time.windows(start, end, hours), watches)
    expected = [
        moment
        for moment in minutes(start, end)
        if is_working(moment, hours) and not is_anybody_on_call(moment, whole, over, away)
    ]
    assert [moment for gap in found for moment in minutes(gap.starts_at, gap.ends_at)] == expected


def apart(overrides):
    """Those that do not overlap an earlier one: the database has no others."""
    kept = []
    for one in overrides:
        if all(one.ends_at <= o.starts_at or o.ends_at <= one.starts_at for o in kept):
            kept.append(one)
    return kept


def minutes(start, end):
    # Everything here is at full five minutes; a minute would say the same five times.
    moment = start
    while moment < end:
        yield moment
        moment += 5 * MINUTE


def is_working(moment, hours):
    zone = ZoneInfo(hours.zone)
    day = moment.astimezone(zone).date()
    return any(
        there not in hours.holidays
        and weekday == there.weekday()
        and datetime.combine(there, opens, zone).astimezone(UTC) <= moment
        and moment < datetime.combine(there, closes, zone).astimezone(UTC)
        for there in (day - timedelta(days=1), day, day + timedelta(days=1))
        for weekday, opens, closes in hours.windows
    )


def is_anybody_on_call(moment, shifts, overrides, away):
    now = [one for one in shifts if one.starts_at <= moment < one.ends_at]
    taken = [one.user for one in overrides if one.starts_at <= moment < one.ends_at]
    out = [one for one in away if one.starts_at <= moment < one.ends_at]
    return any(is_stood_in(taken[0] if taken else one.user, out, set()) for one in now)


def is_stood_in(person, out, seen):
    """Whether anybody along the stand-ins is here; asked every way there is."""
    mine = [one for one in out if one.user == person]
    if not mine:
        return person.is_active
    return any(
        is_stood_in(one.stand_in, out, seen | {person})
        for one in mine
        if one.stand_in and one.stand_in not in seen
    )


@pytest.mark.parametrize("zone", ZONES)
def test_windows_are_the_working_minutes(zone):
    """The ends of windows as instants, where the clocks change: cut, in order, none empty."""
    hours = Hours(zone, NIGHTS)
    for first in (datetime(2026, 3, 28), datetime(2026, 4, 4), datetime(2026, 9, 26)):
        start = first.replace(tzinfo=UTC)
        end = start + timedelta(days=2)
        spans = coverage.joined(business_time.windows(start, end, hours))
        inside = [m for m in minutes(start, end) if any(a <= m < b for a, b in spans)]
        assert inside == [m for m in minutes(start, end) if is_working(m, hours)]
