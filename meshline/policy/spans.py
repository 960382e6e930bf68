"""Spans of business time as people write and read them: "90", "30 min", "4 h", "1 h 30 min"."""

import re

# A working year of 52 weeks at 40 hours; a calendar finds any moment within two years of its own.
LONGEST = 52 * 40 * 60
TOO_SHORT = "Give it at least one business minute."
TOO_LONG = "This is longer than a working year (2080 h); write a shorter span."
UNREADABLE = "Write business minutes or hours, such as 90, 4 h or 1 h 30 min."

_SPAN = re.compile(r"(?:([0-9]{1,6}) ?h)? ?(?:([0-9]{1,7}) ?(?:m|min)?)?")


def words(minutes: int) -> str:
    """Such as "30 min", "4 h" or "1 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest)) or "0 min"


def read(text: str) -> int:
    """The minutes that were written. Raises ValueError with a sentence when they cannot be read."""
    found = _SPAN.fullmatch(" ".join(text.lower().split()))
    if not found or not any(found.groups()):
        raise ValueError(UNREADABLE)
    hours, minutes = (int(part or 0) for part in found.groups())
    return hours * 60 + minutes


def refusal(minutes: int) -> str:
    """Why nothing can be agreed on so many minutes; empty where it can."""
    if minutes < 1:
        return TOO_SHORT
    return TOO_LONG if minutes > LONGEST else ""
