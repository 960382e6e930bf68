"""Conditions as people build them: clauses of field, operator and value, joined by and, or, not.

Pure: no database, no clock. A condition is read from JSON against a catalogue of fields, told as a
sentence, and judged against facts with each clause's own verdict. In JSON it is one of

    {"field": "amount", "op": "at_least", "value": "50000"}
    {"all": [...]}, {"any": [...]}, {"not": {...}}
    {"cel": "amount >= 50000.0 && source == 'quotes'"}

and an empty "all" holds always. What nobody told (None) makes a clause false, but for "is blank".
An expression that cannot be worked out answers None; what hangs on its answer does not hold, and
neither does its opposite.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from meshline import expressions, sentences
from meshline.expressions import ExpressionError

# Generous for people, and an end to everything else.
MOST_CLAUSES = 50
DEEPEST = 5
LONGEST_VALUE = 300
MOST_VALUES = 100
# Powers of ten a number is written in: with 1e-999999999 written out, a sentence fills the memory.
MOST_POWERS = 20
_BY_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)


class ClauseError(Exception):
    """A condition that cannot be, in a sentence, and where: "2.1" is its second part's first."""

    def __init__(self, sentence: str, place: str = "") -> None:
        super().__init__(sentence)
        self.place = place


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    FLAG = "flag"


@dataclass(frozen=True)
class Field:
    """Something a clause may ask about; `choices` are all its possible values, by label.

    `so` and `not_so` say a flag in words, as in "the owner is present".
    """

    label: str
    kind: Kind = Kind.TEXT
    choices: Mapping[str, str] = field(default_factory=dict)
    so: str = ""
    not_so: str = ""

    def __str__(self) -> str:
        """Inside a sentence."""
        return f"the {sentences.inside(self.label)}"


Fields = Mapping[str, Field]
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Operator:
    """A question: in words, how many values it takes, of which kinds of field, and its answer."""

    words: str
    kinds: frozenset[Kind]
    holds: Callable[[Any, Any], bool]
    # "one", "many" or "none".
    takes: str = "one"


@dataclass(frozen=True)
class Verdict:
    """What became of a condition: whether it held, in words, and the value that was seen."""

    sentence: str
    held: bool
    seen: str = ""
    parts: tuple["Verdict", ...] = ()


_TEXT, _ORDERED = frozenset({Kind.TEXT}), frozenset({Kind.NUMBER, Kind.MOMENT})
_ANY = frozenset(Kind)
OPERATORS: dict[str, Operator] = {
    "is": Operator("is", _ANY - {Kind.MOMENT}, lambda seen, value: _same(seen) == _same(value)),
    "is_not": Operator(
        "is not", _ANY - {Kind.MOMENT}, lambda seen, value: _same(seen) != _same(value)
    ),
    "is_one_of": Operator(
        "is one of", _TEXT, lambda seen, values: _same(seen) in map(_same, values), "many"
    ),
    "is_none_of": Operator(
        "is none of", _TEXT, lambda seen, values: _same(seen) not in map(_same, values), "many"
    ),
    "contains": Operator("contains", _TEXT, lambda seen, value: _same(value) in _same(seen)),
    "starts_with": Operator(
        "starts with", _TEXT, lambda seen, value: _same(seen).startswith(_same(value))
    ),
    "ends_with": Operator(
        "ends with", _TEXT, lambda seen, value: _same(seen).endswith(_same(value))
    ),
    "at_least": Operator("is at least", _ORDERED, lambda seen, value: seen >= value),
    "at_most": Operator("is at most", _ORDERED, lambda seen, value: seen <= value),
    "more_than": Operator("is more than", _ORDERED, lambda seen, value: seen > value),
    "less_than": Operator("is less than", _ORDERED, lambda seen, value: seen < value),
    "is_blank": Operator("is blank", _ANY, lambda seen, _: not _is_told(seen), "none"),
    "is_told": Operator("is filled in", _ANY, lambda seen, _: _is_told(seen), "none"),
}
_MOMENT_WORDS = {
    "at_least": "is at or after", "at_most": "is at or before", "more_than": "is after",
    "less_than": "is before",
}  # fmt: skip


# --- Conditions -----------------------------------------------------------------------------------
class Answering:
    """What every condition does: it holds where its answer is yes, not where there is none."""

    def answer(self, facts: Facts) -> bool | None:
        raise NotImplementedError

    def holds(self, facts: Facts) -> bool:
        return self.answer(facts) is True


