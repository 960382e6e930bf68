"""Numbers of the queue as values: each knows how many tickets it is of, and which words of the
queue's URL show exactly those."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from meshline.policy import spans

# Of fewer a 95th percentile says nothing.
ENOUGH = 20
Words = dict[str, Any]


@dataclass(frozen=True)
class Number:
    value: int | float | timedelta | None
    rows: int
    words: Words
    unit: str = "tickets"
    # Why there is none, where there could be one.
    why_not: str = ""

    @property
    def text(self) -> str:
        if self.value is None:
            return "—"
        if isinstance(self.value, timedelta):
            return _span(self.value)
        return f"{self.value:.0f} %" if self.unit == "%" else f"{self.value:,}"

    @property
    def raw(self) -> int | float | None:
        """For a program: a span in minutes."""
        if isinstance(self.value, timedelta):
            return round(self.value.total_seconds() / 60, 1)
        return self.value if self.value is None else round(self.value, 1)


@dataclass(frozen=True)
class Line:
    """One line of a table: what its numbers are of, by the names of the table's columns."""

    label: str
    numbers: dict[str, Number]
    sub: str = ""


@dataclass(frozen=True)
class Table:
    """Lines of the same numbers; with a bar behind each where they are parts of a whole."""

    title: str
    columns: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)

    @property
    def bars(self) -> list[tuple[Line, int]]:
        """Each line with how long the bar of its first number is, in percent of the longest."""
        lengths = [line.numbers[self.columns[0]].rows for line in self.lines]
        most = max(lengths, default=0) or 1
        return [(line, round(100 * n / most)) for line, n in zip(self.lines, lengths, strict=True)]


@dataclass(frozen=True)
class Times:
    """How often it came to that, of how many it is known how long it took, and how long."""

    rows: int = 0
    measured: int = 0
    median: timedelta | None = None
    p95: timedelta | None = None

    def numbers(self, name: str, words: Words) -> dict[str, Number]:
        unit, few = "business minutes", f"shown from {ENOUGH} tickets on"
        p95, why_not = (None, few) if self.measured < ENOUGH else (self.p95, "")
        return {
            name: Number(self.rows, self.rows, words),
            f"{name}: median": Number(self.median, self.rows, words, unit),
            f"{name}: p95": Number(p95, self.rows, words, unit, why_not),
        }


def share(part: int, whole: int, words: Words) -> Number:
    """How many of a hundred; the rows are the part."""
    if not whole:
        return Number(None, part, words, "%", "there is nothing yet to compare with")
    return Number(100 * part / whole, part, words, "%")


def _span(took: timedelta) -> str:
    minutes = round(took.total_seconds() / 60)
    return spans.words(minutes) if minutes or not took else "< 1 min"
