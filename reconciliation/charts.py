"""Charts as numbers on a grid, measured here and drawn by a template. Pure.

Every chart stands beside a table of the same values: it shows at a glance, the table says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 640, 180
# What a bar has at least, so that something short is still to be seen.
LEAST = 2.0
# Fewer columns than these are no wider.
FEW = 7


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    title: str = ""
    look: str = ""

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass
class Chart:
    """What is drawn: bars, a line through dots, and one across at what is promised."""

    bars: list[Bar] = field(default_factory=list)
    line: str = ""
    dots: list[tuple[float, float]] = field(default_factory=list)
    target: float | None = None
    top: float = 0.0
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Stretch:
    """A piece of a waterfall: how far from the beginning, and how long, in the same unit."""

    begins: float
    length: float
    look: str = ""
    title: str = ""


def waterfall(stretches: Sequence[Stretch | None], *, row: int = 28, width: int = 400) -> Chart:
    """Each stretch on a row of its own, where the one before ended; None keeps its row empty."""
    there = [one for one in stretches if one]
    whole = max((one.begins + one.length for one in there), default=0) or 1
    scale = (width - LEAST) / whole
    bars = [
        Bar(round(one.begins * scale, 1), place * row + 6, round(max(one.length * scale, LEAST), 1),
            row - 12, one.title, one.look)
        for place, one in enumerate(stretches) if one
    ]  # fmt: skip
    return Chart(bars=bars, width=width, height=row * len(stretches))


def columns(
    values: Sequence[float | None], titles: Sequence[str], *, target: float | None = None,
    top: float | None = None, marks: Sequence[float | None] = (),
) -> Chart:  # fmt: skip
    """A column a value, None where there is none, each with a mark over it where there is one;
    with a line across at what is promised."""
    highest = top or max([one for one in (*values, *marks) if one], default=0) or 1
    highest = max(highest, target or 0)
    each = WIDTH / max(len(values), FEW)
    bars = [
        _column(value / highest, place * each, each, title)
        for place, (value, title) in enumerate(zip(values, titles, strict=True))
        if value is not None
    ]
    line = " ".join(
        _mark(mark / highest, place * each, each)
        for place, mark in enumerate(marks) if mark is not None
    )  # fmt: skip
    across = None if target is None else _y(target / highest)
    return Chart(bars=bars, line=line, target=across, top=highest)


def pareto(counts: Sequence[int], titles: Sequence[str]) -> Chart:
    """Columns, the highest first, and how much of the whole they are together."""
    whole, each = sum(counts) or 1, WIDTH / max(len(counts), FEW)
    highest = max(counts, default=0) or 1
    bars = [_column(n / highest, place * each, each, title)
            for place, (n, title) in enumerate(zip(counts, titles, strict=True))]  # fmt: skip
    so_far, dots = 0, []
    for place, n in enumerate(counts):
        so_far += n
        dots.append((round((place + 0.5) * each, 1), _y(so_far / whole)))
    line = " ".join(f"{'L' if place else 'M'}{x} {y}" for place, (x, y) in enumerate(dots))
    return Chart(bars=bars, line=line, dots=dots, top=float(highest))


def _mark(share: float, x: float, each: float) -> str:
    bar = _column(share, x, each, "")
    return f"M{bar.x} {_y(share)}h{bar.width}"


def _column(share: float, x: float, each: float, title: str) -> Bar:
    height = max(share * (HEIGHT - 10), LEAST)
    gap = min(each * 0.2, 8)
    return Bar(round(x + gap / 2, 1), round(HEIGHT - height, 1), round(each - gap, 1),
               round(height, 1), title)  # fmt: skip


def _y(share: float) -> float:
    return round(HEIGHT - share * (HEIGHT - 10), 1)
