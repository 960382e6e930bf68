"""A condition as rows of a form: field, operator and value, in groups of all, any or none.

A row's names are its place in the tree: "c.2.1.field" is the field of the second group's first row.
What was typed stays as it was typed, also where it cannot be a condition.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshline import clauses
from meshline.clauses import OPERATORS, Condition, Fields, Kind

ROOT = "c"
# How a group joins its rows.
JOINS = {"all": "All of these hold", "any": "Any of these holds", "none": "None of these holds",
         "not-all": "Not all of these hold"}  # fmt: skip
# Chosen as the field of a row whose value is an expression.
CEL = "cel"
# More rows than a condition may have are not even read.
MOST_ROWS = clauses.MOST_CLAUSES + 10
_CHILD = re.compile(r"(\d{1,3})\.(?:join|field)")


@dataclass
class Row:
    """One clause as typed."""

    place: str
    field: str = ""
    op: str = ""
    value: str = ""
    error: str = ""
    # What is offered, filled in for the page.
    about: clauses.Field | None = None
    operators: Mapping[str, str] | None = None

    is_group = False

    @property
    def is_cel(self) -> bool:
        return self.field == CEL

    @property
    def op_words(self) -> str:
        return OPERATORS[self.op].words if self.op in OPERATORS else self.op

    @property
    def takes_value(self) -> bool:
        return self.op not in OPERATORS or OPERATORS[self.op].takes != "none"

    @property
    def choices(self) -> Mapping[str, str]:
        """All the values there are, where one of them is asked for."""
        if self.about is None or (self.op in OPERATORS and OPERATORS[self.op].takes != "one"):
            return {}
        return {"true": "yes", "false": "no"} if self._is_flag else self.about.choices

    @property
    def hint(self) -> str:
        """What a value looks like."""
        if self.is_cel:
            return "amount >= 50000.0 && source == 'quotes'"
        if self.about and self.about.choices:
            return ", ".join(self.about.choices)
        many = self.op in OPERATORS and OPERATORS[self.op].takes == "many"
        if many:
            return "several, with commas"
        return "50000" if self.about and self.about.kind is Kind.NUMBER else ""

    def as_json(self) -> dict[str, Any]:
        if self.is_cel:
            return {"cel": self.value}
        asked: dict[str, Any] = {"field": self.field, "op": self.op}
        if not self.takes_value:
            return asked
        is_word = self._is_flag and self.value in ("true", "false")
        return {**asked, "value": self.value == "true" if is_word else self.value}

    @property
    def _is_flag(self) -> bool:
        return self.about is not None and self.about.kind is Kind.FLAG


@dataclass
class Group:
    """Rows, and groups of rows, joined by one word."""

    place: str
    join: str = "all"
    parts: list["Row | Group"] = field(default_factory=list)
    error: str = ""

    is_group = True

    @property
    def is_root(self) -> bool:
        return self.place == ROOT

    def as_json(self, *, whole: bool = False) -> dict[str, Any]:
        """The condition; `whole` keeps groups of one, so that places are those of the form."""
        parts = [part.as_json(whole=whole) if isinstance(part, Group) else part.as_json()
                 for part in self.parts]  # fmt: skip
        word = "all" if self.join in ("all", "not-all") else "any"
        joined = {word: parts} if whole or len(parts) != 1 else parts[0]
        return {"not": joined} if self.join in ("none", "not-all") else joined


# --- Reading and showing --------------------------------------------------------------------------
def read(data: Mapping[str, Any], fields: Fields) -> Group:
    """What was typed; never refused."""
    left = [MOST_ROWS]
    tree = _group(data, ROOT, left, depth=1)
    return offered(tree, fields)


def blank(fields: Fields) -> Group:
    """One row to begin with."""
    return offered(Group(ROOT, parts=[Row(f"{ROOT}.1")]), fields)


def of(condition: Condition, fields: Fields) -> Group:
    """A condition as a form shows it."""
    shown = _shown(condition.as_json(), ROOT)
    tree = shown if isinstance(shown, Group) else Group(ROOT, parts=[_shown_row(condition)])
    return offered(numbered(tree), fields)


def offered(tree: Group, fields: Fields) -> Group:
    """With what each row may choose."""
    for row in rows(tree):
        row.about = fields.get(row.field)
        row.operators = clauses.operators_for(row.about) if row.about else _EVERY
    return tree


def rows(tree: Group) -> Iterator[Row]:
    for part in tree.parts:
        if isinstance(part, Group):
            yield from rows(part)
        else:
            yield part


def put_error(tree: Group, place: str, sentence: str) -> bool:
    """Put a refusal where it belongs: "2.1" is the second group's first row."""
    here: Row | Group = tree
    for step in filter(None, place.split(".")):
        number = int(step) if step.isascii() and step.isdigit() else 0
        if not isinstance(here, Group) or not 0 < number <= len(here.parts):
            break
        here = here.parts[number - 1]
    here.error = sentence
    return here is not tree


