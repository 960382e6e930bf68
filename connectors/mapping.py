"""What a connection maps: its words to our states, its paths to our fields. Pure.

It is kept as {"words": {theirs: a state or "nothing"}, "fields": {ours: a path}}; what it does not
say stays as its connector has it.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors import parsing
from connectors.parsing import Unreadable
from proposals.fields import GROUPS, LABELS
from proposals.states import State

# A word that says no state: its event is kept, and only its fields are told.
NOTHING = "nothing"
MOST_WORDS, MOST_FIELDS, MOST_STEPS = 100, 20, 10
LONGEST_WORD, LONGEST_PATH = 120, 200
# The fields that a path may lead to, in the order in which they are shown.
CANONICAL = tuple(part for parts in GROUPS.values() for part in parts)
_NAMES = {**LABELS, "currency": "currency"}
_EMAILS = ("owner_email", "contact_email")
_MONEY = ("amount", "currency")

Row = tuple[Any, Any]


class MappingError(Exception):
    """What cannot be, as a sentence; which part of a mapping, and which row of it (from 1)."""

    def __init__(self, sentence: str, part: str = "", row: int = 0) -> None:
        super().__init__(sentence)
        self.part, self.row = part, row


@dataclass(frozen=True)
class Mapped:
    """A mapping, read. A word without a state says nothing; a path is its steps."""

    words: Mapping[str, State | None] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, dict[str, str]]:
        words = {word: state.value if state else NOTHING for word, state in self.words.items()}
        return {"words": words, "fields": {name: ".".join(p) for name, p in self.fields.items()}}


NOTHING_MAPPED = Mapped()


@dataclass(frozen=True)
class Line:
    """One line of all that counts: theirs, ours, and what the connector has by itself."""

    theirs: str
    ours: str
    own: str

    @property
    def mark(self) -> str:
        if self.ours == self.own:
            return "built in"
        return "changed" if self.own else "added"


# --- Reading --------------------------------------------------------------------------------------
def read(content: Any) -> Mapped:
    """A mapping from JSON. Raises MappingError naming the place."""
    if not isinstance(content, dict) or not content.keys() <= {"words", "fields"}:
        raise MappingError("A mapping says words and fields, and nothing else.")
    words, fields = (content.get(part, {}) for part in ("words", "fields"))
    for part, said in (("words", words), ("fields", fields)):
        if not isinstance(said, dict):
            raise MappingError("Write a mapping of one to the other.", part)
    return of_rows(words.items(), fields.items())


def of_rows(words: Iterable[Row], fields: Iterable[Row]) -> Mapped:
    """A mapping from its rows, where one may stand twice. Raises MappingError naming the row."""
    said = _rows("words", list(words), MOST_WORDS, word, _state)
    paths = _rows("fields", list(fields), MOST_FIELDS, _field, steps)
    if "currency" in paths and "amount" not in paths:
        row = list(paths).index("currency") + 1
        raise MappingError("A currency goes with its amount: map the amount, too.", "fields", row)
    return Mapped(said, paths)


def _rows(
    part: str, rows: list[Row], most: int, key: Callable[[Any], str], value: Callable[[Any], Any]
) -> dict[str, Any]:
    if len(rows) > most:
        sentence = f"At most {most} {part} can be mapped; here are {len(rows):,}."
        raise MappingError(sentence, part, most + 1)
    found: dict[str, Any] = {}
    for number, (left, right) in enumerate(rows, start=1):
        try:
            name = key(left)
            if name in found:
                raise MappingError(f"“{name}” stands twice; say it once.")
            found[name] = value(right)
        except MappingError as error:
            raise MappingError(str(error), part, number) from None
    return found


def word(written: Any) -> str:
    """A word of theirs."""
    if not isinstance(written, str) or not written:
        raise MappingError("Write the word as it comes in.")
    if len(written) > LONGEST_WORD or written != written.strip() or not written.isprintable():
        raise MappingError(
            f"A word has at most {LONGEST_WORD} printable characters, and no spaces around it."
        )
    return written


def _state(written: Any) -> State | None:
    if written == NOTHING:
        return None
    if not isinstance(written, str) or written not in set(State):
        states = ", ".join(State)
        raise MappingError(f"{_shown(written)} is no state; there is {states}, or {NOTHING}.")
    return State(written)


def _field(written: Any) -> str:
    if not isinstance(written, str) or written not in CANONICAL:
        raise MappingError(f"There is no field {_shown(written)}; there is {', '.join(CANONICAL)}.")
    return written


def steps(written: Any) -> tuple[str, ...]:
    """The steps of a path: keys, and places in lists. Raises MappingError."""
    if not isinstance(written, str) or not written:
        raise MappingError("Write a path, such as data.metadata.rep_email.")
    if len(written) > LONGEST_PATH:
        raise MappingError(
            f"A path has at most {LONGEST_PATH} characters; this has {len(written):,}."
        )
    if not written.isprintable():
        raise MappingError("A path is one line of printable characters.")
    found = tuple(written.split("."))
    if len(found) > MOST_STEPS:
        raise MappingError(f"A path has at most {MOST_STEPS} steps; this has {len(found)}.")
    if wrong := [step for step in found if not _is_step(step)]:
        raise MappingError(
            f"“{wrong[0][:40]}” is no step of a path. Write keys, and places in lists from 0, with "
            "a dot between, such as data.tokens.3.value."
        )
    return found


def _is_step(step: str) -> bool:
    return bool(step) and step == step.strip() and step[:2] != "__" and not set("[]") & set(step)


def _shown(written: Any) -> str:
    return f"“{str(written)[:40]}”"


# --- Beside the connector -------------------------------------------------------------------------
def check(mapped: Mapped, *, has_words: bool, lowered: bool, fields: Container[str]) -> None:
    """Whether a connector takes it: what it has no use for is refused. Raises MappingError."""
    for row, one in enumerate(mapped.words, start=1):
        if not has_words:
            raise MappingError("No word of this system says a state.", "words", row)
        if lowered and one != one.lower():
            raise MappingError("It is compared in small letters; write it so.", "words", row)
    for row, name in enumerate(mapped.fields, start=1):
        if name not in fields:
            raise MappingError("This system's events tell no such field.", "fields", row)


def word_lines(mapped: Mapped, known: Mapping[str, State | None]) -> list[Line]:
    """Every word that says something, the connector's own first."""
    added = sorted(set(mapped.words) - set(known))
    said = {**known, **mapped.words}
    return [Line(one, says(said[one]), says(known[one]) if one in known else "")
            for one in [*known, *added]]  # fmt: skip


