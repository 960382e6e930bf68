"""What each floor says of its part of the operating model file, in words the shell can compare.

A floor offers sections (`model_file.SECTIONS`): what an entry may say, what is here now, and the
verbs that make a difference so. The shell reads the file, finds the differences and orders them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from meshline.audit.actors import Someone

Identity = tuple[str, ...]
Values = dict[str, Any]


class Wrong(Exception):
    """A value that cannot be, and what would be right."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


class SectionError(Exception):
    """A change that a floor refuses, with the field of the file it is about."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file and the line it stands on: a scalar, a list or a mapping of nodes."""

    value: Any
    line: int


def _as_it_is(value: Any) -> Any:
    return value


def _anything(value: Any) -> None:
    """Every value will do."""


@dataclass(frozen=True)
class Field:
    """One thing an entry may say."""

    read: Callable[[Node], Any]
    write: Callable[[Any], Any] = _as_it_is
    # Raises Wrong. Asked of what changes only: what is here already may stay as it is.
    check: Callable[[Any], None] = _anything
    # The kind of name that this value, or each in this list, must be ("person", "team").
    refers_to: str = ""
    # An entry that is not here yet must say it.
    needed: bool = False
    # Written only (a secret's variable): never among what is here, compared by its section.
    hidden: bool = False
    # A change in words, where "before → after" would say too much; before is None for a new entry.
    told: Callable[[Any, Any], str] | None = None
    # Left out of an export when it has this value.
    unsaid: Any = field(default_factory=object)


class Add(Protocol):
    def __call__(self, values: Values, *, by: Someone, at: datetime) -> None: ...


class Change(Protocol):
    def __call__(
        self, identity: Identity, values: Values, *, by: Someone, at: datetime
    ) -> None: ...


class Remove(Protocol):
    def __call__(self, identity: Identity, *, by: Someone, at: datetime) -> None: ...


@dataclass(frozen=True)
class Hidden:
    """What hidden fields would change, as (before, after) in words; and what is worth saying."""

    changes: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _nothing_hidden(identity: Identity, given: Values) -> Hidden:
    return Hidden()


def _never(identity: Identity, entries: Mapping[Identity, Values]) -> bool:
    return False


def _in_any_order(change: Mapping[str, Any]) -> bool:
    return False


@dataclass(frozen=True)
class Section:
    """One top-level key: its entries, and how a difference is made."""

    key: str
    noun: str
    identity: tuple[str, ...]
    fields: dict[str, Field]
    here: Callable[[], dict[Identity, Values]]
    change: Change
    add: Add | None = None
    remove: Remove | None = None
    # What a removed entry looks like (it is never deleted); empty when its row goes.
    removed: Values = field(default_factory=dict)
    # Made after every other section's differences, because they point at each other.
    late: frozenset[str] = frozenset()
    # Whether a difference must go before its neighbours: given its new values.
    first: Callable[[Mapping[str, Any]], bool] = _in_any_order
    # Of how many entries at most this field may be true.
    only_one: str = ""
    # A field whose value one entry at a time may have: who loses it lets go, then another takes it.
    handed_on: str = ""
    # A list of which no value may stand in two entries.
    in_one_only: str = ""
    # Whether a new entry says only what holds without it: given all entries as they will be.
    repeats: Callable[[Identity, Mapping[Identity, Values]], bool] = _never
    compare_hidden: Callable[[Identity, Values], Hidden] = _nothing_hidden

    @property
    def is_one(self) -> bool:
        """A single mapping, not a list of entries."""
        return not self.identity


# --- Reading ------------------------------------------------------------------------------------
def text(node: Node) -> str:
    if isinstance(node.value, str):
        return node.value
    if node.value is None:
        raise Wrong("There is nothing here; write a text.")
    raise Wrong(f"This is {_kind(node)}; write a text, in quotes if need be.")


def lowered(node: Node) -> str:
    """A text in which capitals make no difference, such as an e-mail."""
    return text(node).strip().lower()


