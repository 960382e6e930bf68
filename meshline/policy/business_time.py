"""Business time: pure arithmetic over working windows, in a zone, around holidays.

Everything is stepped in UTC: a window's ends are local wall times converted to instants first, so
that an hour lost or gained by daylight saving is an hour lost or gained, never a wrong deadline.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# How the end of a day is written as a local time; the instant meant is a microsecond later.
_LAST = timedelta(microseconds=1)
# Two years without one working minute means the calendar has none.
_HORIZON_DAYS = 731
_DAY = timedelta(days=1)


class NoBusinessTime(Exception):
    """A calendar in which no working minute can be found."""


@dataclass(frozen=True)
class Hours:
    """A calendar's facts: windows per weekday (0 is Monday) as local times, and days off."""

    zone: str
    windows: tuple[tuple[int, time, time], ...]
    holidays: frozenset[date] = field(default_factory=frozenset)


def add(start: datetime, span: int | timedelta, hours: Hours) -> datetime:
    """The instant (UTC) at which a span of business time has passed since `start`: minutes, or an
    exact one.

    Friday 16:30 plus 60 minutes is Monday 09:30 with Monday to Friday 09:00 to 17:00.
    Raises NoBusinessTime when the calendar has no working minute within two years.
    """
    left = span if isinstance(span, timedelta) else timedelta(minutes=span)
    for opens, closes in _windows_from(start, hours):
        begins = max(opens, start)
        if begins + left <= closes:
            return begins + left
        left -= max(closes - begins, timedelta())
    raise NoBusinessTime("This calendar has no working hours; give it at least one window.")


def between(start: datetime, end: datetime, hours: Hours) -> timedelta:
    """How much business time lies between two instants; zero when `end` is not after `start`."""
    total = timedelta()
    for begins, ends in windows(start, end, hours):
        total += ends - begins
    return total


def days_between(start: datetime, end: datetime, hours: Hours) -> int:
    """How many working days began after the day of `start`, up to that of `end`."""
    zone = ZoneInfo(hours.zone)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    works = {weekday for weekday, _, _ in hours.windows}
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return sum(day.weekday() in works and day not in hours.holidays for day in days)


def windows(start: datetime, end: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """The working windows between two instants, cut to them, in order and without empty ones."""
    for opens, closes in _windows_from(start, hours):
        if opens >= end:
            return
        # Compared in place: half of a long span's time went into max() and min().
        begins = opens if opens > start else start
        ends = closes if closes < end else end
        if begins < ends:
            yield begins, ends


def _windows_from(start: datetime, hours: Hours) -> Iterator[tuple[datetime, datetime]]:
    """Working windows as instants, in order, from the local day before `start` on."""
    days = _days_of(hours)
    day = start.astimezone(ZoneInfo(hours.zone)).date() - _DAY
    for _ in range(_HORIZON_DAYS):
        for begins, ends in days[day]:
            if ends > start:
                yield begins, ends
        day += _DAY


class _Days(dict[date, tuple[tuple[datetime, datetime], ...]]):
    """Each local day's windows, in order, made when it is first asked for: a page asks for the same
    days for each of its rows."""

    def __init__(self, hours: Hours) -> None:
        self._hours, self._zone = hours, ZoneInfo(hours.zone)

    def __missing__(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        self[day] = made = tuple(self._made(day))
        return made

    def _made(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if day in self._hours.holidays:
            return
        for weekday, opens, closes in sorted(self._hours.windows):
            if weekday == day.weekday():
                yield _instant(day, opens, self._zone), _end(day, closes, self._zone)


# By the calendar once, not by each of its days: to compare two calendars takes longer than a day.
_days_of = lru_cache(maxsize=256)(_Days)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local wall time as an instant."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _end(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant at which a window ends; with the day, where it is written as 23:59:59.999999."""
    return _instant(day, at, zone) + (_LAST if at == time.max else timedelta())
