"""What a connector is: how a system proves itself, how its words become ours, and ours its."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from meshline.audit.actors import Actor
from proposals.signals import Incoming
from proposals.states import State
from proposals.tiers import Tier

NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Post:
    """One POST as it came in; header names in lower case; `at` by the database's clock.

    `url` is the address as the sender knows it (PUBLIC_URL, path and query); `options` are its
    connection's.
    """

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    at: datetime
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """One thing that a connection to a system may be told beside its address and secrets.

    The first of `choices` counts where nothing is said; without choices any line of text will do,
    as far as `check` has nothing against it (a sentence; empty: fine).
    """

    name: str
    label: str
    help: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    check: Callable[[str], str] = lambda value: ""

    def refusal(self, value: str) -> str:
        """Why it cannot be `value`, as a sentence; empty when it can."""
        if self.choices and value not in self.choices:
            return f"{self.label} is one of {', '.join(self.choices)}."
        return self.check(value)


class Refused(Exception):
    """A POST whose sender is not who they should be (401); the sentence is kept with it."""


@dataclass(frozen=True)
class Element:
    """One event in a POST: its idempotency key and its own bytes.

    `stable` is the part that is equal in honest repeats. `known` is False for an event type
    that this connector does not translate: kept, and ignored.
    """

    key: str
    payload: bytes
    type: str = ""
    stable: bytes | None = None
    known: bool = True


class Ignored(Exception):
    """An event that says nothing for us; the sentence says why."""


@dataclass(frozen=True)
class Told:
    """What a message says, before Meshline adds who brought it and when."""

    kind: str
    external_id: str
    occurred_at: datetime
    target: State | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    # The connection whose document it is about, when that is not the sender's own.
    about: str = ""
    # The state it says beyond `target` where its sender is the authority for that.
    closes: State | None = None
    # Of the events of one instant: where this one stands in its record's life over there ("02").
    stage: str = ""
    # Where it names no document: what of theirs it is about, as (kind, id). The first that is in
    # the crosswalk says which record that is.
    known_as: tuple[tuple[str, str], ...] = ()
    # What is theirs of this record, to be kept in the crosswalk, as (kind, id).
    links: tuple[tuple[str, str], ...] = ()
    # It tells of a record that another system must have brought before.
    is_secondary: bool = False


@dataclass(frozen=True)
class Emitter:
    """A system that may send signals.

    `verify` returns how the sender proved itself, or raises Refused. `split` cuts a POST into its
    events or raises Unreadable. `translate` turns one event's bytes, and the options of its
    connection, into what it tells; it raises Unreadable or Ignored.
    """

    verify: Callable[[Post, list[str]], str]
    split: Callable[[Post], list[Element]]
    translate: Callable[[bytes, Mapping[str, str]], Told]
    content_types: frozenset[str] = frozenset({"application/json"})


class Idempotency(StrEnum):
    """How a delivery stays one effect over many tries."""

    NATIVE_KEY = "native key"  # the other side knows our key
    UPSERT = "upsert by external id"
    LOOKUP_THEN_CREATE = "look up, then create"
    NONE = "none"  # never tried again after an unknown result


@dataclass(frozen=True)
class Found:
    """What a delivery or a proof came back with: the id over there, and a sentence."""

    external_id: str
    kind: str = ""
    sentence: str = ""
    # The e-mail of the owner it was given there; and what a person should know although it
    # worked: that the other system has nobody by that e-mail.
    owner: str = ""
    gap: str = ""


@dataclass(frozen=True)
class Delivery:
    """One kind of outcome a system can carry: how, how safely, and how it is proven."""

    kind: str
    says: str
    idempotency: Idempotency
    deliver: Callable[["Errand"], Found]
    # None when it is not there (yet).
    prove: Callable[["Errand"], Found | None]


@dataclass
class Errand:
    """An outcome on its way: what to carry, through which client, and what is known of it."""

    key: str
    kind: str
    params: dict[str, Any]
    record: str
    client: Any
    at: datetime
    # When it was promised: the same over all attempts.
    promised_at: datetime
    external_id: str = ""
    # True when an earlier try may have reached the other side.
    may_exist: bool = False
    # Ids of the same record over there, by kind.
    links: dict[str, str] = field(default_factory=dict)
    # What its connection is told beside address and secrets.
    options: Mapping[str, str] = field(default_factory=dict)


class Trouble(Exception):
    """A delivery that did not work out, in words, and what to make of it.

    `permanent`: no retry will help. `unknown`: the other side may have acted. `credentials`: it
    refused who we are. `retry_after` seconds were asked for. `status` is the HTTP status, if any.
    """

    def __init__(
        self, sentence: str, *, failure: str, permanent: bool = False, unknown: bool = False,
        credentials: bool = False, retry_after: float | None = None, status: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(sentence)
        self.failure = failure
        self.permanent = permanent
        self.unknown = unknown
        self.credentials = credentials
        self.retry_after = retry_after
        self.status = status


@dataclass(frozen=True)
class System:
    """One outside system: its name, the part it plays, its doors in and out."""

    slug: str
    name: str
    role: str = ""
    emitter: Emitter | None = None
    deliveries: tuple[Delivery, ...] = ()
    # Makes a client for a connection: (base_url, credential, allow_loopback, log) -> client.
    client: Callable[..., Any] | None = None
    default_url: str = ""
    # Where a person looks at a record over there: (base_url, kind, id) -> URL, or "".
    page: Callable[[str, str, str], str] = lambda base_url, kind, pk: ""
    # A cheap call that proves address and credential: returns a sentence, raises Trouble.
    probe: Callable[[Any], str] | None = None
    # Whether the credential is the signing secret's only use ("push-only" without it).
    credential_label: str = "API key"
    signing_label: str = "Signing secret"
    options: tuple[Option, ...] = ()

    def option(self, name: str) -> Option | None:
        return next((one for one in self.options if one.name == name), None)

    def told(self, options: Mapping[str, str]) -> dict[str, str]:
        """Every option of this system, as told or as it is by itself."""
        return {one.name: options.get(one.name) or one.default for one in self.options}

    def delivery(self, kind: str) -> Delivery | None:
        return next((one for one in self.deliveries if one.kind == kind), None)


def stand_in_page(base_url: str, kind: str, pk: str) -> str:
    """The stand-ins show a record's page beside their API; the real ones need account ids."""
    return f"{base_url}/app/{kind}s/{pk}" if base_url.startswith("http://") else ""


def incoming(
    told: Told, *, origin: str, source: str, tier: Tier, received_at: datetime, tiebreak: str,
    by: Actor,
) -> Incoming:  # fmt: skip
    """What a message told, as the core takes it."""
    return Incoming(
        origin=origin, kind=told.kind, source=source, record_source=told.about or source,
        external_id=told.external_id, occurred_at=told.occurred_at, received_at=received_at,
        by=by, target=told.target, closes=told.closes, tier=tier, fields=told.fields,
        stage=told.stage, tiebreak=tiebreak,
    )  # fmt: skip
