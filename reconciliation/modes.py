"""Failure modes for a dashboard: which open most tickets, and how soon they are in hand and put
right. The numbers are the queue's own, each with the queue's rows."""

from collections.abc import Callable
from dataclasses import dataclass

from exceptions.figures import Line, Number, Table
from exceptions.numbers import ACKNOWLEDGED, MINUTES, OPEN, OPENED, RATE, RESOLVED, Numbers
from reconciliation import charts
from reconciliation.charts import Chart

# More columns than these nobody reads.
MOST = 12
UrlOf = Callable[[Number], str]
Linked = tuple[Number, str]


@dataclass(frozen=True)
class Mode:
    """One failure mode: how often, how much of all together with those above it, how soon."""

    label: str
    opened: Linked
    together: int
    acknowledged: Linked
    acknowledged_p95: Linked
    resolved: Linked
    resolved_p95: Linked
    reopened: Linked


@dataclass(frozen=True)
class Modes:
    """All of a time's failure modes, and the tickets as they stand."""

    open: Linked
    minutes: Linked
    rows: list[Mode]
    chart: Chart
    ages: list[tuple[str, Linked]]
    causes: Table


def of(numbers: Numbers, url_of: UrlOf) -> Modes:
    lines = [line for line in numbers.modes.lines if line.numbers[OPENED].rows]
    whole, so_far, rows = sum(_opened(line) for line in lines) or 1, 0, []
    for line in lines:
        so_far += _opened(line)
        rows.append(_mode(line, round(100 * so_far / whole), url_of))
    first = lines[:MOST]
    return Modes(
        open=_linked(numbers.whole, OPEN, url_of),
        minutes=_linked(numbers.whole, MINUTES, url_of),
        rows=rows,
        chart=charts.pareto([_opened(line) for line in first], [name_of(line) for line in first]),
        ages=[(line.label, _linked(line, OPEN, url_of)) for line in numbers.open[0].lines],
        causes=numbers.causes,
    )


def name_of(line: Line) -> str:
    return f"{line.label}: {line.sub}" if line.sub else line.label


def _opened(line: Line) -> int:
    return line.numbers[OPENED].rows


def _mode(line: Line, together: int, url_of: UrlOf) -> Mode:
    names = (OPENED, f"{ACKNOWLEDGED}: median", f"{ACKNOWLEDGED}: p95", f"{RESOLVED}: median",
             f"{RESOLVED}: p95", RATE)  # fmt: skip
    opened, *others = (_linked(line, name, url_of) for name in names)
    return Mode(name_of(line), opened, together, *others)


def _linked(line: Line, name: str, url_of: UrlOf) -> Linked:
    return line.numbers[name], url_of(line.numbers[name])
