"""A condition as rows of a form: field, operator and value, in groups of all, any or none.

A row's names are its place in the tree: "c.2.1.field" is the field of the second group's first row.
What was typed stays as it was typed, also where it cannot be a condition.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshline import clauses
from meshline.clauses import OPERATORS, Fields, Kind

ROOT = "c"
# How a group joins its rows.
JOINS = {"all": "All of these hold", "any": "Any of these holds", "none": "None of these holds",
         "not-all": "Not all of these hold"}  # fmt: skip
# Chosen as the field of a row whose value is an expression.
CEL = "cel"
# So many are read that the condition is refused for them; no more.
MOST_ROWS = clauses.MOST_CLAUSES + 10
_PART = re.compile(r"(c(?:\.\d{1,3})*)\.(\d{1,3})\.(?:join|field)")


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

    def as_json(self) -> dict[str, Any]:
        """The condition; a group of one is that one, without its word."""
        parts = [part.as_json() for part in self.parts]
        word = "all" if self.join in ("all", "not-all") else "any"
        joined = {word: parts} if len(parts) != 1 else parts[0]
        return {"not": joined} if self.join in ("none", "not-all") else joined


# --- Reading and showing --------------------------------------------------------------------------
def read(data: Mapping[str, Any], fields: Fields) -> Group:
    """What was typed; never refused."""
    tree = _group(data, _numbers(data), ROOT, [MOST_ROWS], depth=1)
    return offered(numbered(tree), fields)


def blank(fields: Fields) -> Group:
    """One row to begin with."""
    return offered(Group(ROOT, parts=[Row(f"{ROOT}.1")]), fields)


def of(node: Mapping[str, Any], fields: Fields) -> Group:
    """A condition (as JSON) as a form shows it; one that asks nothing has no rows."""
    shown = _shown(node, ROOT) if node else Group(ROOT)
    tree = shown if isinstance(shown, Group) else Group(ROOT, parts=[shown])
    return offered(numbered(tree), fields)


def as_kept(tree: Group, kept: Mapping[str, Any], fields: Fields) -> Mapping[str, Any]:
    """What the form says, in the very words it was kept in where nothing was changed: files may
    say the same in other words."""
    said = tree.as_json() if tree.parts else {}
    is_same = bool(kept) and of(kept, fields).as_json() == said
    return kept if is_same else said


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


def put_error(tree: Group, place: str, sentence: str) -> None:
    """Put a refusal where it belongs: "2.1" is the second part's first, as a condition is read.

    A group of one has no place of its own there.
    """
    here = _only(tree)
    for step in filter(None, place.split(".")):
        number = int(step) if step.isascii() and step.isdigit() else 0
        if not isinstance(here, Group) or not 0 < number <= len(here.parts):
            break
        here = _only(here.parts[number - 1])
    here.error = sentence


def _only(part: "Row | Group") -> "Row | Group":
    while isinstance(part, Group) and len(part.parts) == 1:
        part = part.parts[0]
    return part


def fault(tree: Group) -> str:
    """What is not chosen, or is nothing to choose, as a sentence that also stands where it is;
    empty where nothing is amiss."""
    if blank := next((row for row in rows(tree) if not row.field), None):
        blank.error = "Choose a field, or remove the row."
        return "A row of the condition is empty."
    if strange := next((one for one in _groups(tree) if one.join not in JOINS), None):
        strange.error = f"{strange.place}.join: choose one of {', '.join(JOINS)}."
        return f"In the condition: {strange.error}"
    return ""


def _groups(tree: Group) -> Iterator[Group]:
    yield tree
    for part in tree.parts:
        if isinstance(part, Group):
            yield from _groups(part)


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


def _numbers(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """By each group's place the numbers of its parts, in their order."""
    found: dict[str, set[str]] = {}
    for name in data:
        if part := _PART.fullmatch(name):
            found.setdefault(part[1], set()).add(part[2])
    return {place: sorted(numbers, key=int) for place, numbers in found.items()}


def _group(
    data: Mapping[str, Any], numbers: Mapping[str, list[str]], place: str, left: list[int],
    depth: int,
) -> Group:  # fmt: skip
    join = str(data.get(f"{place}.join", "all"))
    group = Group(place, join)
    for number in numbers.get(place, []):
        here = f"{place}.{number}"
        if f"{here}.join" in data and depth < clauses.DEEPEST:
            group.parts.append(_group(data, numbers, here, left, depth + 1))
        elif left[0] > 0:
            left[0] -= 1
            group.parts.append(_row(data, here))
    return group


def _row(data: Mapping[str, Any], place: str) -> Row:
    field, op, value = (
        str(data.get(f"{place}.{name}", "")).strip() for name in ("field", "op", "value")
    )
    return Row(place, field, op, value)


def _shown(node: Mapping[str, Any], place: str) -> "Row | Group":
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


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