@dataclass(frozen=True)
class Clause(Answering):
    """One question about one field, with its value ready to be compared."""

    field: str
    op: str
    value: Any
    raw: Any
    about: Field

    def answer(self, facts: Facts) -> bool:
        seen, operator = facts.get(self.field), OPERATORS[self.op]
        if operator.takes != "none" and not _is_told(seen):
            return False
        return operator.holds(seen, self.value)

    def judge(self, facts: Facts) -> Verdict:
        return Verdict(str(self), self.answer(facts), shown(facts.get(self.field), self.about))

    def __str__(self) -> str:
        operator = OPERATORS[self.op]
        words = operator.words
        if self.about.kind is Kind.MOMENT:
            words = _MOMENT_WORDS.get(self.op, words)
        if operator.takes == "none":
            return f"{self.about} {words}"
        if self.about.so:
            return self.about.so if self.value is (self.op == "is") else self.about.not_so
        values = self.value if operator.takes == "many" else [self.value]
        return f"{self.about} {words} {' or '.join(_quoted(v, self.about) for v in values)}"

    def as_json(self) -> dict[str, Any]:
        asked = {"field": self.field, "op": self.op}
        return asked if OPERATORS[self.op].takes == "none" else {**asked, "value": self.raw}


@dataclass(frozen=True)
class Together(Answering):
    """Several conditions: all of them, or any."""

    word: str
    parts: tuple["Condition", ...]

    def answer(self, facts: Facts) -> bool | None:
        """What one part decides is so whatever the others are."""
        decides = self.word != "all"
        answers = {part.answer(facts) for part in self.parts}
        if decides in answers:
            return decides
        return None if None in answers else not decides

    def judge(self, facts: Facts) -> Verdict:
        parts = tuple(part.judge(facts) for part in self.parts)
        return Verdict(str(self), self.holds(facts), parts=parts)

    def __str__(self) -> str:
        if not self.parts:
            return "always"
        joined = " and " if self.word == "all" else " or "
        return joined.join(
            f"({part})" if isinstance(part, Together) and len(part.parts) > 1 else str(part)
            for part in self.parts
        )

    def as_json(self) -> dict[str, Any]:
        return {self.word: [part.as_json() for part in self.parts]}


@dataclass(frozen=True)
class Not(Answering):
    part: "Condition"

    def answer(self, facts: Facts) -> bool | None:
        found = self.part.answer(facts)
        return None if found is None else not found

    def judge(self, facts: Facts) -> Verdict:
        return Verdict(str(self), self.holds(facts), parts=(self.part.judge(facts),))

    def __str__(self) -> str:
        return f"not ({self.part})"

    def as_json(self) -> dict[str, Any]:
        return {"not": self.part.as_json()}


@dataclass(frozen=True)
class Cel(Answering):
    """The advanced clause, in the Common Expression Language; numbers are doubles there."""

    source: str
    names: tuple[str, ...]

    def answer(self, facts: Facts) -> bool | None:
        return expressions.answer(self.source, {name: facts.get(name) for name in self.names})

    def judge(self, facts: Facts) -> Verdict:
        seen = ", ".join(f"{name} {shown(facts.get(name))}" for name in self.names)
        found = self.answer(facts)
        said = f"{self._called}, which could not be worked out" if found is None else str(self)
        return Verdict(said, found is True, seen)

    @property
    def _called(self) -> str:
        return f"the expression {self.source}"

    def __str__(self) -> str:
        return f"{self._called} holds"

    def as_json(self) -> dict[str, Any]:
        return {"cel": self.source}


Condition = Clause | Together | Not | Cel
ALWAYS = Together("all", ())


# --- Reading --------------------------------------------------------------------------------------
def read(node: Any, fields: Fields) -> Condition:
    """The condition that this JSON says, with every field, operator and value checked.

    Raises ClauseError with the place and what would be right.
    """
    condition = _read(node, fields, "", 1)
    if _size(condition) > MOST_CLAUSES:
        raise ClauseError(f"At most {MOST_CLAUSES} clauses; split the rule.")
    if sum(1 for part in _flat(condition) if isinstance(part, Cel)) > 1:
        raise ClauseError("One expression a rule; join it with && or ||.")
    return condition


def operators_for(about: Field) -> dict[str, str]:
    """What may be asked about a field, in words."""
    return {
        name: _MOMENT_WORDS.get(name, one.words) if about.kind is Kind.MOMENT else one.words
        for name, one in OPERATORS.items()
        if about.kind in one.kinds
    }


def _read(node: Any, fields: Fields, place: str, depth: int) -> Condition:
    if depth > DEEPEST:
        raise ClauseError(f"At most {DEEPEST} levels of and, or, not.", place)
    if not isinstance(node, dict):
        raise ClauseError("Write a clause: a field, an operator and a value.", place)
    keys = set(node)
    if keys in ({"all"}, {"any"}):
        return _read_together(node, fields, place, depth)
    if keys == {"not"}:
        return Not(_read(node["not"], fields, place, depth + 1))
    if keys == {"cel"}:
        return _read_expression(node["cel"], fields, place)
    return _read_clause(node, fields, place)


def _read_together(node: dict[str, Any], fields: Fields, place: str, depth: int) -> Together:
    word, parts = next(iter(node.items()))
    if not isinstance(parts, list):
        raise ClauseError(f"“{word}” joins a list of clauses.", place)
    if len(parts) > MOST_CLAUSES:
        raise ClauseError(f"At most {MOST_CLAUSES} clauses; split the rule.", place)
    if word == "any" and not parts:
        raise ClauseError("“any” of nothing never holds; add a clause.", place)
    start = f"{place}." if place else ""
    read_parts = (
        _read(part, fields, f"{start}{number}", depth + 1)
        for number, part in enumerate(parts, start=1)
    )
    return Together(word, tuple(read_parts))


