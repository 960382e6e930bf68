"""Weeks of the Monday checklist: their names, when each is due, what changed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from meshline.policy.business_time import Hours

# Where the company works on no Monday.
_OTHERWISE = time(9)
# Longer than that, and what the list brings up needs work of its own.
DEBT_FROM = 60
MINUTES_MOST = 600


@dataclass(frozen=True)
class Change:
    """Of two lists of evidence: what is new in the later one, what is gone, what is there still."""

    new: list[Mapping[str, Any]]
    gone: list[Mapping[str, Any]]
    still: list[Mapping[str, Any]]


def named(at: datetime, hours: Hours) -> str:
    """The week of that moment by the company's clock: "2026-W10"."""
    year, week, _ = at.astimezone(ZoneInfo(hours.zone)).date().isocalendar()
    return f"{year}-W{week:02}"


def monday(week: str) -> date:
    """The day it begins. Raises ValueError for what names no week."""
    year, _, number = week.partition("-W")
    if len(year) != 4 or len(number) != 2 or not (year + number).isascii():
        raise ValueError(week)
    return date.fromisocalendar(int(year), int(number), 1)


def due_at(week: str, hours: Hours) -> datetime:
    """Monday, at the hour at which the company begins to work."""
    return _begins(monday(week), hours)


def overdue_at(week: str, hours: Hours) -> datetime:
    """Tuesday at that hour: by then somebody has signed it."""
    return _begins(monday(week) + timedelta(days=1), hours)


def compared(before: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> Change:
    """What is the same thing is told by its reference, whatever is said of it."""
    then, rows = {row["ref"]: row for row in before}, list(now)
    here = {row["ref"] for row in rows}
    return Change(
        [row for row in rows if row["ref"] not in then],
        [row for ref, row in then.items() if ref not in here],
        [row for row in rows if row["ref"] in then],
    )


def suggested(opened_at: datetime | None, at: datetime) -> int:
    """How many minutes it took, as far as is known: from opening it to now, at least one."""
    if opened_at is None:
        return 1
    return min(max(1, round((at - opened_at).total_seconds() / 60)), MINUTES_MOST)


def _begins(day: date, hours: Hours) -> datetime:
    opens = sorted(opens for weekday, opens, _ in hours.windows if weekday == day.weekday())
    return datetime.combine(day, opens[0] if opens else _OTHERWISE, tzinfo=ZoneInfo(hours.zone))
