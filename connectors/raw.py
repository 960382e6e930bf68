"""Raw bytes as a page shows them: to the letter, in hex where they are no text, a value marked.

Pure: bytes in, text out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

# More of it in hex is not read by anybody; the whole is there to be downloaded.
HEX_MOST = 16 * 1024
_WIDTH = 16
# What is no letter on a screen, or turns the reading direction of what follows.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
# A string, a mark, or whatever else stands between them.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_WORDS = re.compile(r"[^\W_]+")
_ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Raw:
    """Bytes as text. `is_exact` when every byte stands there as itself."""

    text: str
    is_exact: bool
    size: int


@dataclass(frozen=True)
class Piece:
    """A stretch of text; marked where a value was told."""

    text: str
    is_marked: bool = False


def read(payload: bytes) -> Raw:
    r"""Bytes as text; what is no text is spelt out, as in \xff, \x00 or \u202e."""
    text = _UNSEEN.sub(_spelt, payload.decode("utf-8", "backslashreplace"))
    return Raw(text, text.encode("utf-8", "replace") == payload, len(payload))


def hexdump(payload: bytes) -> str:
    """The bytes line by line: where, in hex, and as ASCII as far as they are."""
    kept = payload[:HEX_MOST]
    rows = (kept[place : place + _WIDTH] for place in range(0, len(kept), _WIDTH))
    return "\n".join(_row(number * _WIDTH, row) for number, row in enumerate(rows))


def marked(text: str, wanted: Any) -> list[Piece]:
    """The text with every value marked that tells `wanted`: as a whole, else as a part of it."""
    values = list(_values(text))
    places = [place for place, value in values if _is(value, wanted)]
    places = places or [place for place, value in values if _is_part(value, wanted)]
    pieces, at = [], 0
    for start, end in places:
        pieces += [Piece(text[at:start]), Piece(text[start:end], is_marked=True)]
        at = end
    return [*pieces, Piece(text[at:])]


# --- Underneath ------------------------------------------------------------------------------
def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _row(place: int, row: bytes) -> str:
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{place:08x}  {row.hex(' '):<{_WIDTH * 3 - 1}}  {shown}"


def _values(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Every value of a JSON text with its place; the names of fields are none."""
    waiting: tuple[tuple[int, int], str] | None = None
    for token in _TOKENS.finditer(text):
        if waiting and token[0] != ":":
            yield waiting
        waiting = None if token[0] in "[]{},:" else (token.span(), _value(token[0]))
    if waiting:
        yield waiting


def _value(token: str) -> str:
    return _ESCAPES.sub(_unescaped, token[1:-1]) if token.startswith('"') else token


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _SHORT.get(found[2], found[2])


def _is(value: str, wanted: Any) -> bool:
    told = str(wanted)
    if value.strip().casefold() == told.strip().casefold():
        return True
    number, other = _number(value), _number(told)
    if number is None or other is None:
        return False
    # Some send money in cents.
    return number == other or ("." in told and "." not in value and number == other * 100)


def _is_part(value: str, wanted: Any) -> bool:
    """A name told in parts, or a state inside of a longer word."""
    words = _WORDS.findall(value.casefold())
    told = _WORDS.findall(str(wanted).casefold())
    return bool(words) and bool(told) and (set(words) <= set(told) or set(told) <= set(words))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None
