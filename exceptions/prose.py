"""Text as people write it down: paragraphs, steps and points, and links to pages elsewhere.

Nothing in it is markup: what is no address of a page and no step is text, and stays text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

_STEP = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+(\S.*)")
_POINT = re.compile(r"[ \t]*[-*•][ \t]+(\S.*)")
_ADDRESS = re.compile(r"""https?://[\w\[][^\s<>"'`\\]*""", re.IGNORECASE)
# What ends a sentence ends no address.
_AFTER = ".,;:!?"


@dataclass(frozen=True)
class Piece:
    """Some words, and the page they lead to, if any."""

    words: str
    url: str = ""


Line = list[Piece]


@dataclass
class Block:
    """What belongs together: `look` is text, steps or points; each item is one or more lines."""

    look: str
    items: list[list[Line]] = field(default_factory=list)
    # Where the steps begin to count.
    start: int = 1


def read(text: str) -> list[Block]:
    """The text, block by block."""
    blocks: list[Block] = []
    is_new = True
    for line in text.splitlines():
        if not line.strip():
            is_new = True
            continue
        _add(blocks, line, is_new=is_new)
        is_new = False
    return blocks


def _add(blocks: list[Block], line: str, *, is_new: bool) -> None:
    """Put a line where it belongs: to its own kind, or to the item that it goes on with."""
    last = blocks[-1] if blocks else None
    if step := _STEP.fullmatch(line):
        _add_item(blocks, "steps", step[2], start=int(step[1]))
    elif point := _POINT.fullmatch(line):
        _add_item(blocks, "points", point[1])
    elif last and last.look != "text" and (not is_new or line[0] in " \t"):
        last.items[-1].append(_pieces(line))
    elif last and last.look == "text" and not is_new:
        last.items[0].append(_pieces(line))
    else:
        blocks.append(Block("text", [[_pieces(line)]]))


def _add_item(blocks: list[Block], look: str, words: str, start: int = 1) -> None:
    if not blocks or blocks[-1].look != look:
        blocks.append(Block(look, start=start))
    blocks[-1].items.append([_pieces(words)])


def _pieces(line: str) -> Line:
    return list(_cut(line.strip()))


def _cut(line: str) -> Iterator[Piece]:
    """Words and addresses in turn."""
    done = 0
    for found in _ADDRESS.finditer(line):
        url = _without_end(found[0])
        if found.start() > done:
            yield Piece(line[done : found.start()])
        yield Piece(url, url)
        done = found.start() + len(url)
    if done < len(line):
        yield Piece(line[done:])


def _without_end(url: str) -> str:
    """Without the sentence's own end, and a bracket that was opened before it."""
    while url[-1] in _AFTER or (url[-1] == ")" and url.count(")") > url.count("(")):
        url = url[:-1]
    return url


def difference(old: str, new: str) -> dict[str, dict[str, str]]:
    """Which lines went and which came, each by its number, as a before and an after."""
    was, now = old.splitlines(), new.splitlines()
    told: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    for what, begin, end, start, stop in SequenceMatcher(None, was, now, False).get_opcodes():
        if what != "equal":
            told["before"] |= _numbered(was[begin:end], start)
            told["after"] |= _numbered(now[start:stop], start)
    return told


def _numbered(lines: list[str], after: int) -> dict[str, str]:
    return {f"Line {number}": line for number, line in enumerate(lines, start=after + 1)}