def _read_clause(node: dict[str, Any], fields: Fields, place: str) -> Clause:
    unknown = set(node) - {"field", "op", "value"}
    if unknown:
        raise ClauseError(f"A clause has no “{min(map(str, unknown))}”.", place)
    about = fields.get(node.get("field") or "") if isinstance(node.get("field"), str) else None
    if about is None:
        raise ClauseError(f"There is no field “{node.get('field')}”; choose {_or(fields)}.", place)
    op = node.get("op")
    allowed = operators_for(about)
    if not isinstance(op, str) or op not in allowed:
        raise ClauseError(f"{about.label} cannot be asked “{op}”; choose {_or(allowed)}.", place)
    raw = node.get("value")
    value = _value(raw, OPERATORS[op].takes, about, place)
    return Clause(node["field"], op, value, raw, about)


def _value(raw: Any, takes: str, about: Field, place: str) -> Any:
    if takes == "none":
        if raw not in (None, ""):
            raise ClauseError(f"Nothing is compared with {about} here; leave the value out.", place)
        return None
    if takes == "one":
        return _one_value(raw, about, place)
    values = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else raw
    if not isinstance(values, list) or not values or len(values) > MOST_VALUES:
        raise ClauseError(f"Write 1 to {MOST_VALUES} values for {about}, with commas.", place)
    return [_one_value(one, about, place) for one in values]


def _one_value(raw: Any, about: Field, place: str) -> Any:
    if about.kind is Kind.FLAG:
        return _flag(raw, about, place)
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if len(text) > LONGEST_VALUE:
        raise ClauseError(f"A value has at most {LONGEST_VALUE} characters.", place)
    if not text or not text.isprintable():
        raise ClauseError(f"Write what {about} is compared with.", place)
    if about.kind is Kind.NUMBER:
        return _number(text, about, place)
    if about.kind is Kind.MOMENT:
        return _moment(text, about, place)
    if about.choices and text not in about.choices:
        raise ClauseError(f"{about.label} is never “{text}”; choose {_or(about.choices)}.", place)
    return text


def _flag(raw: Any, about: Field, place: str) -> bool:
    if raw in (True, "true"):
        return True
    if raw in (False, "false"):
        return False
    raise ClauseError(f"{about.label} is true or false.", place)


def _number(text: str, about: Field, place: str) -> Decimal:
    try:
        # As amounts are shown everywhere: 25,000.00.
        number = Decimal(text.replace(",", "") if _BY_THOUSANDS.fullmatch(text) else text)
    except InvalidOperation:
        number = Decimal("NaN")
    power = number.as_tuple().exponent
    is_short = isinstance(power, int) and abs(power) <= MOST_POWERS
    if not text.isascii() or not is_short or abs(number) >= Decimal("1e16"):
        raise ClauseError(f"“{text}” is no number for {about}; write 1234.50 or 1,234.50.", place)
    return number


def _moment(text: str, about: Field, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ClauseError(
            f"“{text}” is no moment for {about}; write 2026-11-23T09:00+00:00.", place
        )
    return moment


def _read_expression(source: Any, fields: Fields, place: str) -> Cel:
    try:
        return Cel(*expressions.read(source, known=fields))
    except ExpressionError as error:
        raise ClauseError(str(error), place) from None


# --- Words and values -----------------------------------------------------------------------------
def shown(seen: Any, about: Field | None = None) -> str:
    """A value as a person reads it."""
    if not _is_told(seen):
        return "nothing"
    if isinstance(seen, bool):
        return "yes" if seen else "no"
    if isinstance(seen, datetime):
        return f"{seen:%Y-%m-%d %H:%M} UTC"
    if isinstance(seen, Decimal):
        return f"{seen:,f}"
    return about.choices.get(seen, str(seen)) if about else str(seen)


def _quoted(value: Any, about: Field) -> str:
    """A value inside a sentence: what somebody wrote stays as it is, a choice is a word of ours."""
    words = shown(value, about)
    if about.choices:
        return sentences.inside(words)
    return f"“{words}”" if about.kind is Kind.TEXT else words


def _same(value: Any) -> Any:
    """Texts without regard to capitals."""
    return value.casefold() if isinstance(value, str) else value


def _is_told(seen: Any) -> bool:
    return seen is not None and seen != ""


def _or(names: Any) -> str:
    return ", ".join(names)


def _flat(condition: Condition) -> list[Condition]:
    if isinstance(condition, Together):
        return [condition, *(one for part in condition.parts for one in _flat(part))]
    if isinstance(condition, Not):
        return [condition, *_flat(condition.part)]
    return [condition]


def _size(condition: Condition) -> int:
    return sum(1 for part in _flat(condition) if isinstance(part, Clause | Cel))
