"""Strict YAML: bytes in, nodes with their lines out; what is not plain data is refused.

A small part of YAML is enough to say what we agreed, so the rest is left out: anchors and aliases
(a kilobyte of them can mean a gigabyte), tags, tabs, several documents, keys said twice. Plain
`true`, `false`, `null` and whole numbers are that; everything else is text: `no` is Norway.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from meshline.sections import Node
from meshline.shell.model_file.refused import Problem, Refused

MOST_BYTES = 1024 * 1024
MOST_NODES = 200_000
# A routing rule's condition is the deepest: five levels of and, or, not, each in a list.
DEEPEST = 20

# libyaml where it is built in: some thirty times faster, the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Event = Any  # which kind it is, is asked; what it then has, no type of the library says
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
# Printable as YAML has it, less the tab, and less the line ends that only YAML counts.
_NOT_TAKEN = re.compile(
    "[^\n\r\\x20-\\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


def read(data: bytes) -> Node:
    """The file as nodes; an empty file is an empty mapping. Raises Refused."""
    if len(data) > MOST_BYTES:
        raise _refused(1, "The file is larger than 1 MiB; split it into several files.")
    text = _decoded(data)
    _check_characters(text)
    try:
        return _document(_Events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refused(mark.line + 1 if mark else 1, f"This is not YAML: {_said(error)}.") from None
    except yaml.YAMLError as error:
        raise _refused(1, f"This is not YAML: {error}.") from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(line, "This is not UTF-8; save the file in that encoding.") from None


def _check_characters(text: str) -> None:
    found = _NOT_TAKEN.search(text)
    if found is None:
        return
    line = text.count("\n", 0, found.start()) + 1
    if found[0] == "\t":
        raise _refused(line, "There is a tab here; use spaces.")
    raise _refused(line, f"The character U+{ord(found[0]):04X} cannot be here; leave it out.")


class _Events:
    """The parser's events one by one, so that nothing is built that is going to be refused."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Event] = yaml.parse(text, Loader=_LOADER)
        self.nodes = 0

    def next(self) -> Event:
        event = next(self._events)
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(line, "Anchors (&) and aliases (*) are not taken; write the value out.")
        if getattr(event, "tag", None):
            raise _refused(line, "Tags (!) are not taken; leave it out.")
        self._count(event, line)
        return event

    def _count(self, event: Event, line: int) -> None:
        self.nodes += isinstance(event, yaml.NodeEvent)
        if self.nodes > MOST_NODES:
            raise _refused(line, f"More than {MOST_NODES:,} values; split the file into several.")


def _document(events: _Events) -> Node:
    events.next()  # the stream begins
    if isinstance(events.next(), yaml.StreamEndEvent):
        return Node({}, 1)
    root = _node(events, events.next(), depth=1)
    events.next()  # the document ends
    more = events.next()
    if not isinstance(more, yaml.StreamEndEvent):
        raise _refused(_line(more), "A second document begins here; write one document a file.")
    return Node({}, root.line) if root.value is None else root


def _node(events: _Events, event: Event, *, depth: int) -> Node:
    if depth > DEEPEST:
        raise _refused(_line(event), f"This is nested more than {DEEPEST} deep; nothing here is.")
    if isinstance(event, yaml.MappingStartEvent):
        return Node(_mapping(events, depth), _line(event))
    if isinstance(event, yaml.SequenceStartEvent):
        return Node(_sequence(events, depth), _line(event))
    return Node(_scalar(event), _line(event))


def _mapping(events: _Events, depth: int) -> dict[str, Node]:
    """Values stand on the line of their key: that is where one looks for them."""
    made: dict[str, Node] = {}
    while not isinstance(event := events.next(), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise _refused(_line(event), "A key is a word; this is a list or a mapping.")
        if event.value in made:
            first = made[event.value].line
            raise _refused(_line(event), f"“{event.value}” was said on line {first} already.")
        value = _node(events, events.next(), depth=depth + 1)
        made[event.value] = Node(value.value, _line(event))
    return made


def _sequence(events: _Events, depth: int) -> list[Node]:
    made: list[Node] = []
    while not isinstance(event := events.next(), yaml.SequenceEndEvent):
        made.append(_node(events, event, depth=depth + 1))
    return made


def _scalar(event: Event) -> bool | int | str | None:
    is_plain, _ = event.implicit
    if not is_plain:
        return event.value
    if event.value in _WORDS:
        return _WORDS[event.value]
    return int(event.value) if _NUMBER.fullmatch(event.value) else event.value


def _line(event: Event) -> int:
    return event.start_mark.line + 1


def _said(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


def _refused(line: int, sentence: str) -> Refused:
    return Refused([Problem(line, sentence)])