def field_lines(mapped: Mapped, places: Mapping[str, str]) -> list[Line]:
    """Every field there is, and where it is read."""
    paths = mapped.as_json()["fields"]
    return [Line(label(name), paths.get(name, own), own) for name, own in places.items()]


def difference(
    old: Mapped, new: Mapped, *, known: Mapping[str, State | None], places: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """What is different, in words, from before to after."""
    sides = [
        {
            **{f"“{line.theirs}”": line.ours for line in word_lines(one, known)},
            **{line.theirs: line.ours for line in field_lines(one, places)},
        }
        for one in (old, new)
    ]
    names = [n for n in {**sides[0], **sides[1]} if sides[0].get(n) != sides[1].get(n)]
    before, after = ({n: side[n] for n in names if n in side} for side in sides)
    return {"before": before, "after": after}


def says(state: State | None) -> str:
    return state.label if state else NOTHING.capitalize()


def label(name: str) -> str:
    """A field as people call it."""
    return _NAMES.get(name, name)[:1].upper() + _NAMES.get(name, name)[1:]


# --- Telling --------------------------------------------------------------------------------------
def fields_of(
    payload: Any, mapped: Mapped, *, own: Mapping[str, Any], longest: Mapping[str, int],
    money: Callable[..., dict[str, str]],
) -> dict[str, str]:  # fmt: skip
    """The fields that the paths lead to; one whose path is not there is not told.

    `own` is what the connector tells by itself. Raises Unreadable naming the path of a value that
    cannot be.
    """
    found = {name: parsing.at_path(payload, path) for name, path in mapped.fields.items()}
    told = {
        name: _text(name, value, ".".join(mapped.fields[name]), longest[name])
        for name, value in found.items()
        if name not in _MONEY and value is not None
    }
    if found.get("amount") not in (None, ""):
        told |= _money(found, mapped, own, money)
    return {name: value for name, value in told.items() if value}


def _text(name: str, value: Any, path: str, longest: int) -> str:
    if isinstance(value, bool | dict | list):
        kind = "true or false" if isinstance(value, bool) else "not a single value"
        sentence = f"{path} is {kind}; it must be text, for the {_NAMES[name]}."
        raise Unreadable(sentence, cause=f"{path} is no text", field=path)
    written = parsing.text(value, longest=longest)
    if name in _EMAILS and written:
        return parsing.email(written, field=path, longest=longest)
    return written


def _money(
    found: Mapping[str, Any], mapped: Mapped, own: Mapping[str, Any],
    money: Callable[..., dict[str, str]],
) -> dict[str, str]:  # fmt: skip
    """An object of amount and currency, or a number whose currency has a path, or is told anyway.

    A currency that has a path and is not there is never guessed.
    """
    path, value = ".".join(mapped.fields["amount"]), found["amount"]
    if isinstance(value, dict):
        number, currency, place = value.get("amount"), value.get("currency"), ""
    else:
        number, currency, place = value, own.get("currency"), path
    if where := ".".join(mapped.fields.get("currency", ())):
        currency = found["currency"]
    if not currency and where:
        raise Unreadable(f"{where} is missing; it must be the currency of {path}.")
    if not currency:
        raise Unreadable(f"Nothing says in which currency {path} is; map the currency, too.")
    return money(number, currency, field=path, at=place)