def find_blank(tree: Group) -> Row | None:
    """The first row of which nothing is chosen."""
    return next((row for row in rows(tree) if not row.field), None)


# --- Acts on the form -------------------------------------------------------------------------
def act(tree: Group, asked: str) -> None:
    """Add a row or a group, or take one away: "add:c.2", "group:c", "drop:c.2.1"."""
    verb, _, place = asked.partition(":")
    found = _find(tree, place)
    if verb in ("add", "group") and isinstance(found, Group) and _has_room(tree):
        row = Row("")
        found.parts.append(Group("", "any", [row]) if verb == "group" else row)
    elif verb == "drop":
        _drop(tree, place)
    numbered(tree)


def numbered(tree: Group) -> Group:
    """Every part's place as it stands now."""
    for number, part in enumerate(tree.parts, start=1):
        part.place = f"{tree.place}.{number}"
        if isinstance(part, Group):
            numbered(part)
    return tree


def _has_room(tree: Group) -> bool:
    return sum(1 for _ in rows(tree)) < clauses.MOST_CLAUSES


def _find(tree: Group, place: str) -> "Row | Group | None":
    if tree.place == place:
        return tree
    for part in tree.parts:
        if part.place == place:
            return part
        if isinstance(part, Group) and place.startswith(f"{part.place}."):
            return _find(part, place)
    return None


def _drop(tree: Group, place: str) -> None:
    """A group that is left without a row goes as well."""
    tree.parts = [part for part in tree.parts if part.place != place]
    for part in tree.parts:
        if isinstance(part, Group):
            _drop(part, place)
    tree.parts = [part for part in tree.parts if not isinstance(part, Group) or part.parts]


# --- Underneath -------------------------------------------------------------------------------
_EVERY = {name: one.words for name, one in OPERATORS.items()}


def _group(data: Mapping[str, Any], place: str, left: list[int], depth: int) -> Group:
    join = str(data.get(f"{place}.join", "all"))
    group = Group(place, join if join in JOINS else "all")
    start = f"{place}."
    children = {
        found.group(1)
        for name in data
        if name.startswith(start) and (found := _CHILD.fullmatch(name[len(start) :]))
    }
    for number in sorted(children, key=int):
        left[0] -= 1
        if left[0] < 0:
            break
        here = f"{place}.{number}"
        if f"{here}.join" in data and depth < clauses.DEEPEST:
            group.parts.append(_group(data, here, left, depth + 1))
        else:
            group.parts.append(_row(data, here))
    return numbered(group) if depth == 1 else group


def _row(data: Mapping[str, Any], place: str) -> Row:
    field, op, value = (
        str(data.get(f"{place}.{name}", "")).strip() for name in ("field", "op", "value")
    )
    return Row(place, field, op, value)


def _shown(node: dict[str, Any], place: str) -> "Row | Group":
    if "not" in node:
        inner = _shown(node["not"], place)
        if isinstance(inner, Group) and inner.join in ("all", "any"):
            inner.join = "not-all" if inner.join == "all" else "none"
            return inner
        return Group(place, "none", [inner])
    for word in ("all", "any"):
        if word in node:
            return Group(place, word, [_shown(part, "") for part in node[word]])
    if "cel" in node:
        return Row(place, CEL, "", node["cel"])
    return Row(place, node["field"], node["op"], _text(node.get("value")))


def _shown_row(condition: Condition) -> "Row | Group":
    return _shown(condition.as_json(), f"{ROOT}.1")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
