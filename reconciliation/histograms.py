"""Spans in buckets of a steady ratio, and what can be said of them then. Pure.

Each bucket reaches 10 % further than the one before, so that whatever is read from one lies within
5 % of the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, exp, floor, log, sqrt

RATIO = 1.1
LEAST = 0.001
# Of fewer a 95th percentile says nothing, nor does a change.
ENOUGH = 20
PRECISION = "within 5 %"


def bucket_of(seconds: float) -> int:
    return floor(log(max(seconds, LEAST)) / log(RATIO))


def middle(bucket: int) -> float:
    """The seconds that a bucket stands for; the lowest one stands for nothing at all."""
    return 0.0 if bucket <= bucket_of(LEAST) else exp((bucket + 0.5) * log(RATIO))


@dataclass
class Histogram:
    """How many fell into each bucket, and what was measured in all."""

    counts: dict[int, int] = field(default_factory=dict)
    total: float = 0.0

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def part(self) -> int:
        """Of a share: how many did."""
        return self.counts.get(1, 0)

    def add(self, bucket: int, n: int, total: float) -> None:
        self.counts[bucket] = self.counts.get(bucket, 0) + n
        self.total += total

    def quantile(self, share: float) -> float | None:
        """The seconds that so large a share took at most, by the nearest rank."""
        left = rank(self.n, share)
        for bucket, n in sorted(self.counts.items()):
            left -= n
            if left <= 0:
                return middle(bucket)
        return None

    def quantiles(self, shares: Iterable[float]) -> list[float | None]:
        return [self.quantile(share) for share in shares]


def rank(n: int, share: float) -> int:
    """Which of n in their order stands for this share of them."""
    return max(1, ceil(round(n * share, 9)))


def around_median(n: int) -> tuple[float, float]:
    """Between which shares of n the true median lies, in 95 of 100 cases."""
    reach = 0.98 / sqrt(n)
    return max(0.0, 0.5 - reach), min(1.0, 0.5 + reach)


def around_share(part: int, n: int) -> tuple[float, float]:
    """Between which shares the true one lies, in 95 of 100 cases (after Wilson)."""
    z, share = 1.96, part / n
    center, whole = share + z * z / (2 * n), 1 + z * z / n
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (center - reach) / whole, (center + reach) / whole


def of(rows: Iterable[tuple[int, int, float]]) -> Histogram:
    """A histogram of (bucket, n, total)."""
    made = Histogram()
    for bucket, n, total in rows:
        made.add(bucket, n, total)
    return made
