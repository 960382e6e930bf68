"""Reading what strangers send: strict, bounded, exact."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64
MAX_NODES = 10_000
# Longer numbers are no amounts and no ids; Decimal("1e131071") would be 131 kB of digits.
_MAX_DIGITS = 40
_MAX_EXPONENT = 30

# A whole string (passed over), or one mark of JSON's structure.
_MARKS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)


class Unreadable(Exception):
    """What came cannot be read; the sentence says what is wrong and where."""


def parse(raw: bytes) -> Any:
    """JSON as Python, with Decimal for every fraction.

    Raises Unreadable for what is not UTF-8 or not JSON, for NaN and Infinity, doubled keys, more
    than 64 levels or 10,000 values, and numbers too long to be meant.
    """
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Unreadable(f"It is not UTF-8 (byte {error.start}).") from None
    try:
        value = json.loads(
            text,
            parse_float=_fraction,
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=_no_doubles,
        )
    except json.JSONDecodeError as error:
        raise Unreadable(f"It is not JSON: {error.msg} (character {error.pos}).") from None
    except RecursionError:
        raise Unreadable(f"It is nested deeper than {MAX_DEPTH} levels.") from None
    _check_size(value)
    return value


def elements(raw: bytes) -> list[bytes]:
    """The elements of a JSON array as their own bytes; anything else is one element.

    Only brackets and strings are read here, so that a poisonous element harms only itself.
    """
    text = raw.strip()
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return [raw]
    cuts = list(_commas(text))
    if not cuts or cuts[-1] != len(text) - 1:
        return [raw]
    starts = [1, *(cut + 1 for cut in cuts[:-1])]
    found = [text[start:end].strip() for start, end in zip(starts, cuts, strict=True)]
    return [element for element in found if element]


def text(value: Any, *, longest: int = 300) -> str:
    """A value as text the database takes: no NUL, no lone surrogate, not endless."""
    if value is None or isinstance(value, dict | list):
        return ""
    clean = str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean.encode("utf-8", "replace").decode("utf-8")[:longest].strip()


def member(value: Any, *path: str) -> Any:
    """`value[path[0]][path[1]]…`, or None where a step is missing or leads into no object."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _commas(text: bytes) -> Iterator[int]:
    """Where the elements of a top-level array end, as far as its brackets match."""
    depth = 0
    for mark in _MARKS.finditer(text):
        place, byte = mark.start(), text[mark.start()]
        if byte in b"[{":
            depth += 1
        elif byte in b"]}":
            depth -= 1
            if depth == 0:
                yield place
                return
        elif byte == 0x2C and depth == 1:  # comma
            yield place


def _fraction(digits: str) -> Decimal:
    number = Decimal(digits)
    if len(digits) > _MAX_DIGITS or abs(number.adjusted()) > _MAX_EXPONENT:
        raise Unreadable(f"The number {digits[:20]}… is longer than {_MAX_DIGITS} digits.")
    return number


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Unreadable(f"The number {digits[:20]}… is longer than {_MAX_DIGITS} digits.")
    return int(digits)


def _no_constant(name: str) -> None:
    raise Unreadable(f"{name} is not a number that can be kept.")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise Unreadable(f"The key {doubled[:60]!r} stands twice in one object.")
    return found


def _check_size(value: Any) -> None:
    """Count levels and values without recursion."""
    level, depth, nodes = [value], 0, 1
    while level:
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        nodes += len(below)
        depth += any(isinstance(one, dict | list) for one in level)
        if depth > MAX_DEPTH:
            raise Unreadable(f"It is nested deeper than {MAX_DEPTH} levels.")
        if nodes > MAX_NODES:
            raise Unreadable(f"It holds more than {MAX_NODES:,} values.")
        level = below
