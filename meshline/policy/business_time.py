"""Business time: pure arithmetic over working windows, in a zone, around holidays.

Everything is stepped in UTC: a window's ends are local wall times converted to instants first, so
that an hour lost or gained by daylight saving is an hour lost or gained, never a wrong deadline.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# How the end of a day is written as a local time; the instant meant is a microsecond later.
_LAST = timedelta(microseconds=1)
# Two years without one working minute means the calendar has none.
_HORIZON_DAYS = 731


class NoBusinessTime(Exception):
    """A calendar in which no working minute can be found."""


@dataclass(frozen=True)
class Hours:
    """A calendar's facts: windows per weekday (0 is Monday) as local times, and days off."""

    zone: str
    windows: tuple[tuple[int, time, time], ...]
    holidays: frozenset[date] = field(default_factory=frozenset)


def add(start: datetime, minutes: int, hours: Hours) -> datetime:
    """The instant (UTC) at which `minutes` of business time have passed since `start`.

    Friday 16:30 plus 60 minutes is Monday 09:30 with Monday to Friday 09:00 to 17:00.
    Raises NoBusinessTime when the calendar has no working minute within two years.
    """
    left = timedelta(minutes=minutes)
    for opens, closes in _windows_from(start, hours):
        begins = max(opens, start)
        if begins + left <= closes:
            return begins + left
        left -= max(closes - begins, timedelta())
    raise NoBusinessTime("This calendar has no working hours; give it at least one window.")


def between(start: datetime, end: datetime, hours: Hours) -> timedelta:
    """How much business time lies between two instants; zero when `end` is not after `start`."""
    total = timedelta()
    for opens, closes in _windows_from(start, hours):
        if opens >= end:
            break
        total += max(min(closes, end) - max(opens, start), timedelta())
    return total


def windows(start: datetime, end: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """The working windows between two instants, cut to them, in order and without empty ones."""
    for opens, closes in _windows_from(start, hours):
        if opens >= end:
            return
        closes += _LAST if closes.microsecond == time.max.microsecond else timedelta()
        begins, ends = max(opens, start), min(closes, end)
        if begins < ends:
            yield begins, ends


def _windows_from(start: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """Working windows as instants, in order, from the local day before `start` on."""
    zone = ZoneInfo(hours.zone)
    first = start.astimezone(zone).date() - timedelta(days=1)
    for offset in range(_HORIZON_DAYS):
        day = first + timedelta(days=offset)
        if day in hours.holidays:
            continue
        for weekday, opens, closes in sorted(hours.windows):
            if weekday == day.weekday():
                begins, ends = _instant(day, opens, zone), _instant(day, closes, zone)
                if ends > start:
                    yield begins, ends


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local wall time as an instant; 00:00 as a window's end is written as 23:59:59.999999."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
