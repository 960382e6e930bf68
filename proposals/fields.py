"""What a proposal's fields add up to, by what is agreed of each: pure, no database, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from meshline.policy import truth
from meshline.policy.truth import Said, Truth

# What one agrees about, and the canonical fields it is told in: these count together or not at all.
GROUPS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "amount": ("amount", "currency"),
    "owner_email": ("owner_email",),
    "contact_name": ("contact_name",),
    "contact_email": ("contact_email",),
}
LABELS = {
    "title": "title", "amount": "amount", "owner_email": "owner", "contact_name": "contact's name",
    "contact_email": "contact's e-mail",
}  # fmt: skip
# The field in which a source names the owner.
OWNER = "owner_email"
# Nothing is agreed of any field: the most recent word counts for each.
NOTHING_AGREED: Mapping[str, Truth] = {}


class Teller(Protocol):
    """One event, as far as it tells fields."""

    @property
    def id(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def fields(self) -> dict[str, Any]: ...


@dataclass
class Told:
    """The fields as they are by now, the event that brought each to what it is, and of which a
    person has to decide; the event by which another owner counted last, and what was told then."""

    fields: dict[str, Any] = field(default_factory=dict)
    by: dict[str, int] = field(default_factory=dict)
    asked: dict[str, tuple[Said, ...]] = field(default_factory=dict)
    named_by: int | None = None
    known_then: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """Whom the owner's field names; empty where it names nobody."""
        return self.fields.get(OWNER, "")

    def take(self, name: str, value: Any, event: int) -> None:
        if name not in self.by or self.fields[name] != value:
            self.by[name] = event
        self.fields[name] = value


def tell(events: Iterable[Teller], truths: Mapping[str, Truth] = NOTHING_AGREED) -> Told:
    """Tell the fields of these events, which come in the order in which they happened.

    `truths` are the fields of which something is agreed; of every other the most recent word
    counts. What is agreed of together is told together. While a person has to decide, a field stays
    what it was before the systems differed.
    """
    told, ledger = Told(), _Ledger(truths)
    for place, event in enumerate(events):
        owner_before = told.owner
        for name, value in event.fields.items():
            # A blank gives way to any value: only an authority's own says that there is none.
            if name not in ledger.governed and value not in ("", None):
                told.take(name, value, event.id)
        for name in ledger.hear(event, place):
            _decide(told, name, truth.winner(truths[name], ledger.said(name)), event)
        if told.named_by is None or told.owner != owner_before:
            told.named_by, told.known_then = event.id, dict(told.fields)
    return told


class _Ledger:
    """What each system says by now of each field that something is agreed of."""

    def __init__(self, truths: Mapping[str, Truth]) -> None:
        self.governed = {part for name in truths for part in GROUPS[name]}
        self._said: dict[str, dict[str, Said]] = {name: {} for name in truths}

    def hear(self, event: Teller, place: int) -> list[str]:
        """Take down what an event says; of which fields it said anything."""
        heard = [name for name in self._said if any(p in event.fields for p in GROUPS[name])]
        for name in heard:
            self._said[name][event.source] = self._now(name, event, place)
        return heard

    def said(self, name: str) -> Iterable[Said]:
        return self._said[name].values()

    def _now(self, name: str, event: Teller, place: int) -> Said:
        before = self._said[name].get(event.source)
        value = tuple(str(event.fields.get(part) or "") for part in GROUPS[name])
        # In the order of the story: two events of one instant have their places, too.
        at = (event.occurred_at, place)
        if before and before.value == value:
            return Said(event.source, value, at=at, since=before.since, by=before.by)
        return Said(event.source, value, at=at, since=at, by=event.id)


def _decide(told: Told, name: str, verdict: truth.Verdict, event: Teller) -> None:
    if verdict.asked:
        told.asked[name] = verdict.asked
        return
    told.asked.pop(name, None)
    said = verdict.said
    assert said is not None  # whoever was heard has said something
    for part, value in zip(GROUPS[name], said.value, strict=True):
        told.take(part, value, event.id if event.source == said.source else said.by)


def beaten(
    said: Mapping[str, Any], counts: Mapping[str, Any], truths: Mapping[str, Truth],
    names: Mapping[str, str],
) -> str:  # fmt: skip
    """Why what an event told does not count, as a sentence; empty when all of it does. `names` are
    what people call the connections."""
    lost = [
        name
        for name in truths
        if any(said.get(p) and said[p] != counts.get(p, "") for p in GROUPS[name])
    ]
    return " ".join(_lost(name, truths[name], names) for name in lost)


def _lost(name: str, agreed: Truth, names: Mapping[str, str]) -> str:
    label = LABELS[name]
    if agreed.how.has_authority:
        return f"Its {label} is kept, but {names[agreed.connection]}'s counts."
    return f"Its {label} is kept; which one counts, a person decides or has decided."
