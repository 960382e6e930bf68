"""Rollups: kept as the trail goes on, the same as the events counted, and checked."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum

from meshline import instant
from meshline.people import people
from proposals.models import FollowUp, Outcome
from reconciliation import checking, passages, rolling, rollups
from reconciliation.checks.table import CHECKS
from reconciliation.histograms import Histogram
from reconciliation.models import Passage, RolledUp, Rollup
from reconciliation.numbers.number import How
from reconciliation.numbers.table import NUMBERS
from reconciliation.rollups import Within
from tests import factories
from tests.factories import MONDAY
from tests.reconciliation.passed import HOUR, link, prove, tell, touch

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NINE = MONDAY.replace(minute=0)


@pytest.fixture
def company(staff):
    factories.pandadoc()
    factories.hubspot()
    with instant.stopped(MONDAY + HOUR):
        yield staff


def roll(at=MONDAY + HOUR):
    link()
    with instant.stopped(at):
        rolling.roll_up()


def told(number="events", **narrowed):
    rows = Rollup.objects.filter(number=number, cut="all", grain="hour", **narrowed)
    return {row["at"]: row["n"] for row in rows.values("at").annotate(n=Sum("n"))}


def look():
    with instant.stopped(MONDAY + 2 * DAY):
        return checking.look(CHECKS["rollups-true"])


# --- Kept ------------------------------------------------------------------------------------
def test_what_the_trail_tells_is_counted_in_the_hour_in_which_it_occurred(company):
    tell("one")
    tell("two", at=MONDAY - HOUR)
    roll()
    assert told() == {NINE: 1, NINE - HOUR: 1}


def test_what_comes_late_lands_in_its_own_hour(company):
    tell("one")
    roll()
    tell("late", at=MONDAY - 3 * DAY, received=3 * 86_400, digested=3 * 86_400 + 1)
    roll()
    assert told() == {NINE: 1, NINE - 3 * DAY: 1}
    row = Passage.objects.get(proposal__external_id="late")
    assert row.received == 3 * DAY


def test_a_round_done_twice_counts_nothing_twice(company):
    tell("one")
    roll()
    RolledUp.objects.update(position=0)
    roll()
    assert told() == {NINE: 1}
    assert Rollup.objects.get(number="events", cut="all", grain="day").n == 1


def test_a_stage_that_is_reached_later_changes_the_hour_of_its_event(company):
    proposal = tell("one")
    roll()
    assert told("first-follow-up") == {}
    touch(proposal, at=MONDAY + 2 * HOUR)
    roll(MONDAY + 3 * HOUR)
    assert told("first-follow-up") == {NINE: 1}


def test_what_becomes_late_without_anything_happening_is_late(company):
    proposal = tell("one")
    roll(MONDAY + timedelta(minutes=1))
    assert Passage.objects.get().verdict == "open"
    roll(MONDAY + timedelta(minutes=6))
    assert Passage.objects.get().verdict == "late"
    assert told("event-delivery", bucket=0) == {NINE: 1}
    prove(proposal, delivered=1, proven=2)


def test_whose_it_is_now_counts(company):
    tell("one")
    roll()
    sales = company["remy"].team_id
    assert told(team=sales) == {NINE: 1}
    people.change(
        user_id=company["remy"].pk, by=company["ada"], at=MONDAY + HOUR, name="Remy Park",
        role="rep", team=company["rosa"].team, zone="UTC", is_active=True,
    )  # fmt: skip
    roll()
    assert (told(team=sales), told(team=company["rosa"].team_id)) == ({}, {NINE: 1})


def test_everything_made_anew_is_the_same(company):
    tell("one")
    prove(tell("two", at=MONDAY - 26 * HOUR), delivered=3, proven=4)
    roll()
    Rollup.objects.all().delete()
    Passage.objects.all().delete()
    call_command("rebuild_rollups")
    before = sorted(Rollup.objects.values_list("number", "cut", "grain", "at", "key", "n"))
    with instant.stopped(MONDAY + HOUR):
        hours = {passages.hour_of(one.began_at) for one in Passage.objects.all()}
        rollups.refresh(hours)
    assert before == sorted(Rollup.objects.values_list("number", "cut", "grain", "at", "key", "n"))
    assert told() == {NINE: 1, NINE - 26 * HOUR: 1}


# --- Read ------------------------------------------------------------------------------------
@pytest.mark.parametrize("hours", [1, 5, 24, 30, 49, 24 * 7, 24 * 40])
def test_any_whole_hours_read_as_many_as_there_are_events(company, hours):
    for number in range(30):
        at = MONDAY - number * 7 * HOUR
        touch(tell(f"doc-{number}", at=at), at=at + HOUR)
    roll(MONDAY + 2 * HOUR)
    for until in (NINE + HOUR, NINE - 3 * HOUR, NINE - DAY):
        within = Within(until - hours * HOUR, until)
        for number in NUMBERS.values():
            read = rollups.read([number], within).get(number.name, {})
            assert (
                sum(one.n for one in read.values())
                == number.rows(within.since, within.until).count()
            ), number.name


def test_a_number_says_nothing_beside_its_rows(company):
    touch(tell("one"), at=MONDAY + timedelta(minutes=9))
    roll()
    within = Within(NINE, NINE + HOUR)
    for number in NUMBERS.values():
        [found] = rollups.read([number], within).get(number.name, {"": None}).values()
        if number.how is How.SPAN and found:
            rows = number.rows(within.since, within.until)
            seconds = sum(getattr(row, number.column).total_seconds() for row in rows)
            assert found.total == pytest.approx(seconds), number.name


# --- The check -------------------------------------------------------------------------------
@pytest.fixture
def rolled(company):
    tell("one")
    tell("two", at=MONDAY - 5 * HOUR)
    roll()
    return company


def test_the_check_holds_where_all_is_counted(rolled):
    result = look()
    assert (result.state, result.failing) == ("ok", 0)
    assert result.asked > 0


def test_the_check_finds_a_rollup_that_tells_another_number(rolled):
    Rollup.objects.filter(number="events", cut="path", grain="hour", at=NINE).update(n=3)
    result = look()
    assert result.state == "error"
    assert {row["why"] for row in result.rows} == {"3 are told by hour and path, and 1 are."}


def test_the_check_finds_a_day_that_is_not_its_hours(rolled):
    Rollup.objects.filter(number="events", grain="day").update(n=7)
    assert {row["why"] for row in look().rows} == {"7 are told by day, and 2 are."}


def test_the_check_finds_an_event_that_is_not_counted_and_one_that_is_none(rolled):
    first = Passage.objects.order_by("pk").first()
    FollowUp.objects.all().delete()
    Outcome.objects.filter(signal=first.pk).delete()
    last = Passage.objects.order_by("pk").last()
    hours = {passages.hour_of(last.began_at)}
    last.delete()
    rollups.refresh(hours)
    assert {row["why"] for row in look().rows} == {
        "It is not counted.", "It is counted, and is no event any more.",
    }  # fmt: skip


# --- Read ------------------------------------------------------------------------------------
def counted(hour, bucket, n, total, team=1, grain="hour"):
    return Rollup(number="first-follow-up", cut="all", grain=grain, at=hour, team=team, key="",
                  bucket=bucket, n=n, total=total)  # fmt: skip


def test_a_series_has_each_hours_buckets_of_all_teams_and_of_no_other_hour(db):
    Rollup.objects.bulk_create([
        counted(NINE, 7, 2, 4.0), counted(NINE, 7, 3, 6.5, team=2), counted(NINE, -1, 1, 0.5),
        counted(NINE + HOUR, 9, 5, 10.0), counted(NINE + DAY, 1, 1, 1.0),
        counted(NINE.replace(hour=0), 7, 99, 99.0, grain="day"),
    ])  # fmt: skip
    number = NUMBERS["first-follow-up"]
    both = rollups.series(number, Within(NINE, NINE + 2 * HOUR), by_hour=True)
    assert both == {
        NINE: Histogram({7: 5, -1: 1}, 11.0), NINE + HOUR: Histogram({9: 5}, 10.0),
    }  # fmt: skip
    one = rollups.series(number, Within(NINE, NINE + HOUR, team=2), by_hour=True)
    assert one == {NINE: Histogram({7: 3}, 6.5)}


def test_a_series_by_day_has_whole_days_and_the_hours_at_both_ends(db):
    day = (NINE + DAY).replace(hour=0)
    Rollup.objects.bulk_create([
        counted(NINE - HOUR, 1, 9, 9.0), counted(NINE, 7, 2, 4.0),
        counted(day, 7, 3, 6.0, grain="day"), counted(day + HOUR, 7, 3, 6.0),
        counted(day + DAY, 8, 4, 8.0), counted(day + DAY, 8, 90, 90.0, grain="day"),
        counted(day + DAY + HOUR, 8, 1, 1.0),
    ])  # fmt: skip
    number, within = NUMBERS["first-follow-up"], Within(NINE, day + DAY + HOUR)
    assert rollups.series(number, within, by_hour=False) == {
        day - DAY: Histogram({7: 2}, 4.0), day: Histogram({7: 3}, 6.0),
        day + DAY: Histogram({8: 4}, 8.0),
    }  # fmt: skip
    assert rollups.read([number], within) == {
        "first-follow-up": {"": Histogram({7: 5, 8: 4}, 18.0)}
    }
    assert rollups.read([], within) == {}


def test_what_is_read_stands_in_the_index_itself(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('one_rollup_per_bucket'::regclass)")
        [index] = cursor.fetchone()
    assert index.endswith("(number, cut, grain, at, team, key, bucket) INCLUDE (n, total)")
