"""What the page of a calendar shows: a month, day by day, and the calendar's words."""

import calendar as weeks
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from meshline.policy import calendars, public_holidays, windows
from meshline.policy.calendars import DayOff
from meshline.policy.models import BusinessCalendar

WEEKDAYS = [name.capitalize() for name in windows.DAYS]
_FIRST = date(public_holidays.FIRST_YEAR, 1, 1)
_LAST = date(public_holidays.LAST_YEAR, 12, 1)
# Of its changes, so many are shown.
_LATEST = 10


@dataclass(frozen=True)
class Day:
    """One day of the month: worked in these windows, off by a name, or free as every week."""

    day: date
    windows: tuple[str, ...]
    off: DayOff | None
    is_today: bool

    @property
    def is_worked(self) -> bool:
        return bool(self.windows) and self.off is None


@dataclass(frozen=True)
class Month:
    """A month in weeks from Monday on; a place of a week that is no day of it is None."""

    first: date
    weeks: list[list[Day | None]]
    before: str
    after: str
    is_this: bool

    @property
    def days_worked(self) -> int:
        return sum(1 for week in self.weeks for day in week if day and day.is_worked)


def today(found: BusinessCalendar, at: datetime) -> date:
    """The day it is where these people work."""
    return at.astimezone(ZoneInfo(found.zone)).date()


def month_asked(words: str, *, otherwise: date) -> date:
    """The first day of "2026-04"; what is no month between 2000 and 2100 is the present one."""
    try:
        first = date.fromisoformat(f"{words}-01")
    except ValueError:
        first = otherwise
    asked = first if first.strftime("%Y-%m") == words else otherwise
    return min(max(asked.replace(day=1), _FIRST), _LAST)


def month(found: BusinessCalendar, first: date, *, now: date) -> Month:
    """Every day of a month as the deadlines see it."""
    off = {one.day: one for one in calendars.days_off(found, first.year)}
    rows = weeks.Calendar().monthdatescalendar(first.year, first.month)
    return Month(
        first=first,
        weeks=[
            [_day(found, day, off, now) if day.month == first.month else None for day in row]
            for row in rows
        ],
        before=_step(first, -1),
        after=_step(first, 1),
        is_this=(first.year, first.month) == (now.year, now.month),
    )


def hours_in_words(found: BusinessCalendar) -> Iterator[tuple[str, list[str]]]:
    """Each weekday with its windows."""
    for weekday, name in enumerate(WEEKDAYS):
        yield name, list(_spans(found, weekday))


def _day(found: BusinessCalendar, day: date, off: dict[date, DayOff], now: date) -> Day:
    return Day(day, tuple(_spans(found, day.weekday())), off.get(day), day == now)


def _spans(found: BusinessCalendar, weekday: int) -> Iterator[str]:
    for day, opens, closes in sorted(found.windows):
        if day == weekday:
            yield f"{opens}–{closes}"


def _step(first: date, months: int) -> str:
    """The month before or after, as its URL says it; empty where there is none."""
    number = first.year * 12 + first.month - 1 + months
    there = date(number // 12, number % 12 + 1, 1)
    return there.strftime("%Y-%m") if _FIRST <= there <= _LAST else ""


def changes(found: BusinessCalendar, user: User, **wanted: Any) -> list[timeline.Entry]:
    """The latest changes of it that this person may see; `wanted` says which."""
    about = {"subject_kind": "businesscalendar", "subject_id": str(found.pk)}
    lines = TrailLine.objects.newest_first().filter(**about, **wanted)
    reach = scope(user, Permission.SEE_TRAIL)
    seen = trail_filters.within(lines, user, reach)[:_LATEST]
    return timeline.read(seen, masked=reach is Scope.MASKED, opens=trail_filters.opens(user))
