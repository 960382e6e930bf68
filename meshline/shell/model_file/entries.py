"""What the file says, entry by entry: keys, types and contradictions, before anything is compared.

Everything wrong is collected, so that one correction can answer all of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from meshline.sections import Field, Identity, Node, Section, Values, Wrong
from meshline.shell.model_file import parts
from meshline.shell.model_file.refused import Problem

REMOVE = "remove"
# Up to that many names are listed; of more, the nearest is named.
LISTED_MOST = 12


def _within(node: Node, part: str) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(part)
    if isinstance(node.value, list) and part.isdecimal() and int(part) < len(node.value):
        return node.value[int(part)]
    return None


@dataclass(frozen=True)
class Entry:
    """One entry of the file, read: what it names, on which lines."""

    section: Section
    identity: Identity
    given: Values
    nodes: dict[str, Node]
    line: int
    remove: bool = False

    @property
    def title(self) -> str:
        return " ".join([self.section.noun, *(word for word in self.identity if word)])

    def line_of(self, field: str | None) -> int:
        """The line of a field, or of what is in it ("outcomes.2.wanted"), as far as that goes."""
        here = Node(self.nodes, self.line)
        for part in (field or "").split("."):
            node = _within(here, part)
            if node is None:
                break
            here = node
        return here.line


def read(root: Node, problems: list[Problem]) -> dict[str, list[Entry]]:
    """The entries of every section the file has; what is wrong is added to `problems`."""
    if not isinstance(root.value, dict):
        said = f"The file is a mapping: begin with a key such as {parts.KEYS[0]}."
        problems.append(Problem(root.line, said))
        return {}
    found: dict[str, list[Entry]] = {}
    for key, node in root.value.items():
        if key not in parts.KEYS:
            problems.append(no_such(node.line, "key", key, parts.KEYS))
        elif key == "systems":
            _check_systems(node, problems)
        else:
            found[key] = _entries(parts.BY_KEY[key], node, problems)
    return found


def no_such(line: int, kind: str, name: str, names: Collection[str], *, at: str = "") -> Problem:
    """A name that there is not; `at` is the field it stands in. A list is of words that no file
    can add to: it is told whole."""
    sentence = f"There is no {kind} “{name}”"
    return Problem(line, f"{at}: {sentence}" if at else sentence, partial(_advice, name, names))


def _advice(name: str, names: Collection[str]) -> str:
    """Which name was meant, or which there are."""
    known = names if isinstance(names, list) else sorted(word for word in names if word)
    if near := _nearest(name, known):
        return f"; did you mean “{near}”?"
    if not known:
        return "; there is none at all."
    if len(known) > LISTED_MOST and known is not names:
        return "; add it to the file, or name one that is here."
    return f"; there is {', '.join(known)}."


def _nearest(name: str, known: list[str]) -> str:
    """Of addresses what stands before the @ counts: all at one company look alike behind it."""
    person = name.partition("@")[0]
    near = get_close_matches(name, known)
    return next((one for one in near if get_close_matches(person, [one.partition("@")[0]])), "")


def _check_systems(node: Node, problems: list[Problem]) -> None:
    """Systems are connectors in the code: the file may name them and changes none."""
    for item in _items(node, "systems", problems):
        if item.value not in parts.systems():
            problems.append(no_such(item.line, "system", str(item.value), parts.systems()))


def _items(node: Node, key: str, problems: list[Problem]) -> list[Node]:
    if node.value is None:
        return []
    if isinstance(node.value, list):
        return node.value
    problems.append(Problem(node.line, f"“{key}” is a list: each entry begins with “- ”."))
    return []


def _entries(section: Section, node: Node, problems: list[Problem]) -> list[Entry]:
    if section.is_one:
        items = [] if node.value is None else [node]
    else:
        items = _items(node, section.key, problems)
    read_entries = [_entry(section, item, problems) for item in items]
    entries = [entry for entry in read_entries if entry]
    _refuse_twins(entries, problems)
    _refuse_several(section, entries, problems)
    _refuse_shared(section, entries, problems)
    return entries


def _entry(section: Section, node: Node, problems: list[Problem]) -> Entry | None:
    if not isinstance(node.value, dict):
        keys = ", ".join(section.fields)
        sentence = f"An entry of {section.key} is written in keys: {keys}."
        problems.append(Problem(node.line, sentence))
        return None
    given: Values = {}
    for name, value in node.value.items():
        _read_field(section, name, value, given, problems)
    remove = given.pop(REMOVE, False)
    identity = _identity(section, node, given, problems)
    if identity is None:
        return None
    entry = Entry(section, identity, given, node.value, node.line, remove)
    _refuse_kept_and_removed(entry, problems)
    return entry


def _read_field(
    section: Section, name: str, node: Node, given: Values, problems: list[Problem]
) -> None:
    field = _field(section, name)
    if field is None:
        names = [*section.fields, *([REMOVE] if section.remove else [])]
        problems.append(no_such(node.line, f"key of a {section.noun}", name, names))
        return
    try:
        given[name] = field.read(node)
    except Wrong as error:
        problems.append(Problem(error.line or node.line, f"{name}: {error}"))


def _field(section: Section, name: str) -> Field | None:
    if name == REMOVE and section.remove:
        return _REMOVE
    return section.fields.get(name)


def _read_remove(node: Node) -> bool:
    if isinstance(node.value, bool):
        return node.value
    raise Wrong("Write true, or leave it out.")


_REMOVE = Field(_read_remove)


def _identity(
    section: Section, node: Node, given: Values, problems: list[Problem]
) -> Identity | None:
    for name in section.identity:
        unsaid = section.fields[name].unsaid
        if isinstance(unsaid, str):
            given.setdefault(name, unsaid)
        if name not in given:
            if name not in node.value:
                sentence = f"This {section.noun} has no {name}; every entry says its own."
                problems.append(Problem(node.line, sentence))
            return None
    return tuple(given[name] for name in section.identity)


def _refuse_kept_and_removed(entry: Entry, problems: list[Problem]) -> None:
    for name, value in entry.section.removed.items():
        if entry.remove and entry.given.get(name, value) != value:
            sentence = f"This says both {name} and remove; leave one of them out."
            problems.append(Problem(entry.line_of(name), sentence))


def _refuse_twins(entries: list[Entry], problems: list[Problem]) -> None:
    first: dict[Identity, Entry] = {}
    for entry in entries:
        twin = first.setdefault(entry.identity, entry)
        if twin is not entry:
            sentence = f"The {entry.title} is on line {twin.line} already; keep one of the two."
            problems.append(Problem(entry.line, sentence))


def _refuse_shared(section: Section, entries: list[Entry], problems: list[Problem]) -> None:
    name = section.in_one_only
    first: dict[str, Entry] = {}
    for entry in entries:
        for value in entry.given.get(name, []):
            other = first.setdefault(value, entry)
            if other is not entry:
                sentence = f"{name}: {value} stands in the {other.title} on line {other.line}, too."
                problems.append(Problem(entry.line_of(name), sentence))


def _refuse_several(section: Section, entries: list[Entry], problems: list[Problem]) -> None:
    chosen = [entry for entry in entries if entry.given.get(section.only_one) is True]
    for entry in chosen[1:]:
        sentence = f"Only one {section.noun} is {section.only_one}; line {chosen[0].line} is, too."
        problems.append(Problem(entry.line_of(section.only_one), sentence))
