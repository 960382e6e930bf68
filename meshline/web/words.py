"""Moments and spans as people say them. Pure: the present moment is always handed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Tone = Literal["danger", "warn", "ok", "info", "neutral"]

MINUTE, HOUR, DAY = 60, 3600, 86400
# Longer ago than this, a date says more than a number of days.
_RELATIVE_WITHIN = 7 * DAY
# Without a known start, a deadline is near when this little is left.
_NEAR = timedelta(minutes=30)
# With a known start, it is near when this much of the time is used up.
_MOSTLY_USED = 0.8


@dataclass(frozen=True)
class Sla:
    """A deadline in words, with the tone and icon that say the same."""

    text: str
    tone: Tone
    icon: str


def absolute(moment: datetime) -> str:
    """A moment, already in the reader's zone, to the second and with that zone's name."""
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M:%S %Z}"


def day_and_time(moment: datetime) -> str:
    """A moment, already in the reader's zone, as short as a table cell wants it."""
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def weekday_and_time(moment: datetime) -> str:
    """A moment of these days, already in the reader's zone: "Thu 3 Dec, 13:00"."""
    return f"{moment:%a} {moment.day} {moment:%b, %H:%M}"


def stretch(starts: datetime, ends: datetime) -> str:
    """From a moment to another, both in the reader's zone; a day that they share is said once."""
    first = weekday_and_time(starts)
    if starts.date() == ends.date():
        return f"{first} – {ends:%H:%M}"
    return f"{first} – {weekday_and_time(ends)}"


def relative(moment: datetime, *, now: datetime) -> str | None:
    """Such as "3 min ago" or "in 2 h"; None when it is over a week away and a date says more."""
    seconds = int((moment - now).total_seconds())
    away = abs(seconds)
    if away > _RELATIVE_WITHIN:
        return None
    if away < 5:
        return "just now"
    words = _coarse(away)
    return f"in {words}" if seconds > 0 else f"{words} ago"


def span(length: timedelta) -> str:
    """A length of time to its two largest parts: "45 s", "35 m", "2 h 10 m", "3 d 4 h"."""
    seconds = int(abs(length.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} m"
    if seconds < DAY:
        return _two(seconds // HOUR, "h", seconds % HOUR // MINUTE, "m")
    return _two(seconds // DAY, "d", seconds % DAY // HOUR, "h")


def sla(
    due: datetime | None, *, now: datetime, started: datetime | None = None, paused: str = "",
    stopped: bool = False, late: str = "",
) -> Sla:  # fmt: skip
    """How a deadline stands: overdue, near, far, paused (why, in words), or none at all.

    `late` is by how much, where that is not counted by the wall's clock. What was `stopped` before
    its deadline cannot be overdue, however long ago that was.
    """
    if due is None:
        return Sla("No deadline", "neutral", "clock")
    if late or (now >= due and not stopped):
        return Sla(f"Overdue {late or span(now - due)}", "danger", "alert-triangle")
    if paused:
        return Sla(f"Paused: {paused}", "neutral", "clock-pause")
    near = _is_near(due, now, started)
    return Sla(f"Due in {span(due - now)}", "warn" if near else "info", "clock")


def _coarse(seconds: int) -> str:
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return f"{seconds // HOUR} h"
    days = seconds // DAY
    return "1 day" if days == 1 else f"{days} days"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def _is_near(due: datetime, now: datetime, started: datetime | None) -> bool:
    if started is None or started >= due:
        return due - now <= _NEAR
    return (now - started) / (due - started) >= _MOSTLY_USED
