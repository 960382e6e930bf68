"""How what was open burns down: pure, from its stretches and the moments that are asked about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Stretch:
    """From when to when (None: still) something was open, and over how much."""

    opened_at: datetime
    settled_at: datetime | None
    amount: Decimal
    currency: str

    def is_open(self, at: datetime) -> bool:
        return self.opened_at <= at and (self.settled_at is None or self.settled_at > at)


@dataclass(frozen=True)
class Sum:
    """So many, and how much of each currency."""

    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """What was open at a moment, and what was settled since the one before."""

    at: datetime
    open: Sum
    settled: Sum


@dataclass(frozen=True)
class Progress:
    """Of all that was open then or came since: how much is settled, how much is left."""

    all: Sum
    settled: Sum
    left: Sum

    @property
    def percent(self) -> int:
        return 100 * self.settled.count // self.all.count if self.all.count else 100


def added(stretches: Iterable[Stretch]) -> Sum:
    """These together, currency by currency."""
    amounts: dict[str, Decimal] = {}
    count = 0
    for one in stretches:
        count += 1
        amounts[one.currency] = amounts.get(one.currency, Decimal(0)) + one.amount
    return Sum(count, dict(sorted(amounts.items())))


def progress(stretches: Sequence[Stretch], *, since: datetime) -> Progress:
    """What became of what was open at `since` or came later."""
    all_of = [one for one in stretches if one.settled_at is None or one.settled_at > since]
    settled = [one for one in all_of if one.settled_at is not None]
    left = [one for one in all_of if one.settled_at is None]
    return Progress(added(all_of), added(settled), added(left))


def down(stretches: Sequence[Stretch], moments: Sequence[datetime]) -> list[Point]:
    """What was open at each of these moments, the earliest first."""
    points, before = [], None
    for at in moments:
        settled = [
            one
            for one in stretches
            if before is not None and one.settled_at is not None and before < one.settled_at <= at
        ]
        points.append(Point(at, added(one for one in stretches if one.is_open(at)), added(settled)))
        before = at
    return points
