"""A mapping tried: on one message or payload, on the last ones, and on those that are held.

Everything is read by the connectors' own translation, and nothing is written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import QuerySet

from connectors import digest, looking, mapping, mappings, parsing, rereading
from connectors.base import Ignored, Told
from connectors.mapping import CANONICAL, Mapped
from connectors.models import Connection, Message
from connectors.parsing import Unreadable
from exceptions.models import Occurrence
from meshline import masking
from proposals.routing.backtest import reading_only

MOST_MESSAGES = 250
# Of a payload with more events than that the first ones are tried.
MOST_EVENTS = 10
# At most so many are released at once.
MOST_RELEASED = 500
# However many that is: a person waits for it.
MOST_BYTES = 16 * 1024 * 1024
GAINED, LOST, STATE, FIELD, SAME = "gained", "lost", "state", "field", "same"


class CannotTest(Exception):
    """What cannot be tried, and why, as a sentence."""


@dataclass(frozen=True)
class Reading:
    """What a mapping makes of an event: what it tells, or why it tells nothing."""

    told: Told | None = None
    why: str = ""
    is_held: bool = False

    def values(self, *, masked: bool) -> dict[str, str]:
        """In words, by what it is about; without what it does not tell."""
        why = looking.hide(self.why) if masked else self.why
        if self.told is None:
            return {"Becomes": f"{'Held' if self.is_held else 'Ignored'}: {why}"}
        fields = {
            mapping.label(name): masking.MASK if masked else str(self.told.fields[name])
            for name in CANONICAL
            if self.told.fields.get(name)
        }
        return {"Becomes": "Read", "State": mapping.says(self.told.target), **fields}


@dataclass(frozen=True)
class Tried:
    """One event under several mappings, line by line."""

    title: str
    readings: list[Reading]
    masked: bool = False

    @property
    def lines(self) -> list[tuple[str, list[str], bool]]:
        """Of what, each mapping's, and whether they differ."""
        sides = [one.values(masked=self.masked) for one in self.readings]
        names = dict.fromkeys(name for side in sides for name in side)
        rows = [(name, [side.get(name, "") for side in sides]) for name in names]
        return [(name, values, len(set(values)) > 1) for name, values in rows]

    @property
    def is_same(self) -> bool:
        return not any(differs for _, _, differs in self.lines)


# --- One event ------------------------------------------------------------------------------------
def of_message(message: Message, by: list[Mapped], *, masked: bool) -> Tried:
    return Tried(f"Message {message.pk}", [_reading(message, one) for one in by], masked)


def of_payload(connection: Connection, text: str, by: list[Mapped]) -> list[Tried]:
    """What a payload tells, event by event. Raises CannotTest."""
    try:
        events = parsing.elements(text.encode("utf-8", "replace"))[:MOST_EVENTS]
        for event in events:
            parsing.parse(event)
    except Unreadable as error:
        raise CannotTest(str(error)) from None
    if not events:
        raise CannotTest("It holds no event.")
    # Not a message that came: it has no place and no key.
    return [
        Tried(
            f"Event {number} of the payload",
            [_reading(Message(connection=connection, payload=event), one) for one in by],
        )
        for number, event in enumerate(events, start=1)
    ]


def _reading(message: Message, mapped: Mapped) -> Reading:
    try:
        return Reading(digest.translated_by(message, mapped))
    except Ignored as error:
        return Reading(why=str(error))
    except Unreadable as error:
        return Reading(why=str(error), is_held=True)


# --- The last ones --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Difference:
    """A message that would be read otherwise, and how."""

    message: Message
    kind: str
    change: dict[str, dict[str, str]]


@dataclass
class Backtest:
    """How many of the last messages were tried, and what became of them."""

    tried: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    # Fewer than there are, for they are too large to be read while somebody waits.
    is_cut: bool = False


def backtest(messages: QuerySet[Message], old: Mapped, new: Mapped, *, masked: bool) -> Backtest:
    """The last 250 of these messages by both mappings. The database itself refuses to write."""
    found, last = Backtest(), messages.order_by("-pk")[:MOST_MESSAGES]
    with reading_only():
        for message in _within(last):
            found.tried += 1
            before, after = _reading(message, old), _reading(message, new)
            kind = _kind(before, after)
            found.counts[kind] += 1
            if kind != SAME:
                change = _change(before, after, masked=masked)
                found.differences.append(Difference(message, kind, change))
        found.is_cut = found.tried < last.count()
    return found


def _kind(before: Reading, after: Reading) -> str:
    if before.is_held != after.is_held:
        return GAINED if before.is_held else LOST
    if _target(before) != _target(after):
        return STATE
    fields = [one.told.fields if one.told else {} for one in (before, after)]
    return SAME if fields[0] == fields[1] else FIELD


def _target(reading: Reading) -> tuple[bool, str | None]:
    return (reading.told is None, reading.told.target if reading.told else None)


def _change(before: Reading, after: Reading, *, masked: bool) -> dict[str, dict[str, str]]:
    old, new = (one.values(masked=masked) for one in (before, after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {
        "before": {name: old[name] for name in names if name in old},
        "after": {name: new[name] for name in names if name in new},
    }


def _within(messages: QuerySet[Message]) -> Iterator[Message]:
    """These messages, as far as they can be read while somebody waits."""
    weighed = 0
    for message in messages.select_related("connection").iterator(chunk_size=25):
        weighed += len(message.payload)
        if weighed > MOST_BYTES:
            return
        yield message


# --- What is held ---------------------------------------------------------------------------------
@dataclass
class Held:
    """The unreadable messages of a connection: what would be understood now, what is in the way."""

    count: int = 0
    # In order of receipt, and not more than are released at once.
    understood: list[int] = field(default_factory=list)
    # Why the others are not: the first of each, and how many.
    reasons: dict[str, tuple[Message, int]] = field(default_factory=dict)


def held(connection: Connection, *, masked: bool) -> Held:
    """What hangs on the open tickets of this connection because it could not be read."""
    found, mapped = Held(), mappings.of(connection)
    ids = rereading.messages_in(_subjects(connection))
    kept = Message.objects.filter(
        # What took down what read it is read by a worker, alone.
        pk__in=ids, connection=connection, status=Message.Status.QUARANTINED, crashes=0,
    )  # fmt: skip
    found.count = kept.count() if ids else 0
    for message in _within(kept.order_by("pk")) if found.count else ():
        reading = _reading(message, mapped)
        if not reading.is_held:
            found.understood.append(message.pk)
        else:
            why = looking.hide(reading.why) if masked else reading.why
            first, number = found.reasons.get(why, (message, 0))
            found.reasons[why] = first, number + 1
        if len(found.understood) == MOST_RELEASED:
            break
    return found


def _subjects(connection: Connection) -> Iterable[str]:
    hanging = Occurrence.objects.filter(
        ticket__kind="message-unreadable", ticket__connection=connection.slug, settled_at=None
    )
    return hanging.exclude(ticket__status="resolved").values_list("subject", flat=True)
