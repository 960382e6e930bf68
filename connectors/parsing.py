"""Reading what strangers send: strict, bounded, exact."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from meshline.money import MoneyError, quantised

MAX_DEPTH = 64
MAX_NODES = 10_000
# No vendor sends more than a few hundred events at once.
MAX_EVENTS = 1_000
# JSON's own; bytes.strip() would take form feeds, too.
_BLANKS = b" \t\n\r"
LARGEST_KEY = 10_000
# Longer numbers are no amounts and no ids; Decimal("1e131071") would be 131 kB of digits.
_MAX_DIGITS = 40
_MAX_EXPONENT = 30

# A string (passed over; one that never ends reaches to the end), or one mark of JSON's structure.
# Possessive, for otherwise a megabyte of quotes and backslashes would take hours.
_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
# Decimal itself would also take spaces, "1_000" and the digits of every script.
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
# Enough to tell an address from a name; whether it exists, only its owner knows.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Unreadable(Exception):
    """What came cannot be read; the sentence says what is wrong and where.

    `cause` groups messages with the same trouble: the sentence, unless that names a place or value
    which is another one in every message. `field` is the one it is about, if it is about one.
    """

    def __init__(self, sentence: str, *, cause: str = "", field: str = "") -> None:
        super().__init__(sentence)
        self.cause, self.field = cause or sentence, field


def parse(raw: bytes) -> Any:
    """JSON as Python, with Decimal for every fraction.

    Raises Unreadable for what is not UTF-8 or not JSON, for NaN and Infinity, doubled keys, more
    than 64 levels or 10,000 values, and numbers too long to be meant.
    """
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Unreadable(f"It is not UTF-8 (byte {error.start}).", cause="not UTF-8") from None
    try:
        value = json.loads(
            text,
            parse_float=_fraction,
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=_no_doubles,
        )
    except json.JSONDecodeError as error:
        where = f"{error.msg} (character {error.pos})"
        raise Unreadable(f"It is not JSON: {where}.", cause="not JSON") from None
    except RecursionError:
        raise Unreadable(f"It is nested deeper than {MAX_DEPTH} levels.") from None
    _check_size(value)
    return value


def elements(raw: bytes) -> list[bytes]:
    """The elements of a JSON array as their own bytes; anything else is one element.

    Only brackets and strings are read here, so that a poisonous element harms only itself; what
    stands empty between two commas is one, too. Raises Unreadable for more than 1,000 elements.
    """
    text = raw.strip(_BLANKS)
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return [raw]
    if not text[1:-1].strip(_BLANKS):
        return []
    cuts = list(islice(_commas(text), MAX_EVENTS + 1))
    if len(cuts) > MAX_EVENTS:
        raise Unreadable(f"It holds more than {MAX_EVENTS:,} events.")
    if not cuts or cuts[-1] != len(text) - 1:
        return [raw]
    starts = [1, *(cut + 1 for cut in cuts[:-1])]
    return [text[start:end].strip(_BLANKS) for start, end in zip(starts, cuts, strict=True)]


def text(value: Any, *, longest: int = 300) -> str:
    """A value as text the database takes: no NUL, no lone surrogate, not endless."""
    if value is None or isinstance(value, dict | list):
        return ""
    clean = str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean.encode("utf-8", "replace").decode("utf-8")[:longest].strip()


def key(value: Any, *, longest: int = 300) -> str:
    """An id as a key: as `text`, but two long ones that only begin alike stay two."""
    whole = text(value, longest=LARGEST_KEY)
    if len(whole) <= longest:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return f"{whole[: longest - len(digest) - 1]}:{digest}"


def canonical(value: Any) -> bytes:
    """A parsed value in one way of writing: equal values have equal bytes.

    For telling honest repeats from conflicts only; what is kept is always the bytes that came.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()


def amount(value: Any, currency: Any, *, field: str, at: str = "") -> dict[str, str]:
    """Money as a signal tells it: exact, in the currency's own minor units.

    Raises Unreadable naming the field for what is no decimal number, no currency, or finer than
    the currency can say. The number stands `at` its own path, else under `amount` in the field.
    """
    written, code, place = str(value), text(currency).upper(), at or f"{field}.amount"
    if isinstance(value, bool) or not _NUMBER.fullmatch(written):
        sentence = f"{place} is {written[:40]!r}; it must be a decimal number."
        raise Unreadable(sentence, cause=f"{place} is no number", field=place)
    try:
        exact = quantised(Decimal(written), code)
    except MoneyError as error:
        raise Unreadable(
            f"{field}: {error}", cause=f"{field} is no {code[:3]}", field=field
        ) from None
    return {"amount": str(exact), "currency": code}


def email(value: Any, *, field: str, longest: int = 254) -> str:
    """An e-mail address in small letters. Raises Unreadable naming the field for anything else."""
    written = text(value, longest=longest).lower()
    if not _EMAIL.fullmatch(written):
        sentence = f"{field} is {written[:40]!r}; it must be an e-mail address."
        raise Unreadable(sentence, cause=f"{field} is no e-mail address", field=field)
    return written


def at_path(value: Any, path: Iterable[str]) -> Any:
    """As `member`, but a step may also be a place in a list, from 0."""
    for step in path:
        if isinstance(value, list):
            place = int(step) if step.isascii() and step.isdecimal() else len(value)
            value = value[place] if place < len(value) else None
        else:
            value = member(value, step)
    return value


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
    if len(digits) > _MAX_DIGITS:
        raise _too_long(digits)
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond what Decimal holds
        raise _too_long(digits) from None
    if number and abs(number.adjusted()) > _MAX_EXPONENT:
        raise _too_long(digits)
    return number


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _too_long(digits)
    return int(digits)


def _too_long(digits: str) -> Unreadable:
    shown = digits if len(digits) <= _MAX_DIGITS else f"{digits[:20]}…"
    return Unreadable(f"The number {shown} has too many digits to be meant.", cause="long number")


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
