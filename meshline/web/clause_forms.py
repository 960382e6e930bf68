"""A condition in a form: clauses as rows, joined by all or any, and one expression beside them.

Without script: buttons that add or drop a row send the whole form, which comes back with the row
more or less. What is deeper than rows (from a file) is written as JSON in a box of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshline import clauses
from meshline.clauses import OPERATORS, Fields

MOST_ROWS = clauses.MOST_CLAUSES
_JOINS = {"all": "all of these hold", "any": "any of these holds"}
_TOO_LONG = 20_000


@dataclass
class Row:
    """One clause as it was typed."""

    number: int
    field: str = ""
    op: str = ""
    value: str = ""
    is_not: bool = False
    error: str = ""

    @property
    def node(self) -> dict[str, Any]:
        takes = OPERATORS[self.op].takes if self.op in OPERATORS else "one"
        asked = {"field": self.field, "op": self.op}
        if takes != "none" or self.value:
            asked["value"] = self.value
        return {"not": asked} if self.is_not else asked


class ClausesForm:
    """A condition that is being written. `fields` are what it may ask about."""

    def __init__(
        self, fields: Fields, *, node: Any = None, data: Mapping[str, Any] | None = None,
        prefix: str = "if",
    ) -> None:  # fmt: skip
        self.fields, self.prefix = fields, prefix
        self.rows: list[Row] = []
        self.join, self.cel, self.raw = "all", "", ""
        self.error = self.cel_error = ""
        if data is None:
            self._take(node or {"all": []})
        else:
            self._read(data)

    @property
    def node(self) -> Any:
        """The condition as JSON, to be checked by `clauses.read`; {} holds always."""
        if self.raw:
            return _loaded(self.raw)
        parts = [row.node for row in self.rows]
        if self.cel:
            parts.append({"cel": self.cel})
        return {self.join: parts} if parts else {}

    def refuse(self, place: str, sentence: str) -> None:
        """Show what is wrong where it is: `place` as ClauseError has it."""
        number, _, _ = place.partition(".")
        at = int(number) - 1 if number.isdecimal() and len(number) < 4 else -1
        if self.raw or not 0 <= at < len(self.rows) + bool(self.cel):
            self.error = sentence
        elif at < len(self.rows):
            self.rows[at].error = sentence
        else:
            self.cel_error = sentence

    @property
    def is_always(self) -> bool:
        return not (self.rows or self.cel or self.raw)

    # --- For the template -------------------------------------------------------------------------
    @property
    def joins(self) -> list[tuple[str, str]]:
        return list(_JOINS.items())

    @property
    def field_choices(self) -> list[tuple[str, str]]:
        return [(name, about.label) for name, about in self.fields.items()]

    @property
    def op_choices(self) -> list[tuple[str, str]]:
        return [(name, one.words) for name, one in OPERATORS.items()]

    @property
    def names(self) -> str:
        return ", ".join(self.fields)

    # --- Reading ----------------------------------------------------------------------------------
    def _take(self, node: Any) -> None:
        """Fill the rows from a condition that is kept; what does not fit is shown as JSON."""
        join = next(iter(node)) if set(node) in ({"all"}, {"any"}) else "all"
        parts = list(node.get(join, [node]))
        # The expression has a box of its own, below the rows.
        cel = parts.pop()["cel"] if parts and set(parts[-1]) == {"cel"} else ""
        rows = [row for at, part in enumerate(parts) if (row := _row_of(at, part))]
        if len(rows) < len(parts):
            self.raw = json.dumps(node, indent=2, ensure_ascii=False)
        else:
            self.join, self.rows, self.cel = join, rows, cel

    def _read(self, data: Mapping[str, Any]) -> None:
        name = self.prefix
        self.join = "any" if data.get(f"{name}-join") == "any" else "all"
        self.cel = str(data.get(f"{name}-cel", "")).strip()[:_TOO_LONG]
        self.raw = str(data.get(f"{name}-raw", "")).strip()[:_TOO_LONG]
        dropped = data.get(f"{name}-drop", "")
        numbers = [one for one in data.getlist(f"{name}-row") if _is_number(one)]  # type: ignore[attr-defined]
        for number in dict.fromkeys(numbers[:MOST_ROWS]):
            if number != dropped:
                self.rows.append(self._row(len(self.rows), f"{name}-{number}", data))
        if f"{name}-add" in data and len(self.rows) < MOST_ROWS:
            self.rows.append(Row(len(self.rows)))
        if f"{name}-as-rows" in data:
            self.raw = ""

    def _row(self, number: int, name: str, data: Mapping[str, Any]) -> Row:
        field, op, value = (
            str(data.get(f"{name}-{part}", "")).strip() for part in ("field", "op", "value")
        )
        return Row(number, field, op, value, bool(data.get(f"{name}-not")))

    def is_being_built(self, data: Mapping[str, Any]) -> bool:
        """Whether a row was asked for or dropped: the form comes back and nothing is saved."""
        return any(f"{self.prefix}-{act}" in data for act in ("add", "drop", "as-rows"))


def _row_of(number: int, part: Any) -> Row | None:
    """A kept clause as a row; None when it is no plain one."""
    is_not = set(part) == {"not"}
    asked = part["not"] if is_not else part
    if "field" not in asked:
        return None
    value = asked.get("value", "")
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if isinstance(value, bool):
        words = str(value).lower()
    return Row(number, asked["field"], asked["op"], words, is_not)


def _loaded(raw: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4
