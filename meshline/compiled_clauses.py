"""Conditions for who puts one event to hundreds of them: what `holds` says, in less time.

Operators are looked up and values folded once for a condition, texts once for an event. Pure.
"""

import operator
from collections.abc import Callable
from typing import Any

from meshline.clauses import OPERATORS, Cel, Clause, Condition, Facts, Not, Together

# Called with `folded(facts)` and the facts themselves.
Test = Callable[[Facts, Facts], bool]


def compiled(condition: Condition) -> Test:
    """The condition as a function; its verdict is that of `holds`."""
    if isinstance(condition, Together):
        return _together(condition.word, tuple(map(compiled, condition.parts)))
    if isinstance(condition, Not):
        part = compiled(condition.part)
        return lambda folded, facts: not part(folded, facts)
    if isinstance(condition, Cel):
        holds = condition.holds
        return lambda folded, facts: holds(facts)
    return _clause(condition)


def folded(facts: Facts) -> dict[str, Any]:
    """Facts without regard to capitals, and without what nobody told."""
    return {name: _fold(value) for name, value in facts.items() if value not in (None, "")}


def _together(word: str, parts: tuple[Test, ...]) -> Test:
    stops = word != "all"

    def test(folded: Facts, facts: Facts) -> bool:
        for part in parts:
            if part(folded, facts) is stops:
                return stops
        return not stops

    return test


def _clause(clause: Clause) -> Test:
    name, op = clause.field, clause.op
    if OPERATORS[op].takes == "none":
        is_told = op == "is_told"
        return lambda folded, facts: (name in folded) is is_told
    many = OPERATORS[op].takes == "many"
    value = frozenset(map(_fold, clause.value)) if many else _fold(clause.value)
    answer = _ANSWERS[op]
    return lambda folded, facts: name in folded and answer(folded[name], value)


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


# As clauses.OPERATORS, where both sides are folded already and several values are a set.
_ANSWERS: dict[str, Callable[[Any, Any], bool]] = {
    "is": operator.eq, "is_not": operator.ne,
    "is_one_of": lambda seen, values: seen in values,
    "is_none_of": lambda seen, values: seen not in values,
    "contains": operator.contains,
    "starts_with": str.startswith, "ends_with": str.endswith,
    "at_least": operator.ge, "at_most": operator.le,
    "more_than": operator.gt, "less_than": operator.lt,
}  # fmt: skip
