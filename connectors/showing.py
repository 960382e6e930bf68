"""Outcomes as a page shows them: in words, and only what this person may see of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors import holding, registry
from connectors.base import Idempotency
from connectors.holding import Held
from connectors.models import Connection, DeliveryAttempt, RecordLink
from connectors.registry import UnknownSystem
from meshline import masking
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import words
from proposals.models import Outcome, Proposal
from proposals.models.outcome import OPEN, State
from proposals.tiers import BUDGET, Tier

_SAYS = {
    one.kind: one
    for system in (registry.PEOPLE, *registry.SYSTEMS.values())
    for one in system.deliveries
}
_CLASSES = {
    Idempotency.NATIVE_KEY: "The other side knows our key: carried twice, it is one effect.",
    Idempotency.UPSERT: "Written by our own id: carried twice, it is one record.",
    Idempotency.LOOKUP_THEN_CREATE: "Looked up under our key first: twice is one record.",
    Idempotency.NONE: "The other side knows no key: after an unknown result a person decides.",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One outcome in a list."""

    outcome: Outcome
    says: str
    place: str
    held: Held | None
    error: str
    took: str

    @property
    def state(self) -> str:
        return State.HELD if self.held else self.outcome.state

    @property
    def is_open(self) -> bool:
        return self.outcome.state in OPEN


@dataclass(frozen=True)
class Sight:
    """How much of what went over the wire this person sees: everything, its shape, or nothing."""

    refusal: str
    masked: bool

    @classmethod
    def of(cls, user: User) -> "Sight":
        reach = scope(user, Permission.SEE_PAYLOADS)
        return cls(refusal_for(user, Permission.SEE_PAYLOADS), reach is Scope.MASKED)

    def data(self, value: Any) -> Any:
        return masking.structure(value) if self.masked else value


@dataclass(frozen=True)
class Call:
    """One call of an attempt; the credential was never kept."""

    method: str
    url: str
    status: str
    seconds: float | None
    is_fine: bool
    sent: Any
    answer: Any
    error: str

    @property
    def path(self) -> str:
        """The address without the connection's own part."""
        return urlsplit(self.url).path


@dataclass(frozen=True)
class Attempt:
    tried: DeliveryAttempt
    result: str
    calls: list[Call]


@dataclass(frozen=True)
class Place:
    """One id of a record in another system."""

    kind: str
    external_id: str
    url: str
    linked_at: datetime


def visible(user: User) -> Any:
    """The outcomes of the proposals this person may see."""
    outcomes = Outcome.objects.all()
    if scope(user, Permission.SEE_PROPOSALS) in (Scope.ALL, Scope.MASKED):
        return outcomes
    return outcomes.filter(proposal__in=Proposal.objects.visible_to(user))


def rows(outcomes: list[Outcome], *, masked: bool, at: datetime) -> list[Row]:
    """These outcomes in words; three questions however many they are."""
    held, names = holding.reasons(outcomes, at=at), _names()
    return [_row(one, held.get(one.pk), names, masked) for one in outcomes]


def row(outcome: Outcome, *, masked: bool, at: datetime) -> Row:
    return rows([outcome], masked=masked, at=at)[0]


def says(kind: str) -> str:
    """What carrying an outcome of this kind does."""
    if kind == "ticket.open":
        return "Open a ticket"
    known = _SAYS.get(kind)
    return known.says.capitalize() if known else kind.replace(".", " ").capitalize()


def idempotency(kind: str) -> tuple[str, str]:
    """The idempotency class of a kind, and what it means."""
    known = _SAYS.get(kind)
    if known is None:
        return "own transaction", "It happens here, together with what asks for it."
    return known.idempotency.value, _CLASSES[known.idempotency]


def attempts(outcome: Outcome, sight: Sight, *, masked: bool) -> list[Attempt]:
    """Every attempt, the newest first."""
    tried = DeliveryAttempt.objects.filter(outcome=outcome).order_by("-pk")
    return [
        Attempt(one, _text(one.result, masked), [_call(call, sight) for call in one.calls])
        for one in tried
    ]


def place_of(outcome: Outcome) -> Place | None:
    """Where the outcome's effect is over there."""
    link = (
        RecordLink.objects.filter(connection__slug=outcome.connection)
        .filter(external_id=outcome.external_id)
        .select_related("connection")
        .first()
        if outcome.external_id
        else None
    )
    return place(link) if link else None


def places(record: str) -> list[tuple[Connection, list[Place]]]:
    """Where a record is in the other systems, connection by connection."""
    found: dict[Connection, list[Place]] = {}
    links = RecordLink.objects.filter(record=record).select_related("connection")
    for link in links.order_by("connection__name", "kind", "pk"):
        found.setdefault(link.connection, []).append(place(link))
    return list(found.items())


def place(link: RecordLink) -> Place:
    return Place(link.kind, link.external_id, _page(link), link.linked_at)


def _page(link: RecordLink) -> str:
    try:
        system = registry.system(link.connection.system)
    except UnknownSystem:
        return ""
    base_url = link.connection.base_url or system.default_url
    options = system.told(link.connection.options)
    return system.page(base_url, link.kind, link.external_id, options)


def _names() -> dict[str, str]:
    named = dict(Connection.objects.values_list("slug", "name"))
    return {registry.PEOPLE.slug: registry.PEOPLE.name, **named}


def _row(outcome: Outcome, held: Held | None, names: dict[str, str], masked: bool) -> Row:
    return Row(
        outcome=outcome,
        says=says(outcome.kind),
        place=names.get(outcome.connection, outcome.connection),
        held=held,
        error=_text(outcome.last_error, masked),
        took=_took(outcome),
    )


def _took(outcome: Outcome) -> str:
    """How long a proven outcome took, of how much it had."""
    if outcome.proven_at is None:
        return ""
    budget = BUDGET[Tier(outcome.tier)]
    began = min(outcome.budget_ends_at - budget, outcome.promised_at)
    took = max(outcome.proven_at - began, timedelta(0))
    return f"{words.span(took)} of {words.span(budget)}"


def _text(text: str, masked: bool) -> str:
    return masking.words(text) if masked else text


def _call(call: dict[str, Any], sight: Sight) -> Call:
    status = call.get("status")
    hidden = bool(sight.refusal)
    return Call(
        method=str(call.get("method", "")),
        url=str(call.get("url", "")),
        status=str(status) if status is not None else "no answer",
        seconds=call.get("seconds"),
        is_fine=status is not None and status < 400,
        sent=None if hidden else sight.data(call.get("body") or call.get("params")),
        answer=None if hidden else sight.data(call.get("answer")),
        error=str(call.get("error", "")),
    )
