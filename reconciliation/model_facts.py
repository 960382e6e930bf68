"""The operating model as facts, for the lints and the map: what is agreed, how it stands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proposals.contracts.gates import Known
from proposals.states import State


@dataclass(frozen=True)
class Door:
    """A connection: whether it runs, answers and has what it needs, and what it can carry."""

    slug: str
    name: str
    status: str = "active"
    why: str = ""
    answers: bool = True
    has_credential: bool = True
    carries: frozenset[str] = frozenset()
    owner: str = ""
    owner_is_active: bool = True
    # Whether there is something it may map; the fields that its connector or its mapping reads in
    # what it sends, None where it brings no documents.
    is_mapped: bool = False
    tells: frozenset[str] | None = None


@dataclass(frozen=True)
class Asked:
    """One outcome that a live contract asks for."""

    contract: str
    name: str
    kind: str
    target: str
    trigger: State
    wanted: frozenset[State] = frozenset()
    optional: bool = False
    # What its texts name: "title", "amount".
    places: frozenset[str] = frozenset()
    params: str = ""
    # Whom it waits for, and who answers when it fails, as the contract's words say.
    gate: str = ""
    owner: str = ""
    # What people call the contract; without it, it goes by its slug.
    contract_name: str = ""
    # Where alone the contract counts, as its JSON.
    condition: dict[str, Any] = field(default_factory=dict)

    @property
    def of(self) -> str:
        """The contract inside a sentence."""
        return f"“{self.contract_name or self.contract}”"


@dataclass(frozen=True)
class Answer:
    """Who answers for a process: who is named, who of them is here no longer or is given no work,
    who it is now."""

    process: str
    label: str
    accountable: tuple[str, ...] = ()
    responsible: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    # Of the responsible, why they would not work its tickets.
    no_work: tuple[str, ...] = ()
    now: str = ""
    is_fallback: bool = False


@dataclass(frozen=True)
class Promise:
    """An SLA, in business minutes; `kind` is empty for a severity's default."""

    pk: int
    kind: str
    severity: str
    ack: int
    fix: int


@dataclass(frozen=True)
class Rota:
    """A team's calendar and rota over the days looked at: gaps, and how far the shifts reach."""

    team: str
    name: str
    is_kept: bool
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    # Business minutes from now until the last shift ends.
    reach: int = 0
    ends_at: datetime | None = None


@dataclass(frozen=True)
class OnCallTwice:
    """Somebody who is on call for two teams at once, over the days looked at."""

    name: str
    teams: tuple[str, str]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Unable:
    """Somebody is on call for a team that has tickets, and why they would not work them."""

    team: str
    why: str


@dataclass(frozen=True)
class Hours:
    """A calendar, and its business minutes in the two years from now."""

    pk: int
    name: str
    minutes: int


@dataclass(frozen=True)
class Source:
    """What a connection's latest events told: the fields that were ever filled."""

    connection: str
    name: str
    events: int
    told: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """A routing rule: its condition as data, None for one that always holds; whom it names; the
    sources it asks for that no connection is any more."""

    name: str
    when: Any
    people: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything the lints look at, as of one moment."""

    doors: tuple[Door, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[Asked, ...] = ()
    # Named authorities by part ("quoting"), as far as anything is named.
    authorities: Mapping[str, str] = field(default_factory=dict)
    # Fields whose authority has never told them -> that connection's name.
    silent: Mapping[str, str] = field(default_factory=dict)
    processes: tuple[Answer, ...] = ()
    promises: tuple[Promise, ...] = ()
    rotas: tuple[Rota, ...] = ()
    doubles: tuple[OnCallTwice, ...] = ()
    unable: tuple[Unable, ...] = ()
    calendars: tuple[Hours, ...] = ()
    sources: tuple[Source, ...] = ()
    # None where routing knows no rules yet.
    rules: tuple[Rule, ...] | None = None
    # What texts may name -> the fields behind it.
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fallback: str = ""
    fallback_is_active: bool = True
    # Why they would not work what falls to them.
    fallback_no_work: str = ""
    # By the words of their gates, who may decide now.
    deciders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Whom contracts may name.
    known: Known = field(default_factory=Known)
    # Who is no longer active, by e-mail; who of them still has open work, and how much.
    gone: frozenset[str] = frozenset()
    left_behind: Mapping[str, int] = field(default_factory=dict)
    # Teams without anybody active who answer for something.
    empty_teams: tuple[str, ...] = ()
    # Contracts by name, and the sources they ask for that no connection is any more.
    strange: tuple[tuple[str, str], ...] = ()
    # Chains of stand-ins that come back to where they began.
    circles: tuple[tuple[str, ...], ...] = ()

    def door(self, slug: str) -> Door | None:
        return next((one for one in self.doors if one.slug == slug), None)
