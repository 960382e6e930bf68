"""Numbers as values: what a stretch of hours comes to, and whether another one was different.

Up to EXACT events a median is exact; of more it is read from a histogram, within 5 %. Either way it
is of exactly the rows that a number leads to.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import CharField, F, FloatField, Value
from django.db.models.functions import Cast

from meshline.web import words
from reconciliation import histograms, rollups
from reconciliation.histograms import ENOUGH, Histogram
from reconciliation.models import Passage
from reconciliation.numbers.number import CUTS, How, Number
from reconciliation.rollups import Within

EXACT = 1_000


@dataclass(frozen=True)
class Measured:
    """A number over some hours, of `n` rows; spans are in seconds, and sorted where exact."""

    number: Number
    histogram: Histogram
    spans: Sequence[float] | None = None

    @property
    def n(self) -> int:
        return self.histogram.n

    @property
    def is_exact(self) -> bool:
        return self.number.how is not How.SPAN or self.spans is not None

    @property
    def value(self) -> float | None:
        """The count, the share in percent, the mean, or the median in seconds; None of nothing."""
        if self.number.how is How.COUNT:
            return self.n
        if not self.n:
            return None
        if self.number.how is How.SHARE:
            return 100 * self.histogram.part / self.n
        if self.number.how is How.MEAN:
            return self.histogram.total / self.n
        return self.quantile(0.5)

    @property
    def p95(self) -> float | None:
        """Of fewer than 20 it says nothing."""
        is_told = self.number.how is How.SPAN and self.n >= ENOUGH
        return self.quantile(0.95) if is_told else None

    @property
    def total(self) -> float:
        return self.histogram.total

    def quantile(self, share: float) -> float | None:
        if self.spans is None:
            return self.histogram.quantile(share)
        return self.spans[histograms.rank(len(self.spans), share) - 1] if self.spans else None

    @property
    def spread(self) -> tuple[float, float] | None:
        """Between which two values the middle half lies."""
        if self.number.how is not How.SPAN or not self.n:
            return None
        return self.quantile(0.25) or 0.0, self.quantile(0.75) or 0.0

    @property
    def certain(self) -> tuple[float, float] | None:
        """Between which two values the true one lies, in 95 of 100 cases; None of a count."""
        if not self.n or self.number.how is How.COUNT:
            return None
        if self.number.how is How.SHARE:
            low, high = histograms.around_share(self.histogram.part, self.n)
            return 100 * low, 100 * high
        if self.number.how is How.MEAN:
            return self._around_mean()
        low, high = histograms.around_median(self.n)
        return self.quantile(low) or 0.0, self.quantile(high) or 0.0

    def _around_mean(self) -> tuple[float, float]:
        """A bucket of a mean is the number of acts itself."""
        mean = self.histogram.total / self.n
        squares = sum(n * (bucket - mean) ** 2 for bucket, n in self.histogram.counts.items())
        reach = 1.96 * sqrt(squares) / self.n
        return mean - reach, mean + reach

    # --- In words ----------------------------------------------------------------------------
    @property
    def text(self) -> str:
        return told(self.number, self.value)

    @property
    def p95_text(self) -> str:
        return told(self.number, self.p95)

    @property
    def spread_text(self) -> str:
        return " – ".join(told(self.number, one) for one in self.spread or ())

    @property
    def how_read(self) -> str:
        """Whether it is exact, in words."""
        return "exact" if self.is_exact else f"from a histogram, {histograms.PRECISION}"


@dataclass(frozen=True)
class Change:
    """What became of a number since another time: in words, and whether that is good."""

    text: str
    tone: str = "neutral"


def told(number: Number, value: float | None) -> str:
    """A value of this number as people say it."""
    if value is None:
        return "—"
    if number.how is How.SPAN:
        return span(value)
    if number.how is How.SHARE:
        return f"{value:.1f} %"
    return f"{value:.1f}" if number.how is How.MEAN else f"{value:,.0f}"


def span(seconds: float) -> str:
    """A length of time; below an hour to the second, so that legs are seen to sum."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if 1 <= minutes < 60 and left:
        return f"{minutes} m {left} s"
    return words.span(timedelta(seconds=round(seconds)))


