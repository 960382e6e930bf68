"""How far two systems' values of one field may be apart and count as equal: pure."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
MOST_PERCENT, MOST_DAYS = Decimal(50), Decimal(31)


class Near(StrEnum):
    """How two values are compared; the values stand in the operating model file."""

    EXACT = "exact"
    SPACING = "case_and_spaces"
    DAYS = "days"
    PERCENT = "percent"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def is_measured(self) -> bool:
        """Whether it takes a number."""
        return self in _MOST

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(near.value, near.label) for near in cls]


_LABELS = {
    Near.EXACT: "Exactly equal",
    Near.SPACING: "But for case and spaces",
    Near.DAYS: "Some days apart",
    Near.PERCENT: "Some percent apart",
}
_MOST = {Near.DAYS: MOST_DAYS, Near.PERCENT: MOST_PERCENT}


@dataclass(frozen=True)
class Tolerance:
    """What counts as equal; `by` is how many days or percent."""

    near: Near = Near.EXACT
    by: Decimal = Decimal(0)

    def __str__(self) -> str:
        if self.near is Near.DAYS:
            return f"± {self.by.normalize():f} days"
        if self.near is Near.PERCENT:
            return f"± {self.by.normalize():f} %"
        return self.near.label.lower()

    @property
    def refusal(self) -> str:
        """Why it cannot be, as a sentence; empty when it can."""
        if not self.near.is_measured:
            return f"“{self.near.label}” takes no number." if self.by else ""
        most = _MOST[self.near]
        if not self.by.is_finite() or not 0 < self.by <= most:
            return f"The tolerance is more than 0 and at most {most} {self.near.value}."
        if self.near is Near.DAYS and self.by != self.by.to_integral_value():
            return "The tolerance is a whole number of days."
        if self.by != self.by.quantize(Decimal("0.01")):
            return "The tolerance has at most two digits behind the point."
        return ""

    @property
    def written(self) -> str:
        """As the operating model file has it: "exact", "3 days"."""
        return f"{self.by.normalize():f} {self.near}" if self.near.is_measured else self.near.value


EXACT = Tolerance()


def read(text: str) -> Tolerance | None:
    """What `written` wrote; None for what says nothing of the kind."""
    number, _, name = text.strip().rpartition(" ")
    if name not in set(Near) or (number and not _NUMBER.fullmatch(number)):
        return None
    return Tolerance(Near(name), Decimal(number or 0))
