"""One line a ratio: ours, the limit beside it, and what is to be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratio:
    """`ours` ÷ `limit`; `at_least` or `at_most` is the target of the product's promises."""

    name: str
    ours: float
    limit: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def value(self) -> float:
        return self.ours / self.limit

    @property
    def reached(self) -> bool:
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.at_most is None or self.value <= self.at_most

    def line(self) -> str:
        target = f"≥ {self.at_least}" if self.at_least is not None else f"≤ {self.at_most}"
        verdict = "reached" if self.reached else "MISSED"
        return (
            f"{self.name:<46} {self.value:6.2f}  ({target}, {verdict})"
            f"   ours {self.ours:,.1f} {self.unit}, limit {self.limit:,.1f} {self.unit}"
        )


def medians(run: Callable[[], list[Ratio]], times: int = 3) -> list[Ratio]:
    """Run a bench a few times and keep each ratio's median run."""
    runs = [run() for _ in range(times)]
    return [_middle(list(same)) for same in zip(*runs, strict=True)]


def _middle(same: list[Ratio]) -> Ratio:
    middle = median(ratio.value for ratio in same)
    return min(same, key=lambda ratio: abs(ratio.value - middle))