def flag(node: Node) -> bool:
    if isinstance(node.value, bool):
        return node.value
    raise Wrong(f"This is {_kind(node)}; write true or false.")


def one_of(*words: str) -> Callable[[Node], str]:
    def read(node: Node) -> str:
        if node.value in words and isinstance(node.value, str):
            return node.value
        raise Wrong(f"This is none of {', '.join(words)}.")

    return read


def maybe(read: Callable[[Node], Any], empty: Any = None) -> Callable[[Node], Any]:
    """The same, or nothing (null)."""

    def read_maybe(node: Node) -> Any:
        return empty if node.value is None else read(node)

    return read_maybe


def listing(read: Callable[[Node], Any]) -> Callable[[Node], list]:
    def read_all(node: Node) -> list:
        if not isinstance(node.value, list):
            raise Wrong(f"This is {_kind(node)}; write a list: one value a line, each after “- ”.")
        return [_with_line(read, item) for item in node.value]

    return read_all


def mapping(node: Node) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise Wrong(f"This is {_kind(node)}; write keys and values, one pair a line.")
    return node.value


_UNITS = {"m": 1, "h": 60, "d": 24 * 60}
_SPAN = re.compile(
    r"(?P<sign>-?)(?:(?P<d>[0-9]{1,15}) ?d)? ?(?:(?P<h>[0-9]{1,15}) ?h)?"
    r" ?(?:(?P<m>[0-9]{1,15}) ?m(?:in)?)?"
)


def minutes(units: str = "mhd", *, too_short: str = "") -> Callable[[Node], int]:
    """A span in whole minutes: 90, "90m", "2h", "1d", or as the screens write it, "1 h 30 min";
    `units` are the letters that are taken.

    What is below one minute is no span, or is told what it lacks.
    """
    examples = {"m": "90m", "h": "2h", "d": "1d"}
    shown = " or ".join(["90", *(examples[unit] for unit in units)])
    no_span = f"This is no span of time; write {shown}."

    def read(node: Node) -> int:
        said = node.value
        number = _written(said, units) if isinstance(said, str) else said
        if not isinstance(number, int) or isinstance(number, bool):
            raise Wrong(no_span)
        if number < 1:
            raise Wrong(too_short or no_span)
        return number

    return read


def _written(said: str, units: str) -> int | None:
    found = _SPAN.fullmatch(" ".join(said.lower().split()))
    parts = {unit: found[unit] for unit in _UNITS if found[unit]} if found else {}
    if not found or not parts or parts.keys() - set(units):
        return None
    number = sum(int(part) * _UNITS[unit] for unit, part in parts.items())
    return -number if found["sign"] else number


def _with_line(read: Callable[[Node], Any], node: Node) -> Any:
    try:
        return read(node)
    except Wrong as error:
        raise Wrong(str(error), error.line or node.line) from None


def _kind(node: Node) -> str:
    kinds = {bool: "true or false", int: "a number", list: "a list", dict: "a mapping"}
    return kinds.get(type(node.value), "empty" if node.value is None else "a text")


# --- Writing ------------------------------------------------------------------------------------
def span(value: int | None) -> str | None:
    """Minutes as one writes them: 90m, 2h."""
    if value is None:
        return None
    return f"{value // 60}h" if value % 60 == 0 else f"{value}m"


# --- Checking -----------------------------------------------------------------------------------
LONGEST_SPAN = 366 * 24 * 60


def line_of_text(most: int) -> Callable[[str], None]:
    """One line of 1 to `most` printable characters, without spaces around it."""

    def check(value: str) -> None:
        if not value or value != value.strip() or len(value) > most or not value.isprintable():
            raise Wrong(f"Write 1 to {most} printable characters, without spaces around them.")

    return check


def sane_span(value: int | None) -> None:
    if value is not None and value > LONGEST_SPAN:
        raise Wrong("This is longer than a year; write a shorter span.")
