"""The words a message is found by: cut from its payload, and from what somebody types.

Pure: both sides are cut by the same rules, so that whatever is shown can be searched for.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors import parsing
from connectors.parsing import Unreadable

# More of one message is not kept: a payload may be a megabyte.
MOST, LONGEST, MOST_BYTES = 2_000, 200, 100_000
# Somebody who looks for more words than these finds nothing that fewer do not.
MOST_ASKED = 8
_PARTS = re.compile(r"[^\W_]+")
_PART_LEAST = 2
# A number as people write it, with or without thousands set apart.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,20})(?:\.[0-9]{1,6})?")
_REFERENCE = re.compile(r"(message|post|refused|signal|proposal|outcome|ticket):([0-9]{1,18})")


@dataclass(frozen=True)
class Asked:
    """One word that is looked for: how it may begin, and what it may be to the letter."""

    beginning: str
    exactly: tuple[str, ...] = ()

    @property
    def reference(self) -> tuple[str, int] | None:
        """The thing it names, as in "outcome:5"."""
        found = _REFERENCE.fullmatch(self.beginning)
        return (found[1], int(found[2])) if found else None


def of_payload(payload: bytes) -> list[str]:
    """Every word of a payload's values; of what cannot be read, every word of its bytes."""
    try:
        texts = _scalars(parsing.parse(payload))
    except Unreadable:
        texts = iter([payload[:MOST_BYTES].decode("utf-8", "replace")])
    return _bounded(word for text in texts for word in _of_text(text))


def of_ids(*names: str, refs: Iterable[str]) -> list[str]:
    """The words of keys, types and references: what may be searched where values are masked."""
    return _bounded([*refs, *(word for name in names for word in _of_text(name))])


def vector(ids: Iterable[str], words: Iterable[str]) -> str:
    """Both as the text of a tsvector: ids weigh A, so that they can be searched alone."""
    weights = dict.fromkeys(words, ":1") | dict.fromkeys(ids, ":1A")
    return " ".join(f"{quoted(word)}{weight}" for word, weight in weights.items())


def quoted(word: str) -> str:
    """A word as PostgreSQL reads it to the letter: inside quotes nothing is an operator."""
    return "'{}'".format(word.replace("\\", "\\\\").replace("'", "''"))


def asked(text: str) -> list[Asked]:
    """What was typed, word by word; what holds neither letter nor digit is left out."""
    chunks = (_trimmed(chunk)[:LONGEST] for chunk in _plain(text).split())
    words = dict.fromkeys(chunk for chunk in chunks if any(map(str.isalnum, chunk)))
    return [Asked(word, tuple(_amounts(word))) for word in list(words)[:MOST_ASKED]]


def query(word: Asked, *, ids_only: bool) -> str:
    """A word as a tsquery that PostgreSQL takes as it is."""
    weight = "A" if ids_only else ""
    if word.reference:
        return quoted(word.beginning) + (f":{weight}" if weight else "")
    parts = [f"{quoted(word.beginning)}:*{weight}"]
    parts += [quoted(one) + (f":{weight}" if weight else "") for one in word.exactly]
    return " | ".join(parts)


# --- Underneath ------------------------------------------------------------------------------
def _scalars(value: Any) -> Iterator[str]:
    """The values in their order, without recursion."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            rest += reversed(one.values())
        elif isinstance(one, list):
            rest += reversed(one)
        elif one is not None and not isinstance(one, bool):
            yield str(one)


def _of_text(text: str) -> Iterator[str]:
    """A text's words as they stand, e-mails by their halves, numbers as written and rounded."""
    for chunk in _plain(text).split():
        if not (word := _trimmed(chunk)):
            continue
        yield word
        yield from _normal(word)
        local, at, domain = word.rpartition("@")
        if at and local and domain:
            yield from (local, domain)
        yield from (part for part in _PARTS.findall(word) if len(part) >= _PART_LEAST)


def _plain(text: str) -> str:
    """Lower case, one form of each letter, nothing the database cannot keep."""
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", clean).lower()


def _trimmed(chunk: str) -> str:
    """Without the marks around it, and without those that only set words apart."""
    first = next((place for place, char in enumerate(chunk) if char.isalnum()), None)
    if first is None:
        return ""
    last = max(place for place, char in enumerate(chunk) if char.isalnum())
    return chunk[first : last + 1]


def _normal(word: str) -> Iterator[str]:
    """1234.5 is 1234.50, too."""
    if (number := _number(word)) is not None and ("." in word or "," in word):
        yield _short(number)
        yield f"{number:.2f}"


def _amounts(word: str) -> Iterator[str]:
    """What else the amount somebody types may be written as; also in its smallest units."""
    if (number := _number(word)) is None:
        return
    yield _short(number)
    decimals = word.partition(".")[2]
    if decimals and (number * 100) == int(number * 100):
        yield f"{number:.2f}"
        yield str(int(number * 100))
    # Dinars and the like have thousandths. Only who writes three decimals can mean them: of every
    # other amount a tenfold one would be found beside it.
    if len(decimals) == 3:
        yield str(int(number * 1000))


def _number(word: str) -> Decimal | None:
    if not _NUMBER.fullmatch(word):
        return None
    try:
        return Decimal(word.replace(",", ""))
    except InvalidOperation:
        return None


def _short(number: Decimal) -> str:
    """Without zeros at its end: 1234.50 and 1234.5 are one."""
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _bounded(words: Iterable[str]) -> list[str]:
    """The first of them, each once, as many as are kept."""
    kept: dict[str, None] = {}
    size = 0
    for word in words:
        short = word[:LONGEST]
        if short in kept:
            continue
        size += len(short.encode())
        if len(kept) >= MOST or size > MOST_BYTES:
            break
        kept[short] = None
    return list(kept)


def escaped(text: str) -> list[str]:
    """A text as bytes may hold it: as it is, and as JSON writes what is not ASCII.

    Both as PostgreSQL's `encode(…, 'escape')` spells bytes, ASCII letters in lower case.
    """
    plain = [text, json.dumps(text)[1:-1]]
    return list(dict.fromkeys(_as_escape(one.encode("utf-8", "replace")) for one in plain))


def _as_escape(raw: bytes) -> str:
    return "".join(_escape(byte) for byte in raw).lower()


def _escape(byte: int) -> str:
    if byte == 0x5C:
        return "\\\\"
    return f"\\{byte:03o}" if byte == 0 or byte > 0x7F else chr(byte)
