"""When to try again, and when to stop: the retry table as data, and four rules over it.

Pure: the clock and the dice belong to the caller, who passes `failed_at` and `jitter`. The numbers
are those of product.md §3, "Starting numbers".
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from proposals.tiers import BUDGET, Retry, Tier


def _steps(*, seconds=(), minutes=(), hours=()) -> tuple[timedelta, ...]:
    return (
        *(timedelta(seconds=wait) for wait in seconds),
        *(timedelta(minutes=wait) for wait in minutes),
        *(timedelta(hours=wait) for wait in hours),
    )


_MINUTES = _steps(seconds=(5, 15, 45, 90), minutes=(5, 15), hours=(1, 4, 10))
_HOURS = _steps(minutes=(1, 5, 30), hours=(2, 6))
_QUICK = _steps(seconds=(2, 5, 10, 20))

# The wait after each failed attempt: n waits are n + 1 attempts. The seconds tier joins the minutes
# row where that row is slower, so that a wait is never shorter than the one before it.
RETRIES: dict[Tier, tuple[timedelta, ...]] = {
    Tier.SECONDS: _QUICK + tuple(wait for wait in _MINUTES if wait > _QUICK[-1]),
    Tier.MINUTES: _MINUTES,
    Tier.HOURS: _HOURS,
    Tier.DAILY: _HOURS,
}

# What a contract may name instead.
SCHEDULES: dict[Retry, tuple[timedelta, ...]] = {
    Retry.QUICK: RETRIES[Tier.SECONDS],
    Retry.STEADY: RETRIES[Tier.MINUTES],
    Retry.PATIENT: RETRIES[Tier.HOURS],
    Retry.NEVER: (),
}

# From accepted to proven, kept with the tiers. The hours tier counts business hours, which only a
# calendar can add up; here stands the plain length.
BUDGETS: dict[Tier, timedelta] = BUDGET

# How far a wait may move either way, so that a thousand outcomes that failed together do not come
# back together.
SPREAD = 0.2
SPREAD_TIERS = frozenset({Tier.SECONDS, Tier.MINUTES})

LONGEST_RETRY_AFTER = timedelta(hours=1)
FREE_OF_CHARGE_WITHIN = timedelta(hours=1)

REQUEST_TIMEOUT, CONFLICT, TOO_EARLY, TOO_MANY, UNAVAILABLE = 408, 409, 425, 429, 503
NO_TIME = timedelta(0)


def next_attempt(
    tier: Tier,
    attempts: int,
    *,
    failed_at: datetime,
    jitter: float,
    retry_after: timedelta | None = None,
    schedule: Retry | None = None,
) -> datetime | None:
    """When to try again, in UTC; None when it is time to give up. A `schedule` of its own counts
    instead of the tier's.

    `attempts` counts those used up, the one that just failed included; it is 0 while only free ones
    failed (see `uses_up_attempt`). `jitter` is a number from -1 to 1. `retry_after` is what the
    other side asked for: never earlier than that, as long as it asks for no more than an hour.
    Raises ValueError on a time without an offset, a negative count, or a jitter out of its range.
    """
    if attempts < 0:
        raise ValueError("Attempts are counted from 0.")
    if not -1 <= jitter <= 1:
        raise ValueError("Jitter is a number from -1 to 1.")
    waits, step = waits_of(tier, schedule), max(attempts - 1, 0)
    if step >= len(waits):
        return None
    wait = waits[step]
    if tier in SPREAD_TIERS:
        wait *= 1 + SPREAD * jitter
    return _utc(failed_at) + max(wait, min(retry_after or NO_TIME, LONGEST_RETRY_AFTER))


def waits_of(tier: Tier, schedule: Retry | None = None) -> tuple[timedelta, ...]:
    """The wait after each failed attempt."""
    return SCHEDULES[schedule] if schedule else RETRIES[tier]


def is_retryable(status: int, *, told_to_retry: bool = False) -> bool:
    """Whether the same request may succeed later. A call without a status is the caller's to judge.

    A conflict is worth repeating only when the other side says so (`told_to_retry`): otherwise it
    will conflict again.
    """
    if status == CONFLICT:
        return told_to_retry
    return status in {REQUEST_TIMEOUT, TOO_EARLY, TOO_MANY} or 500 <= status <= 599


def uses_up_attempt(status: int, *, first_failed_at: datetime, failed_at: datetime) -> bool:
    """Whether a failure counts against the attempts.

    "Too many requests" and "unavailable" say nothing about this request, so they are free for the
    first hour after the first failure. Raises ValueError on a time without an offset.
    """
    failing_for = _utc(failed_at) - _utc(first_failed_at)
    return status not in {TOO_MANY, UNAVAILABLE} or failing_for >= FREE_OF_CHARGE_WITHIN


def parse_retry_after(value: str, *, now: datetime) -> timedelta | None:
    """A Retry-After header as a wait from `now`: seconds or an HTTP date (RFC 9110 §10.2.3).

    A moment that is past means no wait; anything unreadable is None, never an error. The wait is
    not capped here: `next_attempt` does that.
    """
    value = value.strip(" \t")
    if re.fullmatch(r"[0-9]{1,10}", value):
        return timedelta(seconds=int(value))
    moment = _http_date(value)
    return None if moment is None else max(moment - _utc(now), NO_TIME)


# The three forms of RFC 9110 §5.6.7, all of them in GMT. The mail parser alone would also take zone
# names and offsets, and guess at much else.
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} [1-9]\d{3} \d{2}:\d{2}:\d{2} GMT"
    r"|[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} [1-9]\d{3}",
    re.ASCII,
)


def _http_date(value: str) -> datetime | None:
    if not _HTTP_DATE.fullmatch(value):
        return None
    try:
        return parsedate_to_datetime(value).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return None


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("A time needs an offset; without one it is a guess.")
    return moment.astimezone(UTC)
