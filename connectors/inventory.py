"""The inventory of systems: what each sends and says, what it is asked to carry, and by whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from connectors import metrics, parts, registry
from connectors.base import System
from connectors.metrics import Standing
from connectors.models import Connection
from meshline.policy import roles
from proposals import authority
from proposals.authority import Authorities
from proposals.contracts import asked_for, sentences
from proposals.contracts.asked_for import Asked
from proposals.contracts.sentences import PARTS
from proposals.states import State


@dataclass(frozen=True)
class Carried:
    """What contracts ask of a part, in words, and the states it follows from."""

    sentence: str
    states: list[State]


@dataclass(frozen=True)
class Place:
    """One connection in the inventory."""

    standing: Standing
    system: System
    # The parts it plays, in words.
    plays: list[str]
    # What it is the authority for, in words.
    says: list[str]
    carries: list[Carried] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        return self.standing.connection


@dataclass(frozen=True)
class Part:
    """A part, who plays it, and what contracts ask of it."""

    name: str
    label: str
    connection: Connection | None
    asked: list[Carried]
    # What is wrong: nothing plays it though it is asked for, or who does cannot.
    gap: str = ""


@dataclass(frozen=True)
class Inventory:
    parts: list[Part]
    emitters: list[Place]
    consumers: list[Place]


def take(*, at: datetime) -> Inventory:
    """Everything that is connected, as of now."""
    found = list(Connection.objects.select_related("owner").order_by("name", "pk"))
    played, asked = roles.connections(), asked_for.of_all()
    authorities = authority.load()
    places = [_place(one, played, asked, authorities) for one in metrics.standings(found, at=at)]
    return Inventory(
        parts=[part(name) for name in parts.known()],
        emitters=[one for one in places if one.system.emitter],
        consumers=[one for one in places if one.system.deliveries],
    )


def _place(
    standing: Standing, played: dict[str, str], asked: Iterable[Asked], authorities: Authorities
) -> Place:
    slug, system = standing.connection.slug, registry.system(standing.connection.system)
    mine = [name for name, by in played.items() if by == slug]
    return Place(
        standing=standing,
        system=system,
        plays=[PARTS.get(name, name) for name in mine],
        says=authorities.says(slug, brings_proposals=system.role == parts.QUOTING),
        carries=_carried(one for one in asked if one.spec.target in mine),
    )


def part(name: str) -> Part:
    """One part as it stands."""
    there = Connection.objects.filter(slug=roles.connection_for(name)).first()
    mine = [one for one in asked_for.of_all() if one.spec.target == name]
    needed = [one for one in mine if not one.spec.optional]
    gap = parts.refusal(name, there.slug) if there else ""
    if there is None and needed:
        gap = "Contracts ask for it, and nothing plays it: what is promised waits."
    return Part(name, label(name), there, _carried(mine), gap)


def label(name: str) -> str:
    """A part at the beginning of a sentence."""
    said = PARTS.get(name, name)
    return said[:1].upper() + said[1:]


def _carried(asked: Iterable[Asked]) -> list[Carried]:
    """Deed by deed, each with its states in the order of a proposal's life."""
    by_deed: dict[str, list[State]] = {}
    for one in sorted(asked, key=lambda one: list(State).index(one.trigger)):
        said = sentences.deed(one.spec.kind, one.spec.name)
        by_deed.setdefault(said[:1].upper() + said[1:], []).append(one.trigger)
    return [Carried(said, states) for said, states in by_deed.items()]
