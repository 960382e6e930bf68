"""What must follow from a history under its contracts: pure, no database, no clock."""

import hashlib
import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshline import clauses
from meshline.clauses import Condition
from proposals.contracts import conditions
from proposals.contracts.gates import Gate
from proposals.history import Episode, History
from proposals.states import State
from proposals.tiers import Tier


@dataclass(frozen=True)
class OutcomeSpec:
    """One outcome a contract asks for.

    `wanted` are the states during which it still makes sense: once the proposal leaves them, what
    is not carried yet is called off, and what was carried is undone by `undo`, if there is one.
    `mirrors` outcomes follow the record's content: a changed content is carried anew. What may
    happen `once` in a proposal's life is not done again when its trigger comes about once more.
    An `optional` one is asked for only where something plays its target's part. With `facts` it
    takes the proposal's content along, as of the promise. With a `gate` it waits for somebody's
    approval first.
    """

    name: str
    kind: str
    target: str
    wanted: frozenset[State]
    params: dict[str, Any] = field(default_factory=dict)
    undo: str = ""
    mirrors: bool = False
    once: bool = False
    optional: bool = False
    facts: bool = False
    gate: Gate | None = None
    # What proves it; empty: as usual for its kind.
    proof: str = ""

    @property
    def may_be_tried(self) -> bool:
        """Whether what is synthetic may ask for it: it is for the CRM alone, never for billing or
        for people, and waits for nobody's approval."""
        return self.target == "crm" and self.gate is None


@dataclass(frozen=True)
class ContractSpec:
    """One version of a contract: it counts where its condition holds for the record as told.

    It is in force for what came in `since` (its own id) and before `until` (that of the version
    that replaced it). With a `tier` of its own it does not go by that of what brought the event.
    """

    id: int
    slug: str
    trigger: State
    outcomes: tuple[OutcomeSpec, ...]
    condition: Condition = clauses.ALWAYS
    tier: Tier | None = None
    since: int = 0
    until: int | None = None

    def is_in_force(self, under: int | None) -> bool:
        """Whether it counts for an episode that was first heard of under these contracts."""
        if under is None:
            return self.until is None
        return self.since <= under and (self.until is None or under < self.until)


@dataclass(frozen=True)
class Wanted:
    """One outcome that must exist, and for which episode of the history."""

    contract: ContractSpec
    spec: OutcomeSpec
    episode: Episode


@dataclass(frozen=True)
class Made:
    """An outcome that exists already, as far as matching needs to know it."""

    id: int
    slug: str
    name: str
    signal_id: int | None
    digest: str
    is_cancelled: bool
    # No longer asked for, although it is out there or on its way.
    is_unwanted: bool = False
    # Another one was forced in its place: it stands for nothing any more.
    is_replaced: bool = False


@dataclass
class Plan:
    """What to do so that exactly the wanted outcomes stand."""

    create: list[tuple[Wanted, int]] = field(default_factory=list)  # with its running number
    revive: list[int] = field(default_factory=list)
    # Asked for again before anything was taken back.
    keep: list[int] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)


def spec_from(row: dict[str, Any]) -> OutcomeSpec:
    """An outcome as it stands in a contract's JSON."""
    return OutcomeSpec(
        name=row["name"],
        kind=row["kind"],
        target=row["target"],
        wanted=frozenset(State(state) for state in row["wanted"]),
        params=row.get("params", {}),
        undo=row.get("undo", ""),
        mirrors=row.get("mirrors", False),
        once=row.get("once", False),
        optional=row.get("optional", False),
        facts=row.get("facts", False),
        gate=Gate(**row["gate"]) if row.get("gate") else None,
        proof=row.get("proof", ""),
    )


def condition_from(node: dict[str, Any]) -> Condition:
    """A condition as it stands in a contract's JSON; an empty one holds always."""
    return clauses.read(node, conditions.FIELDS) if node else clauses.ALWAYS


def wanted(
    history: History,
    contracts: Iterable[ContractSpec],
    *,
    played: Container[str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> list[Wanted]:
    """Every outcome that must stand, given how the story went; `played` are the parts (targets)
    that something plays (None: all of them), `facts` what is so of the record as told.

    An outcome is wanted when its trigger's episode took place, the condition of the contract that
    was in force then holds, and the proposal has not left the states it is wanted in since.
    """
    by_trigger: dict[State, list[ContractSpec]] = {}
    for contract in contracts:
        if contract.condition.holds(facts or {}):
            by_trigger.setdefault(contract.trigger, []).append(contract)
    stretches: list[list[Wanted]] = []
    # From the end: `later` holds the states the story went through after this episode.
    later: set[State] = set()
    single: set[str] = set()
    for episode in reversed(history.episodes):
        if episode.events:
            asked = [
                Wanted(contract, spec, episode)
                for contract in by_trigger.get(episode.state, ())
                if contract.is_in_force(episode.under)
                for spec in contract.outcomes
                if later <= spec.wanted
                and spec.name not in single
                and (not spec.optional or played is None or spec.target in played)
            ]
            # Mirrors of an earlier episode give way to those of a later one.
            single |= {one.spec.name for one in asked if one.spec.mirrors or one.spec.once}
            stretches.append(asked)
        later.add(episode.state)
    # In the order of the story, and within a contract in its own: the deal before its task.
    return [want for asked in reversed(stretches) for want in asked]


def by_hand(
    history: History, made: Iterable[tuple[ContractSpec, OutcomeSpec, int | None]]
) -> list[Wanted]:
    """What people promised beyond their contracts, of what episode, as long as it makes sense."""
    known = list(made)
    found: list[Wanted] = []
    later: set[State] = set()
    for episode in reversed(history.episodes):
        found += [
            Wanted(contract, spec, episode)
            for contract, spec, signal_id in known
            if signal_id in episode.events and later <= spec.wanted
        ]
        later.add(episode.state)
    return found


def plan(required: list[Wanted], made: list[Made], digests: dict[str, str]) -> Plan:
    """Compare what must stand with what was made before.

    An outcome belongs to the episode that holds its signal, so that an event that comes late and
    turns out to be the first of its episode does not make a second outcome. `digests` says, per
    outcome name, the content a mirror must have now.
    """
    result = Plan()
    kept: set[int] = set()
    for want in required:
        mine = _of(want, made)
        digest = digests.get(want.spec.name, "") if want.spec.mirrors else ""
        live = [one for one in mine if not one.is_cancelled]
        same = [one for one in mine if one.is_cancelled and one.digest == digest]
        if live and live[-1].digest == digest:
            kept.add(live[-1].id)
            if live[-1].is_unwanted:
                result.keep.append(live[-1].id)
        elif same and not live:
            result.revive.append(same[-1].id)
            kept.add(same[-1].id)
        else:
            result.create.append((want, next_number(want, made)))
    standing = [one.id for one in made if not (one.is_cancelled or one.is_replaced)]
    result.drop = [pk for pk in standing if pk not in kept]
    return result


def digest(content: dict[str, Any]) -> str:
    """A short fingerprint of what a mirror shows."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _of(want: Wanted, made: list[Made]) -> list[Made]:
    return [
        one
        for one in made
        if (one.slug, one.name) == (want.contract.slug, want.spec.name)
        and not one.is_replaced
        and (want.spec.once or one.signal_id in want.episode.events)
    ]


def next_number(want: Wanted, made: list[Made]) -> int:
    same = [one for one in made if (one.slug, one.name) == (want.contract.slug, want.spec.name)]
    return len(same) + 1
