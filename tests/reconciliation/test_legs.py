"""One clock, split by who owes it: the legs sum to the total, whatever the stamps say."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

from reconciliation import legs

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = [stage.name for stage in legs.STAGES]


def after(seconds):
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def clock(*seconds, occurred=0, at=1000):
    """The clock by its stamps, in seconds after noon, in the order of the stages."""
    stamps = dict(zip(NAMES, map(after, seconds), strict=False))
    return legs.split(after(occurred), stamps, at=after(at))


def took(one):
    return [None if leg.took is None else leg.took.total_seconds() for leg in one.legs]


def test_each_leg_is_what_passed_since_the_stage_before():
    one = clock(2, 3, 5, 9, 14, 74)
    assert took(one) == [2, 1, 2, 4, 5, 60]
    assert (one.total, one.own_part) == (timedelta(seconds=74), timedelta(seconds=60))
    assert one.before_owner == timedelta(seconds=5)
    assert not one.is_open


def test_a_leg_that_is_not_reached_is_open_until_now_and_those_after_it_are_not_there():
    one = clock(2, 3, 5, None, None, None, at=65)
    assert took(one) == [2, 1, 2, 60, None, None]
    assert [leg.is_open for leg in one.legs] == [False, False, False, True, False, False]
    assert (one.is_open, one.total, one.own_part) == (True, timedelta(seconds=65), None)


def test_when_all_is_proven_it_is_the_persons_turn():
    one = clock(2, 3, 5, 9, 14, None, at=74)
    assert one.legs[-1].is_open
    assert one.own_part == timedelta(seconds=60)


def test_a_clock_that_is_ahead_of_ours_is_said_and_counts_as_nothing():
    one = clock(2, 3, 3, 4, 5, 6, occurred=5)
    assert one.ahead == timedelta(seconds=3)
    assert "their clock is 3 s ahead of ours" in one.notes[0]
    assert took(one) == [0, 1, 0, 1, 1, 1]
    assert one.began == after(2)


def test_what_comes_after_the_person_kept_nobody_waiting():
    one = clock(2, 3, 5, 90, 95, 60)
    assert took(one) == [2, 1, 2, None, None, 55]
    assert one.total == timedelta(seconds=60)
    assert one.notes == ["Carried: later than the first human touch, so it kept nobody waiting"]


def test_a_person_who_was_there_before_anything_was_carried_ends_the_clock():
    assert took(clock(2, 3, 5, None, None, 60)) == [2, 1, 2, None, None, 55]


def test_a_stage_without_a_stamp_was_passed_by_the_next_one():
    assert took(clock(2, None, 5, None, 9, 10)) == [2, 3, 0, 4, 0, 1]


def test_a_stamp_before_the_stage_it_follows_counts_as_that_one_and_is_said():
    one = clock(10, 4, 12, 14, 15, 20)
    assert took(one) == [10, 0, 2, 2, 1, 5]
    assert one.notes == ["Translated: stamped before the stage that it follows"]


def test_the_legs_sum_to_the_total_in_every_order_of_stamps():
    some = (None, 1, 5, 9)
    for occurred, received, *others in product((0, 5), (0, 5), *[some] * 5):
        look_at(clock(received, *others, occurred=occurred))


def look_at(one):
    lengths = [leg.took for leg in one.legs if leg.took is not None]
    assert sum(lengths, timedelta(0)) == one.total
    assert min(lengths) >= timedelta(0)
    there = [leg for leg in one.legs if leg.ended]
    assert all(first.ended == then.began for first, then in pairwise(there))
    end = max((leg.ended for leg in there), default=one.began)
    assert one.total >= end - one.began
