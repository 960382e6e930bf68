"""Quiet hours: when they reign, when they end, and which cannot be."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshline.notices import quiet
from meshline.notices.quiet import Quiet, QuietError

NIGHTS = tuple((day, "22:00", "07:00") for day in range(7))
# 2 March 2026 is a Monday.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(text, day=0, zone="UTC"):
    hour, minute = text.split(":")
    local = datetime(2026, 3, 2 + day, int(hour), int(minute), tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        (at("21:59"), None),
        (at("22:00"), at("07:00", 1)),
        (at("23:30"), at("07:00", 1)),
        (at("00:10", 1), at("07:00", 1)),
        (at("06:59", 1), at("07:00", 1)),
        (at("07:00", 1), None),
    ],
)
def test_a_night_goes_over_midnight(moment, ends):
    assert quiet.until(moment, Quiet("UTC", NIGHTS)) == ends


def test_what_touches_or_overlaps_is_one_quiet():
    weekend = ((4, "18:00", "24:00"), (5, "00:00", "24:00"), (6, "00:00", "20:00"),
               (6, "19:00", "23:00"))  # fmt: skip
    friday_evening = at("19:00", 4)
    assert quiet.until(friday_evening, Quiet("UTC", weekend)) == at("23:00", 6)


def test_the_hours_are_the_persons_own():
    spans = ((0, "22:00", "07:00"),)
    moment = at("22:30", zone="Asia/Tokyo")
    assert quiet.until(moment, Quiet("Asia/Tokyo", spans)) == at("07:00", 1, "Asia/Tokyo")
    assert quiet.until(moment, Quiet("UTC", spans)) is None


def test_a_night_in_which_the_clock_is_put_forward_ends_in_the_morning_all_the_same():
    # Berlin, 29 March 2026: 02:00 becomes 03:00.
    spans = ((5, "22:00", "07:00"),)
    before = datetime(2026, 3, 28, 23, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    ends = quiet.until(before.astimezone(UTC), Quiet("Europe/Berlin", spans))
    assert ends == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spans", "says"),
    [
        ([(0, "22:00", "22:00")], "ends when it begins"),
        ([(0, "24:00", "07:00")], "A day begins at 00:00"),
        ([(0, "25:00", "07:00")], "is no time of day"),
        ([(0, "7", "08:00")], "is no time of day"),
        ([(7, "22:00", "07:00")], "A weekday is 0"),
        ([(day, "00:00", "24:00") for day in range(7)], "Leave at least an hour"),
        ([(day, "07:05", "07:00") for day in range(7)], "Leave at least an hour"),
        ([(0, "22:00", "x" * 500)], "…” is no time of day"),
    ],
)
def test_what_cannot_be_is_said(spans, says):
    with pytest.raises(QuietError, match=says):
        quiet.check(spans)


@pytest.mark.parametrize(
    ("typed", "kept"), [("7:00", "07:00"), (" 22:30 ", "22:30"), ("24:00", "24:00")]
)
def test_a_time_is_kept_in_one_form(typed, kept):
    assert quiet.read(typed) == kept


_TIMES = st.integers(0, 24 * 4 - 1).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")
_SPANS = st.lists(st.tuples(st.integers(0, 6), _TIMES, _TIMES), max_size=6)


def _is_quiet_by_the_wall(moment, spans):
    """As somebody would say who looks at the clock on the wall."""
    minute = moment.hour * 60 + moment.minute
    for day, starts, ends in spans:
        begins, over = (int(text[:2]) * 60 + int(text[3:]) for text in (starts, ends))
        if begins < over and moment.weekday() == day and begins <= minute < over:
            return True
        if begins > over and (
            (moment.weekday() == day and minute >= begins)
            or ((moment.weekday() - 1) % 7 == day and minute < over)
        ):
            return True
    return False


@settings(max_examples=200, deadline=None)
@given(spans=_SPANS, minutes=st.integers(0, 7 * 24 * 60 - 1))
def test_it_reigns_when_the_clock_on_the_wall_says_so_and_ends_when_it_does_not(spans, minutes):
    spans = [one for one in spans if one[1] != one[2]]
    try:
        quiet.check(spans)
    except QuietError:
        return
    zone = ZoneInfo("Asia/Kolkata")  # no daylight saving
    moment = (MONDAY + timedelta(minutes=minutes)).astimezone(zone)
    ends = quiet.until(moment.astimezone(UTC), Quiet(zone.key, tuple(spans)))
    assert (ends is not None) == _is_quiet_by_the_wall(moment, spans)
    if ends is not None:
        assert not _is_quiet_by_the_wall(ends.astimezone(zone), spans)
        last = ends.astimezone(zone) - timedelta(minutes=1)
        assert _is_quiet_by_the_wall(last, spans)
