"""Which steps a ticket has and when: in business time, in order, over pauses and acks."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from exceptions import steps
from exceptions.steps import Agreed, Clock, Facts
from meshline.policy.business_time import Hours

WEEK = Hours("UTC", tuple((day, time(9), time(17)) for day in range(5)))
FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
AGREED = Agreed()


def monday(words: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-09T{words}:00+00:00")


@pytest.fixture
def facts():
    """A ticket of high severity, opened half an hour before the weekend: 30 min, 4 h."""
    ack = Clock(0, FRIDAY, FRIDAY + timedelta(minutes=30))
    fix = Clock(0, FRIDAY, monday("12:30"))
    return Facts(ack=ack, fix=fix, hours=WEEK, active_at=FRIDAY)


def told(facts, agreed=AGREED):
    return [(one.name, f"{one.due_at:%a %H:%M}") for one in steps.planned(facts, agreed)]


def test_every_step_is_due_in_business_time_and_stands_in_order(facts):
    assert told(facts) == [
        ("ack-quiet", "Fri 16:45"),
        ("ack-owner", "Fri 16:54"),
        ("ack-lead", "Fri 17:00"),
        ("ack-accountable", "Mon 09:15"),
        ("up-secondary", "Mon 09:15"),
        ("up-lead", "Mon 09:30"),
        ("fix-quiet", "Mon 10:30"),
        ("fix-owner", "Mon 11:42"),
        ("fix-lead", "Mon 12:30"),
        ("up-accountable", "Mon 13:00"),
        ("fix-accountable", "Mon 14:30"),
    ]


def test_what_was_taken_does_not_come_again(facts):
    taken = replace(facts, taken=frozenset({(0, "ack-quiet"), (0, "ack-owner"), (1, "ack-lead")}))
    assert told(taken)[0] == ("ack-lead", "Fri 17:00")


def test_an_acknowledgement_ends_the_first_clock_and_may_lapse(facts):
    at = FRIDAY + timedelta(minutes=20)
    acknowledged = replace(facts, ack=replace(facts.ack, ended_at=at), active_at=at)
    # What was due before it stays due: the clock may have been down.
    assert [name for name, _ in told(acknowledged)] == [
        "ack-quiet", "fix-quiet", "fix-owner", "fix-lead", "ack-lapses", "fix-accountable",
    ]  # fmt: skip
    assert ("ack-lapses", "Mon 12:50") in told(acknowledged)
    busy = replace(acknowledged, active_at=monday("10:00"))
    assert ("ack-lapses", "Mon 14:00") in told(busy)


def test_a_pause_puts_off_what_was_not_taken_yet_by_its_length(facts):
    hour = timedelta(hours=1)
    ack = replace(facts.ack, due_at=monday("10:00"), paused_for=hour)
    fix = replace(facts.fix, due_at=monday("13:30"), paused_for=hour)
    assert told(replace(facts, ack=ack, fix=fix))[:3] == [
        ("ack-quiet", "Mon 09:45"), ("ack-owner", "Mon 09:54"), ("ack-lead", "Mon 10:00"),
    ]  # fmt: skip
    assert ("fix-quiet", "Mon 11:30") in told(replace(facts, ack=ack, fix=fix))


def test_when_all_is_done_the_ticket_is_called_to_mind_again_and_again(facts):
    taken = frozenset((0, name) for name, _ in told(facts))
    done = replace(facts, taken=taken, last_taken_at=monday("14:30"))
    assert told(done) == [("again-1", "Tue 14:30")]
    again = replace(done, taken=taken | {(0, "again-1")}, last_taken_at=monday("16:00"))
    assert told(again) == [("again-2", "Tue 16:00")]


def test_other_numbers_make_other_steps(facts):
    agreed = Agreed(warnings=(10, 20, 30, 40), handing_up=(1, 2, 3))
    assert told(facts, agreed)[:3] == [
        ("ack-quiet", "Fri 16:33"), ("ack-owner", "Fri 16:36"), ("ack-lead", "Fri 16:39"),
    ]  # fmt: skip
    assert ("up-secondary", "Mon 09:01") in told(facts, agreed)


def test_a_calendar_without_time_left_has_no_steps_and_breaks_nothing(facts):
    never = Hours("UTC", ((0, time(9), time(9, 1)),))
    far = Agreed(ack_lapses_after=10**6, again_after=10**6, handing_up=(10**6, 10**7, 10**8))
    found = steps.planned(replace(facts, hours=never), far)
    assert all(not one.name.startswith(("up", "again")) for one in found)


def test_late_is_more_than_a_minute_after_its_time():
    assert not steps.is_late(FRIDAY, at=FRIDAY + timedelta(seconds=60))
    assert steps.is_late(FRIDAY, at=FRIDAY + timedelta(seconds=61))
