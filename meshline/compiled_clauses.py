"""Conditions for who puts one event to hundreds of them: what `answer` says, in less time.

Operators are looked up and values folded once for a condition, texts once for an event. Pure.
"""

import operator
from collections.abc import Callable
from typing import Any

from meshline.clauses import OPERATORS, Cel, Clause, Condition, Facts, Not, Together

# Called with `folded(facts)` and the facts themselves.
Test = Callable[[Facts, Facts], bool | None]


def compiled(condition: Condition) -> Test:
    """The condition as a function; what it says is what `answer` says."""
    if isinstance(condition, Together):
        return _together(condition.word, tuple(map(compiled, condition.parts)))
    if isinstance(condition, Not):
        return _opposite(compiled(condition.part))
    if isinstance(condition, Cel):
        answer = condition.answer
        return lambda folded, facts: answer(facts)
    return _clause(condition)


def folded(facts: Facts) -> dict[str, Any]:
    """Facts without regard to capitals, and without what nobody told."""
    return {name: _fold(value) for name, value in facts.items() if value not in (None, "")}


def _together(word: str, parts: tuple[Test, ...]) -> Test:
    stops = word != "all"

    def test(folded: Facts, facts: Facts) -> bool | None:
        answer: bool | None = not stops
        for part in parts:
            found = part(folded, facts)
            if found is stops:
                return stops
            if found is None:
                answer = None
        return answer

    return test


def _opposite(part: Test) -> Test:
    def test(folded: Facts, facts: Facts) -> bool | None:
        found = part(folded, facts)
        return None if found is None else not found

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
