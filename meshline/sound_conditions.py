"""Conditions that somebody writes now: beyond what can be read, whether they can say anything.

Pure. What was kept is only read (`clauses.read`); what is about to be kept is read here: an
expression must be a yes or no, nothing may contradict what stands beside it, and a value must be
one that its field can have.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, combinations, product
from math import prod
from typing import Any

from meshline import clauses, trial_expressions
from meshline.clauses import (
    OPERATORS,
    Cel,
    Clause,
    ClauseError,
    Condition,
    Fields,
    Kind,
    Not,
    Together,
)
from meshline.expressions import ExpressionError

# By a field's name, the values it can have; a field that is not there may have any.
Known = Mapping[str, Collection[str]]
Placed = tuple[str, Clause]
Way = tuple[Clause, ...]

_SAMPLES: dict[Kind, Sequence[Any]] = {
    Kind.TEXT: ["text", "1", "1s", "2026-01-01T00:00:00Z"],
    Kind.NUMBER: [1.0, -1e12, 1e12],
    Kind.MOMENT: [datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)],
    Kind.FLAG: [True, False],
}
_LOWER, _UPPER = ("at_least", "more_than"), ("at_most", "less_than")
# What is filled in answers yes to exactly one of the two.
_OPPOSITES = {
    "is": "is_not", "is_not": "is", "is_one_of": "is_none_of", "is_none_of": "is_one_of",
    "at_least": "less_than", "less_than": "at_least", "at_most": "more_than",
    "more_than": "at_most", "is_blank": "is_told", "is_told": "is_blank",
}  # fmt: skip
MOST_WAYS = 64
_NAMING = ("is", "is_not", "is_one_of", "is_none_of")


def read(node: Any, fields: Fields, known: Known | None = None) -> Condition:
    """The condition that this JSON says, if it can say anything. Raises ClauseError."""
    condition = clauses.read(node, fields)
    parts = list(_parts(condition, ""))
    for place, part in parts:
        if isinstance(part, Cel):
            _check_expression(part, fields, place)
        elif isinstance(part, Clause):
            _check_value(part, known or {}, place)
        elif isinstance(part, Together):
            _refuse_contradiction(list(_joined(part, place)))
    # The innermost first: it is nearest to what was written wrong.
    for place, part in reversed(parts):
        if can_never_hold(part):
            raise ClauseError("This never holds: its parts contradict each other.", place)
    return condition


def can_never_hold(condition: Condition) -> bool:
    """Whether each of the ways in which it could hold contradicts itself, where that is certain;
    of what has too many ways it is not asked."""
    try:
        ways = _ways(condition, holds=True)
    except _TooManyWays:
        return False
    return all(
        any(a.field == b.field and _exclude(a, b) for a, b in combinations(way, 2)) for way in ways
    )


def unknown_values(condition: Condition, known: Known) -> list[str]:
    """What it asks for that its field can no longer have."""
    return [
        value
        for _, part in _parts(condition, "")
        if isinstance(part, Clause)
        for value in _unknown(part, known)
    ]


# --- Walking --------------------------------------------------------------------------------------
def _parts(condition: Condition, place: str) -> Iterator[tuple[str, Condition]]:
    """The condition and all within it, each with its place as in ClauseError."""
    yield place, condition
    if isinstance(condition, Together):
        for at, part in _numbered(condition, place):
            yield from _parts(part, at)
    elif isinstance(condition, Not):
        yield from _parts(condition.part, place)


def _joined(condition: Condition, place: str) -> Iterator[Placed]:
    """The clauses that must all hold for it to hold."""
    if isinstance(condition, Clause):
        yield place, condition
    elif isinstance(condition, Together) and (condition.word == "all" or len(condition.parts) == 1):
        for at, part in _numbered(condition, place):
            yield from _joined(part, at)


def _numbered(group: Together, place: str) -> Iterator[tuple[str, Condition]]:
    start = f"{place}." if place else ""
    return ((f"{start}{number}", part) for number, part in enumerate(group.parts, start=1))


# --- The ways in which it holds -------------------------------------------------------------------
class _TooManyWays(Exception):
    """More than anybody waits for."""


def _ways(condition: Condition, *, holds: bool) -> list[Way]:
    """Each of them by the clauses that all answer yes in it; so it holds, or fails.

    What cannot be said as a clause, such as an expression, is left out: it may be either.
    """
    if isinstance(condition, Not):
        return _ways(condition.part, holds=not holds)
    if isinstance(condition, Clause):
        return [(condition,)] if holds else _ways_to_fail(condition)
    if not isinstance(condition, Together):
        return [()]
    parts = [_ways(part, holds=holds) for part in condition.parts]
    is_joined = (condition.word == "all") is holds
    if (prod if is_joined else sum)(map(len, parts)) > MOST_WAYS:
        raise _TooManyWays
    if is_joined:
        return [tuple(chain.from_iterable(some)) for some in product(*parts)]
    return list(chain.from_iterable(parts))


def _ways_to_fail(clause: Clause) -> list[Way]:
    """The opposite is told, or nothing is: what is blank answers no to every comparison."""
    opposite = _OPPOSITES.get(clause.op)
    if opposite is None:
        return [()]
    failing = replace(clause, op=opposite)
    if OPERATORS[clause.op].takes == "none":
        return [(failing,)]
    return [(failing,), (replace(clause, op="is_blank", value=None, raw=None),)]


# --- Checking -------------------------------------------------------------------------------------
def _check_expression(part: Cel, fields: Fields, place: str) -> None:
    samples = {
        name: list(fields[name].choices) or _SAMPLES[fields[name].kind] for name in part.names
    }
    try:
        trial_expressions.check(part.source, samples)
    except ExpressionError as error:
        raise ClauseError(str(error), place) from None


def _check_value(clause: Clause, known: Known, place: str) -> None:
    if unknown := _unknown(clause, known):
        there = ", ".join(sorted(known[clause.field])) or "none yet"
        sentence = f"{clause.about.label} is never “{unknown[0]}”; there is {there}."
        raise ClauseError(sentence, place)


def _unknown(clause: Clause, known: Known) -> list[str]:
    if clause.field not in known or clause.op not in _NAMING:
        return []
    there = {value.casefold() for value in known[clause.field]}
    return [value for value in _values(clause) if value.casefold() not in there]


def _refuse_contradiction(joined: list[Placed]) -> None:
    for (_, first), (place, second) in combinations(joined, 2):
        if first.field == second.field and _exclude(first, second):
            raise ClauseError(f"This never holds together with “{first}”.", place)


def _exclude(one: Clause, other: Clause) -> bool:
    """Whether no value answers both, where that is certain."""
    return any(
        _is_blank_and_told(a, b) or _names_what_fails(a, b) or _is_beyond(a, b)
        for a, b in ((one, other), (other, one))
    )


def _is_blank_and_told(blank: Clause, other: Clause) -> bool:
    return blank.op == "is_blank" and other.op != "is_blank"


def _names_what_fails(named: Clause, other: Clause) -> bool:
    """Whether none of the values that the one names answers the other."""
    values = _values(named) if named.op in ("is", "is_one_of") else _opposite(named)
    holds = OPERATORS[other.op].holds
    return bool(values) and not any(holds(value, other.value) for value in values)


def _is_beyond(lower: Clause, upper: Clause) -> bool:
    if lower.op not in _LOWER or upper.op not in _UPPER:
        return False
    meets = lower.op == "at_least" and upper.op == "at_most"
    return bool(lower.value > upper.value or (lower.value == upper.value and not meets))


def _opposite(clause: Clause) -> list[Any]:
    """A flag that is not one is the other."""
    is_flag = clause.op == "is_not" and clause.about.kind is Kind.FLAG
    return [not clause.value] if is_flag else []


def _values(clause: Clause) -> list[Any]:
    return clause.value if OPERATORS[clause.op].takes == "many" else [clause.value]
