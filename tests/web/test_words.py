"""Times in words: pure rules, each with its edges."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from meshline.web import words

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=7), "7 days ago"),
        (timedelta(days=7, seconds=1), None),
        (-timedelta(minutes=5), "in 5 min"),
        (-timedelta(days=8), None),
    ],
)
def test_a_moment_is_said_as_people_say_it(ago, said):
    assert words.relative(NOON - ago, now=NOON) == said


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=35, seconds=59), "35 m"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=10), "2 h 10 m"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
        (timedelta(days=1, minutes=30), "1 d"),
    ],
)
def test_a_span_is_told_by_its_two_largest_parts(length, said):
    assert words.span(length) == said


@pytest.mark.parametrize(
    ("minutes_left", "text", "tone"),
    [
        (-130, "Overdue 2 h 10 m", "danger"),
        (0, "Overdue 0 s", "danger"),
        (30, "Due in 30 m", "warn"),
        (31, "Due in 31 m", "info"),
    ],
)
def test_a_deadline_without_a_start_is_near_at_half_an_hour(minutes_left, text, tone):
    stand = words.sla(NOON + timedelta(minutes=minutes_left), now=NOON)
    assert (stand.text, stand.tone) == (text, tone)


def test_a_deadline_with_a_start_is_near_once_four_fifths_are_used():
    started, due = NOON, NOON + timedelta(hours=10)
    before = words.sla(due, now=NOON + timedelta(hours=7, minutes=59), started=started)
    after = words.sla(due, now=NOON + timedelta(hours=8), started=started)
    assert (before.tone, after.tone) == ("info", "warn")


def test_a_start_that_is_not_before_the_deadline_does_not_divide_by_nothing():
    assert words.sla(NOON + timedelta(hours=1), now=NOON, started=NOON + timedelta(hours=1)).tone


def test_paused_is_said_only_while_nothing_is_overdue():
    far, over = NOON + timedelta(hours=3), NOON - timedelta(minutes=1)
    assert words.sla(far, now=NOON, paused="outside hours").text == "Paused: outside hours"
    assert words.sla(over, now=NOON, paused="outside hours").tone == "danger"


def test_what_a_rule_stopped_in_time_is_not_overdue_and_lateness_is_said_as_it_is_counted():
    over = NOON - timedelta(hours=20)
    why = "its record is on hold"
    assert words.sla(over, now=NOON, paused=why, stopped=True).text == f"Paused: {why}"
    late = words.sla(over, now=NOON, paused=why, stopped=True, late="2 h 10 min")
    assert (late.text, late.tone) == ("Overdue 2 h 10 min", "danger")


def test_no_deadline_is_said_too():
    assert words.sla(None, now=NOON).text == "No deadline"


def test_the_exact_moment_names_its_zone():
    berlin = NOON.astimezone(ZoneInfo("Europe/Berlin"))
    assert words.absolute(berlin) == "Mon 23 Nov 2026, 13:00:00 CET"


def test_a_stretch_says_a_shared_day_once():
    start = datetime(2026, 12, 3, 13, tzinfo=UTC)
    assert words.stretch(start, start + timedelta(hours=4)) == "Thu 3 Dec, 13:00 – 17:00"
    later = words.stretch(start, start + timedelta(hours=24))
    assert later == "Thu 3 Dec, 13:00 – Fri 4 Dec, 13:00"
