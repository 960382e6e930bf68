"""The retry table, read back; and properties that hold for any attempt, jitter and header."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import backoff
from connectors.backoff import BUDGETS, RETRIES
from proposals.tiers import Tier

MONDAY = datetime(2024, 3, 4, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)

tiers = st.sampled_from(Tier)
jitters = st.floats(min_value=-1, max_value=1)
moments = st.datetimes(
    min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)
)


def seconds(*waits: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=wait) for wait in waits)


def waits_with(tier: Tier, jitter_of) -> list[timedelta]:
    """Every wait of a tier until it gives up, each counted from the attempt before."""
    waits, at, attempts = [], MONDAY, 1
    while due := backoff.next_attempt(tier, attempts, failed_at=at, jitter=jitter_of(attempts)):
        waits.append(due - at)
        at, attempts = due, attempts + 1
    return waits


# -- The table ------------------------------------------------------------------------------------


def test_the_table_is_the_one_that_was_agreed():
    assert dict(RETRIES) == {
        Tier.SECONDS: seconds(2, 5, 10, 20, 45, 90, 300, 900, 3600, 14400, 36000),
        Tier.MINUTES: seconds(5, 15, 45, 90, 300, 900, 3600, 14400, 36000),
        Tier.HOURS: seconds(60, 300, 1800, 7200, 21600),
        Tier.DAILY: seconds(60, 300, 1800, 7200, 21600),
    }


def test_every_tier_has_retries_and_a_budget():
    assert set(RETRIES) == set(BUDGETS) == set(Tier)
    assert BUDGETS[Tier.SECONDS] == timedelta(seconds=60)
    assert BUDGETS[Tier.MINUTES] == timedelta(minutes=5)
    assert BUDGETS[Tier.HOURS] == timedelta(hours=4)
    assert BUDGETS[Tier.DAILY] == timedelta(days=1)


def test_the_minutes_tier_makes_ten_attempts():
    assert len(waits_with(Tier.MINUTES, lambda _: 0)) + 1 == 10


@pytest.mark.parametrize("tier", Tier)
def test_the_first_and_the_last_wait_of_each_tier(tier):
    waits = RETRIES[tier]
    first = backoff.next_attempt(tier, 1, failed_at=MONDAY, jitter=0)
    last = backoff.next_attempt(tier, len(waits), failed_at=MONDAY, jitter=0)
    assert (first, last) == (MONDAY + waits[0], MONDAY + waits[-1])
    assert backoff.next_attempt(tier, len(waits) + 1, failed_at=MONDAY, jitter=0) is None


@pytest.mark.parametrize("tier", [Tier.SECONDS, Tier.MINUTES])
@pytest.mark.parametrize(
    ("jitter", "share"), [(-1, 0.8), (-0.5, 0.9), (0, 1), (0.5, 1.1), (1, 1.2)]
)
def test_jitter_moves_a_quick_wait_by_up_to_a_fifth(tier, jitter, share):
    due = backoff.next_attempt(tier, 1, failed_at=MONDAY, jitter=jitter)
    assert due - MONDAY == RETRIES[tier][0] * share


@pytest.mark.parametrize("tier", [Tier.HOURS, Tier.DAILY])
@pytest.mark.parametrize("jitter", [-1, 0, 1])
def test_jitter_leaves_a_slow_wait_alone(tier, jitter):
    due = backoff.next_attempt(tier, 1, failed_at=MONDAY, jitter=jitter)
    assert due - MONDAY == RETRIES[tier][0]


# -- Properties -----------------------------------------------------------------------------------


@given(tier=tiers, dice=st.lists(jitters, min_size=12, max_size=12))
def test_waits_grow_and_end_within_twenty_hours(tier, dice):
    waits = waits_with(tier, lambda attempts: dice[attempts - 1])
    assert waits == sorted(set(waits))
    assert len(waits) == len(RETRIES[tier])
    assert sum(waits, timedelta()) < timedelta(hours=20)


@given(tier=tiers, attempts=st.integers(0, 40), jitter=jitters, at=moments)
def test_the_next_attempt_is_always_later_or_never(tier, attempts, jitter, at):
    due = backoff.next_attempt(tier, attempts, failed_at=at, jitter=jitter)
    assert (due is None) == (attempts > len(RETRIES[tier]))
    assert due is None or due > at


@given(
    tier=tiers,
    attempts=st.integers(0, 12),
    jitter=jitters,
    asked=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)),
)
def test_retry_after_only_ever_delays_and_by_an_hour_at_most(tier, attempts, jitter, asked):
    plain = backoff.next_attempt(tier, attempts, failed_at=MONDAY, jitter=jitter)
    due = backoff.next_attempt(tier, attempts, failed_at=MONDAY, jitter=jitter, retry_after=asked)
    if plain is None:
        assert due is None
    else:
        assert due == max(plain, MONDAY + min(asked, HOUR))


@given(tier=tiers, jitter=jitters)
def test_free_attempts_wait_as_long_as_the_first(tier, jitter):
    none_used = backoff.next_attempt(tier, 0, failed_at=MONDAY, jitter=jitter)
    assert none_used == backoff.next_attempt(tier, 1, failed_at=MONDAY, jitter=jitter)


# -- Time -----------------------------------------------------------------------------------------


def test_a_wait_over_the_change_of_clocks_is_as_long_as_any_other():
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2024, 3, 31, 1, 59, tzinfo=berlin)
    due = backoff.next_attempt(Tier.HOURS, 4, failed_at=before, jitter=0)
    assert due - before.astimezone(UTC) == timedelta(hours=2)
    assert due.tzinfo is UTC


@pytest.mark.parametrize("jitter", [-1.01, 1.01, float("nan"), float("inf")])
def test_a_jitter_out_of_range_is_refused(jitter):
    with pytest.raises(ValueError, match="Jitter"):
        backoff.next_attempt(Tier.MINUTES, 1, failed_at=MONDAY, jitter=jitter)


def test_a_negative_count_and_a_time_without_offset_are_refused():
    with pytest.raises(ValueError, match="counted"):
        backoff.next_attempt(Tier.MINUTES, -1, failed_at=MONDAY, jitter=0)
    with pytest.raises(ValueError, match="offset"):
        backoff.next_attempt(Tier.MINUTES, 1, failed_at=datetime(2024, 3, 4), jitter=0)


# -- Which statuses -------------------------------------------------------------------------------


def test_every_status_is_retryable_or_not_as_agreed():
    retryable = {status for status in range(100, 1000) if backoff.is_retryable(status)}
    assert retryable == {408, 425, 429, *range(500, 600)}


def test_a_conflict_is_retried_only_when_told_so():
    assert not backoff.is_retryable(409)
    assert backoff.is_retryable(409, told_to_retry=True)
    assert not backoff.is_retryable(422, told_to_retry=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("failing_for", "uses_up"),
    [(timedelta(0), False), (HOUR - SECOND, False), (HOUR, True), (9 * HOUR, True)],
)
def test_too_busy_is_free_for_an_hour(status, failing_for, uses_up):
    at = MONDAY + failing_for
    assert backoff.uses_up_attempt(status, first_failed_at=MONDAY, failed_at=at) is uses_up


@pytest.mark.parametrize("status", [400, 408, 425, 500, 502, 504])
def test_any_other_failure_counts_at_once(status):
    assert backoff.uses_up_attempt(status, first_failed_at=MONDAY, failed_at=MONDAY)


# -- Retry-After ----------------------------------------------------------------------------------

NOV_6 = datetime(1994, 11, 6, 8, 49, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", 0),
        ("120", 120),
        (" 120\t", 120),
        ("9999999999", 9999999999),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 30),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 30),
        ("Sun Nov  6 08:49:37 1994", 30),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
    ],
)
def test_a_wait_that_can_be_read(value, wait):
    assert backoff.parse_retry_after(value, now=NOV_6) == timedelta(seconds=wait)


def test_now_may_be_given_in_any_zone():
    now = NOV_6.astimezone(timezone(timedelta(hours=5, minutes=45)))
    value = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert backoff.parse_retry_after(value, now=now) == timedelta(seconds=30)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "12 0",
        "120\n",
        "12345678901",
        "١٢٣",
        "１２",
        "Sun, 31 Feb 2024 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +0200",
        "Sun, 06 Nov 1994 08:49:37",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Xxx, 06 Yyy 1994 08:49:37 GMT",
    ],
)
def test_what_cannot_be_read_is_none(value):
    assert backoff.parse_retry_after(value, now=NOV_6) is None


@given(value=st.one_of(st.text(), st.from_regex(backoff._HTTP_DATE, fullmatch=True)))
def test_no_header_can_raise(value):
    wait = backoff.parse_retry_after(value, now=NOV_6)
    assert wait is None or wait >= timedelta(0)
