"""What a connector is: how a system proves itself, how its words become ours, and ours its."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from connectors import mapping, parsing
from connectors.elements import Element
from connectors.mapping import Mapped
from connectors.polls import Mode, Poll
from meshline.audit.actors import Actor
from proposals.signals import FIELDS, Incoming
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


POLL_EVERY = "poll_every"
_MINUTES = re.compile(r"0|[1-9][0-9]{0,3}")


def _minutes(value: str) -> str:
    if _MINUTES.fullmatch(value) and int(value) <= 1440:
        return ""
    return "Look every: a whole number of minutes up to 1440; 0 is never."


POLLING = Option(
    POLL_EVERY,
    "Look every",
    "Minutes between two looks for what no webhook told; 0 is never. It needs the credential.",
    default="5",
    check=_minutes,
)


class Refused(Exception):
    """A POST whose sender is not who they should be (401); the sentence is kept with it."""


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
    # Which part of the record it is about over there, where it is one: "task:512".
    piece: str = ""


@dataclass(frozen=True)
class Words:
    """The words in which a system says a state: where they stand, what each says by itself (None:
    nothing), and what becomes of a word that is not among them, as half a sentence."""

    where: str
    known: Mapping[str, State | None]
    otherwise: str
    # Compared in small letters, whatever the sender writes.
    lowered: bool = False


@dataclass(frozen=True)
class Feigned:
    """A proposal that is not there, of which something is told `at` that moment, as `key` tells.

    `source` is the connection whose document it is, and which tells it; `url` is where that sends
    to, as it knows it, and `options` are the connection's; `word` is how that says the state, empty
    where its system has no words or none says it.
    """

    key: str
    source: str
    external_id: str
    title: str
    at: datetime
    amount: str = "1.00"
    currency: str = "EUR"
    contact_name: str = "Meshline canary"
    contact_email: str = "canary@canary.example.com"
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    word: str = ""


@dataclass(frozen=True)
class Signed:
    """A POST as its sender would make it: JSON to the byte, with what proves it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Feint:
    """What a system tells for its canary, and how it would `post` that, signed by that secret.

    What tells of another's document needs one that is there before: it `stands` in that state. It
    is named by its source and id, or known by a `thing` of theirs, as (kind, id).
    """

    post: Callable[[Feigned, str], Signed]
    says: State = State.SENT
    # None: it brings its document itself.
    stands: State | None = None
    thing: tuple[str, str] | None = None


@dataclass(frozen=True)
class Emitter:
    """A system that may send signals.

    `verify` returns how the sender proved itself, or raises Refused. `split` cuts a POST into its
    events or raises Unreadable. `translate` turns one event's bytes, and the options of its
    connection, into what it tells; it raises Unreadable or Ignored. Where there are `words`, it
    takes as its third what each of them says, instead of what they say by themselves.
    """

    verify: Callable[[Post, list[str]], str]
    split: Callable[[Post], list[Element]]
    translate: Callable[..., Told]
    content_types: frozenset[str] = frozenset({"application/json"})
    # What a connection may map: words that say a state, and the canonical fields its documents
    # tell, each with where its connector finds it, in words.
    words: Words | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    # How it writes money: (value, currency, field=, at=) -> amount and currency.
    money: Callable[..., dict[str, str]] = parsing.amount
    # None: it has no canary.
    canary: Feint | None = None
    # Which of its things an event is about, as (kind, id), whatever it says of them; never raises.
    names: Callable[[bytes], frozenset[tuple[str, str]]] | None = None

    @property
    def maps(self) -> bool:
        """Whether there is anything that a connection may map."""
        return bool(self.words or self.fields)

    def tell(
        self, payload: bytes, options: Mapping[str, str], mapped: Mapped = mapping.NOTHING_MAPPED
    ) -> Told:
        """What an event tells by its connector, and by what its connection maps beyond that.

        What is another system's document is told without fields of the mapping's.
        """
        words = [self._says(mapped)] if self.words and mapped.words else []
        told = self.translate(payload, options, *words)
        if not mapped.fields or told.is_secondary:
            return told
        more = mapping.fields_of(
            parsing.parse(payload), mapped, own=told.fields, longest=FIELDS, money=self.money
        )
        return replace(told, fields={**told.fields, **more})

    def word_for(self, state: State, mapped: Mapped) -> str:
        """A word by which it says that state, its own before a mapped one; empty without one."""
        return next((word for word, says in self._says(mapped).items() if says is state), "")

    def _says(self, mapped: Mapped) -> dict[str, State | None]:
        return {**(self.words.known if self.words else {}), **mapped.words}


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
    # What of a record it keeps equal over there. A blank one is neither written nor compared.
    shows: frozenset[str] = frozenset()
    # What else it is told, made of what the outcome says: a value of its own to keep equal there.
    also: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda params: {}
    # What it must be told and cannot do without.
    needs: frozenset[str] = frozenset()


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
        # Which of our credentials it was told, by its row; said by whoever called with it.
        self.credential: int | None = None


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
    # Where a person looks at a record over there: (base_url, kind, id, options) -> URL, or "".
    page: Callable[[str, str, str, Mapping[str, str]], str] = lambda base_url, kind, pk, options: ""
    # A cheap call that proves address and credential: returns a sentence, raises Trouble.
    probe: Callable[[Any], str] | None = None
    # Whether the credential is the signing secret's only use ("push-only" without it).
    credential_label: str = "API key"
    signing_label: str = "Signing secret"
    options: tuple[Option, ...] = ()
    # What of it can be looked through, for what no webhook told.
    polls: tuple[Poll, ...] = ()
    # An invoice that was read, as its webhook would have told it: (bytes, key=, at=) -> event.
    invoice_told: Callable[..., Element] | None = None

    def option(self, name: str) -> Option | None:
        return next((one for one in self.options if one.name == name), None)

    def told(self, options: Mapping[str, str]) -> dict[str, str]:
        """Every option of this system, as told or as it is by itself."""
        return {one.name: options.get(one.name) or one.default for one in self.options}

    def delivery(self, kind: str) -> Delivery | None:
        return next((one for one in self.deliveries if one.kind == kind), None)

    def poll(self, kind: str, mode: str) -> Poll | None:
        """How records of this kind are read in that mode; None where they cannot be."""
        fits = (one for one in self.polls if one.kind == kind and Mode(mode) in one.modes)
        return next(fits, None)


def stand_in_page(
    base_url: str, kind: str, pk: str, options: Mapping[str, str] = NO_OPTIONS
) -> str:
    """The stand-ins show a record's page beside their API."""
    return f"{base_url}/app/{kind}s/{pk}" if base_url.startswith("http://") else ""


def incoming(
    told: Told, *, origin: str, source: str, tier: Tier, received_at: datetime, tiebreak: str,
    by: Actor, under: int | None = None, aside: str = "", is_synthetic: bool = False,
) -> Incoming:  # fmt: skip
    """What a message told, as the core takes it."""
    return Incoming(
        origin=origin, kind=told.kind, source=source, record_source=told.about or source,
        external_id=told.external_id, occurred_at=told.occurred_at, received_at=received_at,
        by=by, target=told.target, closes=told.closes, tier=tier, fields=told.fields,
        stage=told.stage, tiebreak=tiebreak, under=under, aside=aside, piece=told.piece,
        is_synthetic=is_synthetic,
    )  # fmt: skip
