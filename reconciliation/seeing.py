"""Numbers as a dashboard shows them: each with its rows, its formula, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciliation import measuring, objectives
from reconciliation.asking import Asked, rows_url
from reconciliation.measuring import Change, Measured
from reconciliation.models import Baseline
from reconciliation.numbers.number import Number
from reconciliation.objectives import Promise
from reconciliation.rollups import Within


@dataclass(frozen=True)
class Cell:
    """One number over one stretch of hours."""

    measured: Measured
    url: str
    promise: Promise | None = None

    @property
    def number(self) -> Number:
        return self.measured.number

    @property
    def is_kept(self) -> bool | None:
        """Whether what was promised is so; None where nothing is, or too few to say."""
        return self.promise.is_kept_by(self.measured) if self.promise else None


@dataclass(frozen=True)
class Tile:
    """A number in large, beside what it was before."""

    cell: Cell
    before: Change
    baseline: Change | None


@dataclass(frozen=True)
class Line:
    """A line of a table: what its numbers are of."""

    key: str
    label: str
    cells: dict[str, Cell] = field(default_factory=dict)


def tiles(numbers: Iterable[Number], asked: Asked, baseline: Within | None) -> list[Tile]:
    """These numbers now, in the time right before it, and against the baseline."""
    numbers = list(numbers)
    now, before = (measuring.measure(numbers, one) for one in (asked.within, asked.within.before))
    then = measuring.measure(numbers, baseline) if baseline else None
    return [
        Tile(
            Cell(now.of(one), rows_url(one.name, asked.within)),
            measuring.change(now.of(one), before.of(one), since="before"),
            measuring.change(now.of(one), then.of(one), since="at the baseline") if then else None,
        )
        for one in numbers
    ]


def table(
    numbers: Iterable[Number], asked: Asked, cut: str, labels: dict[str, str], *,
    promised: objectives.Promises | None = None,
) -> list[Line]:  # fmt: skip
    """These numbers by what `cut` tells apart, in the order of `labels`; others under their key."""
    numbers = list(numbers)
    found = measuring.measure(numbers, asked.within, cut)
    keys = sorted(found.keys(), key=lambda key: (_place(labels, key), key))
    return [
        Line(key, labels.get(key, key), {
            one.name: Cell(
                found.of(one, key), rows_url(one.name, asked.within, **{cut: key}),
                (promised or {}).get((key, one.name)),
            )
            for one in numbers
        })
        for key in keys
    ]  # fmt: skip


def _place(labels: dict[str, str], key: str) -> int:
    return list(labels).index(key) if key in labels else len(labels)


def baseline_for(within: Within) -> Within | None:
    """The hours of the baseline, for the same team; None where none is agreed on."""
    row = Baseline.objects.first()
    if row is None:
        return None
    since, until = objectives.hours_of(row)
    return Within(since, until, within.team)


def as_rows(series: measuring.Series) -> list[dict[str, Any]]:
    """A chart's values for the table beside it, the newest first, where there is anything."""
    return [{"at": at, "measured": one} for at, one in reversed(series) if one.n]
