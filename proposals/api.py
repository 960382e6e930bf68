"""Proposals and signals for scripts. Where a proposal is elsewhere, the doors above know."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import Http404
from ninja import Query, Router, Schema

from meshline import masking
from meshline.people.permissions import Permission, Scope, may
from meshline.web.requests import Request
from meshline.web.rest import finding, words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.refusals import scope_of
from meshline.web.rest.shapes import Link, Moment, Money, Page, Person, answers
from meshline.web.rest.words import Asked, Id, OneOf, Text, Words
from proposals import search
from proposals.models import Proposal, Signal
from proposals.states import State

PLACE, SIGNAL_PLACE = Cursor.of("p"), Cursor.of("s")
# Of what a signal tells, this is neither about a person nor an amount.
_OPEN_FIELDS = {"title", "currency"}


# The links of several records ("proposal:17") at once.
LinksOf = Callable[[Iterable[str]], Mapping[str, list[Link]]]


class ProposalsAsked(Asked):
    state: Annotated[str | None, OneOf(tuple(State))] = None
    owner: words.Owner = None
    external_id: Text = None
    q: Text = None
    after: Annotated[int | None, PLACE] = None


class Contact(Schema):
    name: str
    email: str


class ProposalShape(Schema):
    """A proposal; its contact and its amount are masked for who sees masked."""

    id: int
    title: str
    state: str
    since: Moment | None
    owner: Person
    owner_is_temporary: bool
    amount: Money | None
    contact: Contact
    source: str
    external_id: str
    version: int
    links: list[Link]
    hold: str | None
    next_follow_up_at: Moment | None
    created_at: Moment
    changed_at: Moment


class SignalsAsked(Asked):
    source: Annotated[str | None, Words(60)] = None
    kind: Annotated[str | None, Words(60)] = None
    record: words.Record = None
    after: Annotated[int | None, SIGNAL_PLACE] = None


class SignalShape(Schema):
    """What happened outside, in our words. `message` is told to who may see messages."""

    id: int
    kind: str
    occurred_at: Moment
    received_at: Moment
    source: str
    external_id: str
    fields: dict[str, Any]
    record: str
    message: str | None
    result: str
    why: str


# --- Proposals -------------------------------------------------------------------------------
def proposals_router(links_of: LinksOf) -> Router:
    """The proposals, with the links that a room above knows of."""
    router = Router(tags=["proposals"])

    @router.get("", response=answers(Page[ProposalShape]), operation_id="proposals")
    def proposals(request: Request, asked: Query[ProposalsAsked]) -> Page[ProposalShape]:
        """Proposals, the newest first; `q` finds words and beginnings of words."""
        masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
        rows, following = PLACE.page(
            _narrowed(request, asked, masked), after=asked.after, limit=asked.limit
        )
        return Page[ProposalShape](items=_shapes(rows, links_of, masked), next=following)

    @router.get("/{id}", response=answers(ProposalShape, 404), operation_id="proposal")
    def proposal(request: Request, id: Id) -> ProposalShape:
        """One proposal."""
        masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
        found = list(_visible(request).filter(pk=id))
        if not found:
            raise Http404
        return _shapes(found, links_of, masked)[0]

    return router


def _visible(request: Request) -> Any:
    return Proposal.objects.visible_to(request.user).select_related("owner")


def _narrowed(request: Request, asked: ProposalsAsked, masked: bool) -> QuerySet:
    rows = _visible(request)
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.owner:
        rows = rows.filter(finding.owned_by(asked.owner))
    if asked.external_id:
        rows = rows.filter(external_id=asked.external_id)
    return search.matching(rows, asked.q, masked=masked) if asked.q else rows


def _shapes(rows: list[Proposal], links_of: LinksOf, masked: bool) -> list[ProposalShape]:
    links = links_of([row.record for row in rows])
    return [_shape(row, links.get(row.record, []), masked) for row in rows]


def _shape(row: Proposal, links: list[Link], masked: bool) -> ProposalShape:
    return ProposalShape(
        id=row.pk, title=row.title, state=row.state, since=row.since,
        owner=Person.of(row.owner), owner_is_temporary=row.owner_is_temporary,
        amount=Money.of(row.amount, row.currency, masked=masked),
        contact=Contact(
            name=_personal(row.contact_name, masked), email=_personal(row.contact_email, masked)
        ),
        source=row.source, external_id=row.external_id, version=row.version, links=links,
        hold=row.hold or None,
        next_follow_up_at=row.next_follow_up_at,
        created_at=row.created_at, changed_at=row.changed_at,
    )  # fmt: skip


def _personal(value: str, masked: bool) -> str:
    return masking.MASK if masked and value else value


# --- Signals ---------------------------------------------------------------------------------
signals_router = Router(tags=["signals"])


@signals_router.get("", response=answers(Page[SignalShape]), operation_id="signals")
def signals(request: Request, asked: Query[SignalsAsked]) -> Page[SignalShape]:
    """Signals, the newest first."""
    masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
    rows = _signals(request)
    if asked.source:
        rows = rows.filter(source=asked.source)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.record:
        rows = rows.filter(finding.of_proposal(asked.record))
    found, following = SIGNAL_PLACE.page(rows, after=asked.after, limit=asked.limit)
    return Page[SignalShape](items=[_signal(row, request, masked) for row in found], next=following)


@signals_router.get("/{id}", response=answers(SignalShape, 404), operation_id="signal")
def signal(request: Request, id: Id) -> SignalShape:
    """One signal."""
    masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
    found = _signals(request).filter(pk=id).first()
    if found is None:
        raise Http404
    return _signal(found, request, masked)


def _signals(request: Request) -> QuerySet:
    seen = scope_of(request, Permission.SEE_PROPOSALS)
    if seen in (Scope.ALL, Scope.MASKED):
        return Signal.objects.all()
    return Signal.objects.filter(proposal__in=Proposal.objects.visible_to(request.user))


def _signal(row: Signal, request: Request, masked: bool) -> SignalShape:
    kind, _, pk = row.origin.partition(":")
    told = kind == "message" and may(request.user, Permission.SEE_PAYLOADS)
    return SignalShape(
        id=row.pk, kind=row.kind, occurred_at=row.occurred_at, received_at=row.received_at,
        source=row.source, external_id=row.external_id,
        fields=_masked(row.fields) if masked else row.fields,
        record=f"proposal:{row.proposal_id}", message=pk if told else None,
        result=row.result, why=masking.words(row.why) if masked else row.why,
    )  # fmt: skip


def _masked(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if name in _OPEN_FIELDS or value in (None, "") else masking.MASK
        for name, value in fields.items()
    }