def change(now: Measured, before: Measured, *, since: str) -> Change:
    """Whether `now` differs from `before`; nothing is called a change that may be chance."""
    if now.number.how is How.COUNT:
        more = now.n - before.n
        return Change(f"{more:+,}, from {before.n:,} {since}" if more else f"as many as {since}")
    if min(now.n, before.n) < ENOUGH:
        return Change(f"too few to say (n {now.n}, {since} {before.n})")
    (low, high), (low_then, high_then) = now.certain or (0, 0), before.certain or (0, 0)
    if low <= high_then and low_then <= high:
        return Change(f"no clear change against {before.text} {since}")
    value, then = now.value or 0.0, before.value or 0.0
    is_better = (value > then) is now.number.more_is_better
    word, tone = ("better", "ok") if is_better else ("worse", "warn")
    return Change(f"{word} than {before.text} {since} (n {before.n:,})", tone)


# --- Read ------------------------------------------------------------------------------------
@dataclass
class Found:
    """Numbers by key, and an empty one where there is nothing."""

    by_number: dict[str, dict[str, Measured]] = field(default_factory=dict)

    def of(self, number: Number, key: str = "") -> Measured:
        nothing = Measured(number, Histogram())
        return self.by_number.get(number.name, {}).get(key, nothing)

    def keys(self) -> list[str]:
        return sorted({key for found in self.by_number.values() for key in found})


def measure(numbers: Iterable[Number], within: Within, cut: str = "all") -> Found:
    """These numbers over these hours, whole or by what `cut` tells apart."""
    numbers = list(numbers)
    read = rollups.read(numbers, within, cut)
    exact = _exact([one for one in numbers if _is_few(read.get(one.name, {}))], within, cut)
    return Found({
        number.name: {
            key: Measured(number, found, exact.get((number.name, key)))
            for key, found in read.get(number.name, {}).items()
        }
        for number in numbers
    })  # fmt: skip


def _is_few(found: dict[str, Histogram]) -> bool:
    return 0 < sum(one.n for one in found.values()) <= EXACT


def _exact(numbers: list[Number], within: Within, cut: str) -> dict[tuple[str, str], list[float]]:
    """The spans of these numbers themselves, in their order, in one query."""
    spans = [number for number in numbers if number.how is How.SPAN]
    if not spans:
        return {}
    column = CUTS[cut]
    key = Cast(F(column), CharField()) if column else Value("", output_field=CharField())
    rows = Passage.objects.within(within.since, within.until)
    if within.team is not None:
        rows = rows.filter(team=within.team or None)
    measured = {
        f"n{place}": ArrayAgg(Cast(number.measured, FloatField()), filter=number.of, default=[])
        for place, number in enumerate(spans)
    }
    found = rows.order_by().annotate(cut_key=key).values("cut_key").annotate(**measured)
    return {
        (number.name, row["cut_key"]): sorted(row[f"n{place}"])
        for row in found for place, number in enumerate(spans)
    }  # fmt: skip


Series = list[tuple[datetime, Measured]]


def series(number: Number, within: Within) -> Series:
    """One number step by step: hours of up to two days, days of more; empty ones as well."""
    by_hour = within.length <= timedelta(days=2)
    step = rollups.HOUR if by_hour else rollups.DAY
    found = rollups.series(number, within, by_hour=by_hour)
    at = within.since if by_hour else rollups.day_of(within.since)
    made: dict[datetime, Measured] = defaultdict(lambda: Measured(number, Histogram()))
    while at < within.until:
        made[at] = Measured(number, found.get(at, Histogram()))
        at += step
    return sorted(made.items())
