"""A path as a drawing: boxes and lines on a grid, measured here, drawn by a template. Pure.

Four columns: who may say it, the trigger, who gets it, who answers; then a row an outcome with its
gate, itself, its proof and its number; and at the end the way of what fails.
"""

import textwrap
from dataclasses import dataclass, field
from itertools import pairwise

COLUMN, GAP, ROW, HEIGHT = 236, 36, 96, 72
# With room for the lines of the outermost boxes.
WIDTH = 4 * COLUMN + 3 * GAP + 2
# Characters that fit on a line of a box, and lines under its name.
FITS, LINES = 34, 2


@dataclass(frozen=True)
class Box:
    """A box with its name, up to two lines of words, and how it looks."""

    x: int
    y: int
    name: str
    words: tuple[str, ...]
    look: str = ""
    whole: str = ""
    # Where its thing is changed or seen; empty where this person may not go there.
    url: str = ""

    @property
    def right(self) -> int:
        return self.x + COLUMN

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2

    @property
    def bottom(self) -> int:
        return self.y + HEIGHT


@dataclass(frozen=True)
class Line:
    """A line with an arrow at its end, as an SVG path."""

    way: str
    look: str = ""


@dataclass
class Picture:
    """Everything that is drawn, and how large it is."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    width: int = WIDTH
    height: int = 0


@dataclass(frozen=True)
class Said:
    """What a box is to say, how it stands ("gap", "off" or nothing), and where it leads."""

    name: str
    words: str
    look: str = ""
    url: str = ""


@dataclass(frozen=True)
class Row:
    """An outcome's row; without a gate the first column stays empty."""

    gate: Said | None
    outcome: Said
    proof: Said
    metric: Said


def draw(head: list[Said], rows: list[Row], failure: list[Said]) -> Picture:
    """`head` are the four boxes of the first row, `failure` those of the last, from column two."""
    picture = Picture()
    top = [_box(column, 0, said) for column, said in enumerate(head)]
    picture.boxes += top
    picture.lines += [_across(left, right) for left, right in pairwise(top)]
    outcomes = [_row(picture, number, row) for number, row in enumerate(rows, start=1)]
    trigger = top[1]
    picture.lines += [_down(trigger, box) for box in outcomes]
    if rows and failure:
        last = [_box(column, len(rows) + 1, said) for column, said in enumerate(failure, start=1)]
        picture.boxes += last
        picture.lines += [_across(a, b, "fails") for a, b in pairwise(last)]
        picture.lines += _failing(outcomes, last[0])
    picture.height = max(box.bottom for box in picture.boxes) + 2
    return picture


def _row(picture: Picture, number: int, row: Row) -> Box:
    outcome = _box(1, number, row.outcome)
    proof, metric = _box(2, number, row.proof), _box(3, number, row.metric)
    picture.boxes += [outcome, proof, metric]
    picture.lines += [_across(outcome, proof), _across(proof, metric)]
    if row.gate:
        gate = _box(0, number, row.gate)
        picture.boxes.append(gate)
        picture.lines.append(_across(gate, outcome))
    return outcome


def _box(column: int, row: int, said: Said) -> Box:
    return Box(
        x=column * (COLUMN + GAP) + 1, y=row * ROW + 1, name=said.name, words=wrap(said.words),
        look=said.look, whole=said.words, url=said.url,
    )  # fmt: skip


def wrap(words: str) -> tuple[str, ...]:
    """Words on at most two lines of a box; what does not fit ends with an ellipsis."""
    lines = textwrap.wrap(words, FITS, break_long_words=True) or [""]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"{lines[LINES - 1][: FITS - 1].rstrip()}…"]
    return tuple(lines)


def _across(left: Box, right: Box, look: str = "") -> Line:
    return Line(f"M{left.right} {left.middle}H{right.x - 3}", look)


def _down(trigger: Box, to: Box) -> Line:
    """From the trigger's foot along the left of the column into the outcome."""
    x = trigger.x - GAP // 2
    return Line(f"M{trigger.x + 12} {trigger.bottom}v8H{x}V{to.middle}H{to.x - 3}")


def _failing(outcomes: list[Box], to: Box) -> list[Line]:
    """One line along the right of the column to the failure path; each outcome's foot joins it."""
    x, first = to.right + GAP // 3, outcomes[0].bottom + 8
    joins = [Line(f"M{box.right - 24} {box.bottom}v8H{x}", "joins") for box in outcomes]
    return [*joins, Line(f"M{x} {first}V{to.y - 8}H{to.right - 24}V{to.y - 3}", "fails")]
