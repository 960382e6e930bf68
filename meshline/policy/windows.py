"""Working windows as people type them and as a calendar keeps them: read, checked, written.

A window is (weekday, opens, closes): 0 is Monday, times are "HH:MM" in the calendar's zone, and
"24:00" is the end of the day.
"""

import re
from collections.abc import Iterable, Sequence

Window = tuple[int, str, str]

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# Enough for a day of half hours; what is longer is a mistake or an attack.
MOST_A_DAY = 24
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
# What people type: 9-12, 9:00 – 12:30.
_SPAN = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?\s*[-–—]\s*([0-9]{1,2})(?::([0-9]{2}))?")


class WindowError(Exception):
    """Windows that cannot be, in a sentence."""


def read(weekday: int, words: str) -> list[Window]:
    """One day's windows, such as "9-12, 13:00-17:30"; none for a day that is free."""
    spans = [span.strip() for span in re.split(r"[,;\n]", words) if span.strip()]
    _check_number(weekday, len(spans))
    found = sorted(_window(weekday, span) for span in spans)
    check(found)
    return found


def write(windows: Iterable[Sequence], weekday: int) -> str:
    """One day's windows as `read` takes them."""
    return ", ".join(f"{opens}-{closes}" for day, opens, closes in windows if day == weekday)


def check(windows: Iterable[Window]) -> None:
    """Raise WindowError unless each is a span of its day and none overlaps another."""
    number, last = 0, (-1, "")
    for weekday, opens, closes in sorted(windows):
        if not (_TIME.fullmatch(opens) and _TIME.fullmatch(closes) and opens < closes):
            raise WindowError(
                f"{opens}-{closes} on {DAYS[weekday]}: write 09:00-17:00, the earlier time first, "
                "up to 24:00."
            )
        if (weekday, opens) < last:
            raise WindowError(f"Two windows overlap on {DAYS[weekday]}.")
        number = number + 1 if weekday == last[0] else 1
        _check_number(weekday, number)
        last = (weekday, closes)


def _check_number(weekday: int, number: int) -> None:
    if number > MOST_A_DAY:
        raise WindowError(f"At most {MOST_A_DAY} windows a day, also on {DAYS[weekday]}.")


def _window(weekday: int, span: str) -> Window:
    found = _SPAN.fullmatch(span)
    if not found:
        shown = span if len(span) < 40 else f"{span[:40]}…"
        raise WindowError(f"“{shown}” is no span of the day; write 09:00-17:00.")
    opens_hour, opens_minute, closes_hour, closes_minute = found.groups("00")
    return weekday, f"{opens_hour:0>2}:{opens_minute}", f"{closes_hour:0>2}:{closes_minute}"
