"""Quiet hours: when somebody is not to be told outside of Meshline, and when that ends.

Pure. A span begins on a weekday at a wall time in the person's zone and ends at another; one that
ends no later than it begins ends on the day after, such as 22:00 to 07:00.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_TIME = re.compile(r"(?:([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00)")
_DAY, _WEEK = 24 * 60, 7 * 24 * 60

# Weekday (0 is Monday), from, until: as they are kept.
Span = tuple[int, str, str]


class QuietError(Exception):
    """Quiet hours that cannot be, in a sentence, with the weekday (0 is Monday) it is about."""

    def __init__(self, sentence: str, weekday: int | None = None) -> None:
        super().__init__(sentence)
        self.weekday = weekday


@dataclass(frozen=True)
class Quiet:
    """Somebody's quiet hours and the zone they are meant in."""

    zone: str
    spans: tuple[Span, ...] = ()


def read(text: str) -> str:
    """A wall time as it is kept, such as "07:00". Raises QuietError when it is none."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        shown = text if len(text) < 20 else f"{text[:20]}…"
        raise QuietError(f"“{shown}” is no time of day; write it as 22:00.")
    return f"{int(found[1]):02}:{found[2]}" if found[1] else "24:00"


def check(spans: Iterable[Sequence]) -> list[Span]:
    """These spans in order. Raises QuietError unless each is one, and some time is left to tell."""
    known = sorted((int(day), str(starts), str(ends)) for day, starts, ends in spans)
    for weekday, starts, ends in known:
        _check_one(weekday, starts, ends)
    if _free_minutes(known) < 60:
        raise QuietError("Leave at least an hour of the week in which you can be told.")
    return known


def until(at: datetime, quiet: Quiet) -> datetime | None:
    """When the quiet that reigns at `at` ends (UTC); None when it does not reign.

    Spans that touch or overlap are one quiet.
    """
    end: datetime | None = None
    for starts, ends in _merged(_around(at, quiet)):
        if starts <= at < ends:
            end = ends
    return end


def _check_one(weekday: int, starts: str, ends: str) -> None:
    if not 0 <= weekday <= 6:
        raise QuietError("A weekday is 0 (Monday) to 6 (Sunday).")
    if starts == "24:00":
        raise QuietError("A day begins at 00:00; 24:00 is its end.", weekday)
    if read(starts) == read(ends):
        raise QuietError("It ends when it begins; for a whole day write 00:00 to 24:00.", weekday)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _length(starts: str, ends: str) -> int:
    """In minutes of the wall clock; beyond midnight where it ends no later than it begins."""
    length = _minutes(ends) - _minutes(starts)
    return length if length > 0 else length + _DAY


def _free_minutes(spans: list[Span]) -> int:
    """How much of a week of the wall clock is left without quiet."""
    taken: set[int] = set()
    for day, starts, ends in spans:
        begin = day * _DAY + _minutes(starts)
        taken.update(minute % _WEEK for minute in range(begin, begin + _length(starts, ends)))
    return _WEEK - len(taken)


def _around(at: datetime, quiet: Quiet) -> list[tuple[datetime, datetime]]:
    """Every span that begins from two days before to eight days after, as instants."""
    zone = ZoneInfo(quiet.zone)
    first = at.astimezone(zone).date() - timedelta(days=2)
    days = [first + timedelta(days=number) for number in range(11)]
    return sorted(
        (_instant(day, _minutes(starts), zone),
         _instant(day, _minutes(starts) + _length(starts, ends), zone))
        for day in days
        for weekday, starts, ends in quiet.spans
        if day.weekday() == weekday
    )  # fmt: skip


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """So many minutes of the wall clock after the day began there, in UTC."""
    days, rest = divmod(minutes, _DAY)
    at = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=zone)
    return (at + timedelta(days=days)).astimezone(UTC)


def _merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for starts, ends in spans:
        if merged and starts <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((starts, ends))
    return merged
