"""Walking by the moment of the last change: what is remembered stays small, what is new is read."""

from datetime import UTC, datetime, timedelta

from connectors import keyset
from connectors.keyset import Walk

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def rows(count, *, every=timedelta(minutes=1), first=0):
    return [(f"doc-{number}", START + number * every) for number in range(first, first + count)]


def test_the_next_page_begins_a_second_before_this_one_ended():
    walk = Walk(None).onward(rows(3))
    assert (walk.since, walk.page) == (START + timedelta(minutes=2, seconds=-1), 1)
    assert not walk.is_new(rows(3)[2])
    assert walk.is_new((rows(3)[2][0], START + timedelta(hours=1)))


def test_within_one_second_it_goes_by_the_number_of_the_page():
    one_moment = rows(3, every=timedelta(0))
    walk = Walk(START).onward(one_moment)
    assert (walk.since, walk.page) == (START, 2)


def test_a_place_is_what_it_was_written_from():
    walk = Walk(None).onward(rows(3))
    assert Walk.at(walk.place, since=None) == walk
    assert Walk.at({}, since=START) == Walk(START)


def test_of_a_long_walk_only_the_latest_are_remembered():
    walk = Walk(None)
    for first in range(0, 2000, 20):
        walk = walk.onward(rows(20, first=first))
    assert len(walk.seen) == keyset.REMEMBERED
    assert "doc-1999" in walk.seen


def test_what_comes_again_on_the_next_page_is_remembered_however_much():
    walk = Walk(None)
    for first in range(0, 1000, 20):
        walk = walk.onward(rows(20, first=first, every=timedelta(0)))
    assert len(walk.seen) == 1000
