"""The test box of the routing rules: what they make of a message, a payload or a proposal.

It reads what really came, by the connectors' own translation, and writes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import crosswalk, digest, mappings, parsing, registry
from connectors.base import Ignored, Told
from connectors.crosswalk import MOST_LOOKS, NotYet
from connectors.models import Connection, Message
from connectors.parsing import Unreadable
from connectors.registry import UnknownSystem
from meshline.people.models import User
from proposals import authority, history, retelling
from proposals.history import Event, Naming
from proposals.models import Proposal, RoutingDecision, Signal
from proposals.routing import assigning, backtest, explaining, rulebook, rules
from proposals.routing.explaining import Asked, Fact
from proposals.routing.roster import Roster
from proposals.routing.rules import RuleSet
from proposals.routing.turns import Book

# Of a payload with more events than that the first ones are tried.
MOST_EVENTS = 10
AS_SEEN = "These are the facts as they were seen when it was decided."
NEW = "It tells of a proposal that is not here yet: its owner would be decided."
PINNED = "A person chose the owner of this proposal: the rules would not be asked."
STAYS = "The owner was decided before and would stay; this is what the rules make of it now."
ANEW = "The owner would be decided anew: what the rules go by is different."


class CannotTest(Exception):
    """What cannot be put to the rules, and why, as a sentence."""


@dataclass(frozen=True)
class Sample:
    """Something to put to the rules: what it is, what is known of it, what would be asked."""

    title: str
    facts: Mapping[str, Any]
    note: str
    proposal: Proposal | None = None


@dataclass(frozen=True)
class Path:
    """The way a sample takes under one set of rules."""

    name: str
    others: list[Asked]
    decided: Asked
    owner: User
    why: str
    is_temporary: bool


@dataclass(frozen=True)
class Tried:
    sample: Sample
    facts: list[Fact]
    paths: list[Path]

    @property
    def is_same(self) -> bool:
        """Whether the draft makes the same of it as what is in force."""
        return len({(path.decided.sentence, path.owner.pk) for path in self.paths}) == 1


# --- Samples --------------------------------------------------------------------------------------
def of_message(message: Message, *, at: datetime) -> Sample:
    """A message that came: as it was decided, or as it is read today. Raises CannotTest."""
    title = f"Message {message.pk} of {message.connection.name}"
    made = RoutingDecision.objects.filter(signal=message.signal_id or 0).order_by("-pk").first()
    if made is not None:
        proposal = Proposal.objects.filter(signals=message.signal_id).first()
        return Sample(title, rules.from_json(made.facts), AS_SEEN, proposal)
    try:
        told = digest.translated(message)
    except (Ignored, Unreadable) as error:
        raise CannotTest(str(error)) from None
    return _of_told(title, message, told, at)


def of_payload(connection: Connection, text: str, *, at: datetime) -> list[Sample]:
    """What a payload tells, event by event, as if it came from there now. Raises CannotTest."""
    try:
        emitter = registry.system(connection.system).emitter
        if emitter is None:
            raise CannotTest(f"{connection.name} sends no signals.")
        parts = parsing.elements(text.encode("utf-8", "replace"))[:MOST_EVENTS]
        mapped = mappings.of(connection)
        told = [emitter.tell(part, connection.options, mapped) for part in parts]
    except (Ignored, Unreadable, UnknownSystem) as error:
        raise CannotTest(str(error)) from None
    if not told:
        raise CannotTest("It holds no event.")
    # Not a message: as one that was looked for long enough.
    message = Message(connection=connection, attempts=MOST_LOOKS)
    return [
        _of_told(f"Event {number} of the payload", message, one, at)
        for number, one in enumerate(told, start=1)
    ]


def of_proposal(proposal: Proposal, *, at: datetime) -> Sample:
    """A proposal as its owner was last decided, or as its story tells it."""
    made = RoutingDecision.objects.filter(record=proposal.record).order_by("-pk").first()
    if made is not None:
        return Sample(str(proposal), rules.from_json(made.facts), AS_SEEN, proposal)
    naming = _naming(_events(proposal), source=proposal.source)
    facts = assigning.facts_of(naming, source=proposal.source, roster=Roster(at=at))
    return Sample(str(proposal), facts, PINNED if proposal.owner_pinned else STAYS, proposal)


def _of_told(title: str, message: Message, told: Told, at: datetime) -> Sample:
    """What an event tells together with what is known of its proposal already."""
    try:
        placed = crosswalk.look_up([(message, told)]).placed(message, told)
    except (NotYet, Ignored, Unreadable) as error:
        raise CannotTest(str(error)) from None
    source = placed.about or message.connection.slug
    proposal = Proposal.objects.filter(source=source, external_id=placed.external_id).first()
    events = _events(proposal, but=message.signal_id) if proposal else []
    naming = _naming([*events, _event(placed, message)], source=source)
    facts = assigning.facts_of(naming, source=source, roster=Roster(at=at))
    return Sample(title, facts, _note(proposal, naming), proposal)


def _note(proposal: Proposal | None, naming: Naming) -> str:
    if proposal is None:
        return NEW
    if proposal.owner_pinned:
        return PINNED
    is_same = naming.owner == proposal.owner_named and rules.basis(naming) == proposal.owner_basis
    return STAYS if is_same else ANEW


def _naming(events: list[Event], *, source: str) -> Naming:
    return history.tell(events, authority.load().truths(source=source)).naming


def _events(proposal: Proposal, *, but: int | None = None) -> list[Event]:
    known = proposal.signals.exclude(result=Signal.Result.REFUSED).exclude(pk=but or 0)
    return [retelling.event_of(signal) for signal in known]


def _event(told: Told, message: Message) -> Event:
    return Event(
        id=0, target=told.target, occurred_at=told.occurred_at, stage=told.stage,
        fields=told.fields, tier=message.connection.tier, source=message.connection.slug,
    )  # fmt: skip


# --- Trying ---------------------------------------------------------------------------------------
def try_out(samples: list[Sample], *, masked: bool, at: datetime) -> list[Tried]:
    """Each sample under the rules in force, and under the draft where there is one."""
    live, draft = rulebook.in_force(), rulebook.draft()
    sets = [(f"In force: version {live.number}", live.rules)]
    if draft is not None:
        sets.insert(0, ("The draft", rules.read(draft.content)))
    with backtest.reading_only():
        return [
            Tried(
                sample,
                explaining.seen(sample.facts, masked=masked),
                [_path(name, rule_set, sample, at, masked) for name, rule_set in sets],
            )
            for sample in samples
        ]


def _path(name: str, rule_set: RuleSet, sample: Sample, at: datetime, masked: bool) -> Path:
    asked = explaining.path(rule_set, sample.facts, rulebook.names(rule_set), masked=masked)
    book = Book(rule_set, rehearsed=True)
    holder = sample.proposal.owner if sample.proposal else None
    made = assigning.decide(
        rule_set, sample.facts, roster=Roster(at=at), book=book, holder=holder
    )  # fmt: skip
    return Path(name, asked[:-1], asked[-1], made.owner, made.why, made.is_temporary)
