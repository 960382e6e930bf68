"""Messages and outcomes for scripts, and where records are in other systems."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import Http404
from ninja import Query, Router, Schema

from connectors import looking, showing
from connectors.models import Message, RecordLink, RejectedReceipt
from exceptions.models import Occurrence, Ticket
from meshline import instant, masking
from meshline.people.permissions import Permission, Scope
from meshline.web.requests import Request
from meshline.web.rest import finding, words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.refusals import scope_of
from meshline.web.rest.shapes import Link, Moment, Page, answers
from meshline.web.rest.words import Asked, Id, OneOf, Words
from proposals.models import Outcome
from proposals.models.outcome import State

MESSAGE_PLACE, OUTCOME_PLACE = Cursor.of("m"), Cursor.of("o")
# A refused post is no message: it never occupied a key, and its id says so.
REJECTED = "rejected"
_REJECTED_ID = f"{REJECTED}-"
_LISTED = ("pk", "received_at", "connection__slug", "type", "key", "status", "why", "duplicates",
           "record", "signal_id", "digested_at")  # fmt: skip
MessageId = Annotated[
    str,
    Words(
        27, r"^(rejected-)?[1-9][0-9]{0,17}$", "must be a message's id, such as 4711 or rejected-12"
    ),
]


class MessagesAsked(Asked):
    connection: words.Slug = None
    key: Annotated[str | None, Words(300)] = None
    status: Annotated[str | None, OneOf((*Message.Status.values, REJECTED))] = None
    after: Annotated[int | None, MESSAGE_PLACE] = None


class MessageShape(Schema):
    """One event as it came, or a refused post, whose id begins with "rejected-"."""

    id: str
    connection: str
    key: str | None
    type: str | None
    received_at: Moment
    status: str
    why: str
    duplicates: int
    signal: int | None
    ticket: int | None
    record: str | None
    digested_at: Moment | None


class OneMessage(MessageShape):
    """With its payload as text: as it came, or only its structure for who sees masked."""

    payload: str | None
    payload_is_masked: bool


class OutcomesAsked(Asked):
    state: Annotated[str | None, OneOf(tuple(State.values))] = None
    kind: Annotated[str | None, Words(40)] = None
    connection: words.Slug = None
    record: words.Record = None
    after: Annotated[int | None, OUTCOME_PLACE] = None


class OutcomeShape(Schema):
    """One thing that must happen elsewhere. `waits` says why it is not carried right now."""

    id: int
    kind: str
    name: str
    connection: str | None
    record: str
    state: str
    attempts: int
    next_attempt_at: Moment | None
    key: str
    contract: str
    contract_version: int
    promised_at: Moment
    delivered_at: Moment | None
    proven_at: Moment | None
    external_id: str | None
    last_error: str | None
    waits: str | None


# --- Messages --------------------------------------------------------------------------------
messages_router = Router(tags=["messages"])


@messages_router.get("", response=answers(Page[MessageShape]), operation_id="messages")
def messages(request: Request, asked: Query[MessagesAsked]) -> Page[MessageShape]:
    """Messages, the newest first; with status=rejected the posts that were refused."""
    masked = scope_of(request, Permission.SEE_PAYLOADS) is Scope.MASKED
    if asked.status == REJECTED:
        refused, following = MESSAGE_PLACE.page(
            _refused(request, asked), after=asked.after, limit=asked.limit
        )
        return Page[MessageShape](
            items=[MessageShape(**_of_refused(row, masked)) for row in refused], next=following
        )
    rows, following = MESSAGE_PLACE.page(
        _narrowed(request, asked), after=asked.after, limit=asked.limit
    )
    tickets = _tickets(request, rows)
    items = [MessageShape(**_of_message(row, tickets, masked)) for row in rows]
    return Page[MessageShape](items=items, next=following)


@messages_router.get("/{id}", response=answers(OneMessage, 404), operation_id="message")
def message(request: Request, id: MessageId) -> OneMessage:
    """One message with its payload; that it was looked at stands on the trail."""
    masked = scope_of(request, Permission.SEE_PAYLOADS) is Scope.MASKED
    if id.startswith(_REJECTED_ID):
        refused = _first(_visible_refused(request), int(id.removeprefix(_REJECTED_ID)))
        facts, body = _of_refused(refused, masked), bytes(refused.body)
        found: Message | RejectedReceipt = refused
    else:
        kept = _first(looking.visible(request.user).select_related("connection"), int(id))
        facts, body = _of_message(kept, _tickets(request, [kept]), masked), bytes(kept.payload)
        found = kept
    if not masked:
        looking.note(found, by=request.user, at=instant.now())
    return OneMessage(**facts, payload=_payload(body, masked), payload_is_masked=masked)


def _narrowed(request: Request, asked: MessagesAsked) -> QuerySet:
    rows = looking.visible(request.user).select_related("connection").only(*_LISTED)
    given = {
        "connection__slug": asked.connection, "key": asked.key, "status": asked.status,
    }  # fmt: skip
    return rows.filter(**{name: value for name, value in given.items() if value})


def _visible_refused(request: Request) -> QuerySet[RejectedReceipt]:
    return looking.visible_refused(request.user).select_related("connection")


def _refused(request: Request, asked: MessagesAsked) -> QuerySet[RejectedReceipt]:
    rows = _visible_refused(request).defer("body", "headers")
    if asked.connection:
        rows = rows.filter(connection__slug=asked.connection)
    return rows.none() if asked.key else rows


def _first(rows: QuerySet, pk: int) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _payload(body: bytes, masked: bool) -> str | None:
    sight = looking.sight(body, masked=masked)
    return sight.laid_out or None if masked else sight.text


def _of_message(row: Message, tickets: Mapping[str, int], masked: bool) -> dict[str, Any]:
    return {
        "id": str(row.pk), "connection": row.connection.slug, "key": row.key,
        "type": row.type or None, "received_at": row.received_at, "status": row.status,
        "why": looking.hide(row.why) if masked else row.why, "duplicates": row.duplicates,
        "signal": row.signal_id, "ticket": tickets.get(row.ref) or tickets.get(_conflict(row)),
        "record": row.record or None, "digested_at": row.digested_at,
    }  # fmt: skip


def _of_refused(row: RejectedReceipt, masked: bool) -> dict[str, Any]:
    return {
        "id": f"{_REJECTED_ID}{row.pk}", "connection": row.connection.slug, "key": None,
        "type": None, "received_at": row.at, "status": REJECTED,
        "why": looking.hide(row.reason) if masked else row.reason, "duplicates": 0,
        "signal": None, "ticket": None, "record": None, "digested_at": None,
    }  # fmt: skip


def _tickets(request: Request, rows: list[Message]) -> dict[str, int]:
    """The newest ticket on each of these that this person may see, by subject and by cause."""
    seen = Ticket.objects.visible_to(request.user)
    hang = Occurrence.objects.filter(subject__in=[row.ref for row in rows], ticket__in=seen)
    found = dict(hang.order_by("ticket_id").values_list("subject", "ticket_id"))
    conflicts = seen.filter(kind="message-conflict", cause__in=[_conflict(row) for row in rows])
    return {**found, **dict(conflicts.order_by("pk").values_list("cause", "pk"))}


def _conflict(row: Message) -> str:
    return f"conflict:{row.connection.slug}:{row.key}"[:300]


# --- Outcomes --------------------------------------------------------------------------------
outcomes_router = Router(tags=["outcomes"])


@outcomes_router.get("", response=answers(Page[OutcomeShape]), operation_id="outcomes")
def outcomes(request: Request, asked: Query[OutcomesAsked]) -> Page[OutcomeShape]:
    """Outcomes, the newest first."""
    masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
    given = {"state": asked.state, "kind": asked.kind, "connection": asked.connection}
    rows = _outcomes(request).filter(**{name: value for name, value in given.items() if value})
    if asked.record:
        rows = rows.filter(finding.of_proposal(asked.record))
    found, following = OUTCOME_PLACE.page(rows, after=asked.after, limit=asked.limit)
    return Page[OutcomeShape](items=_shapes(found, masked), next=following)


@outcomes_router.get("/{id}", response=answers(OutcomeShape, 404), operation_id="outcome")
def outcome(request: Request, id: Id) -> OutcomeShape:
    """One outcome."""
    masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
    return _shapes([_first(_outcomes(request), id)], masked)[0]


def _outcomes(request: Request) -> QuerySet[Outcome]:
    return showing.visible(request.user).select_related("contract")


def _shapes(rows: list[Outcome], masked: bool) -> list[OutcomeShape]:
    return [_outcome(row, masked) for row in showing.rows(rows, masked=masked, at=instant.now())]


def _outcome(row: showing.Row, masked: bool) -> OutcomeShape:
    one = row.outcome
    waits = row.held.why if row.held else None
    return OutcomeShape(
        id=one.pk, kind=one.kind, name=one.name, connection=one.connection or None,
        record=f"proposal:{one.proposal_id}", state=one.state, attempts=one.attempts,
        next_attempt_at=one.next_attempt_at if one.is_open else None,
        key=one.key, contract=one.contract.slug, contract_version=one.contract.version,
        promised_at=one.promised_at, delivered_at=one.delivered_at, proven_at=one.proven_at,
        external_id=one.external_id or None, last_error=row.error or None,
        waits=masking.words(waits) if waits and masked else waits,
    )  # fmt: skip


# --- Where records are -----------------------------------------------------------------------
def links_of(records: Iterable[str]) -> dict[str, list[Link]]:
    """Where each of these records is in the other systems, in one question."""
    found: dict[str, list[Link]] = {}
    rows = RecordLink.objects.filter(record__in=list(records)).select_related("connection")
    for row in rows.order_by("connection__slug", "kind", "pk"):
        place = showing.place(row)
        link = Link(
            connection=row.connection.slug, kind=row.kind, external_id=row.external_id,
            url=place.url or None, linked_at=row.linked_at,
        )  # fmt: skip
        found.setdefault(row.record, []).append(link)
    return found
