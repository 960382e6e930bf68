"""Tickets for scripts: the list, one, and the desk's acts on it."""

from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import Q
from django.http import Http404
from ninja import Query, Router, Schema

from exceptions import desk, kinds, showing
from exceptions.kinds import Severity
from exceptions.models import Occurrence, Ticket
from exceptions.showing import PEOPLE, Seen
from exceptions.states import MoveError, Resolution, Status
from meshline import instant
from meshline.people.permissions import Permission
from meshline.web.requests import Request
from meshline.web.rest import words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.finding import owned_by
from meshline.web.rest.refusals import Refused, scope_of
from meshline.web.rest.shapes import Moment, Money, Page, Person, answers
from meshline.web.rest.words import Asked, Id, OneOf, Said, Words

router = Router(tags=["tickets"])
PLACE = Cursor.of("t")
_REASONS = OneOf(tuple(dict(Resolution.for_people())))


class TicketsAsked(Asked):
    state: Annotated[str | None, OneOf(tuple(Status))] = None
    kind: Annotated[str | None, OneOf(tuple(name for name, _ in kinds.choices()))] = None
    owner: words.Owner = None
    severity: Annotated[str | None, OneOf(tuple(Severity))] = None
    record: words.Record = None
    after: Annotated[int | None, PLACE] = None


class TicketShape(Schema):
    """A ticket; personal values and amounts are masked for who sees masked."""

    id: int
    kind: str
    state: str
    severity: str
    title: str
    reason: str
    owner: Person
    claimed_by: Person | None
    ack_due_at: Moment
    fix_due_at: Moment
    occurrences: int
    amount_at_risk: Money | None
    record: str | None
    connection: str | None
    opened_at: Moment
    last_seen_at: Moment
    acknowledged_at: Moment | None
    resolved_at: Moment | None
    resolution: str | None
    resolution_note: str | None


class OneTicket(TicketShape):
    evidence: dict[str, Any]


class Resolve(Said):
    """Why it is resolved, and anything else worth keeping."""

    reason: Annotated[str, _REASONS]
    note: Annotated[str, Words(desk.NOTE_LENGTH)] = ""


class Escalate(Said):
    reason: Annotated[str, words.told(4_000)]


class Note(Said):
    text: Annotated[str, words.told(desk.NOTE_LENGTH)]


# --- Reading ---------------------------------------------------------------------------------
@router.get("", response=answers(Page[TicketShape]), operation_id="tickets")
def tickets(request: Request, asked: Query[TicketsAsked]) -> Page[TicketShape]:
    """Tickets, the newest first."""
    scope_of(request, Permission.SEE_QUEUE)
    rows, following = PLACE.page(_narrowed(request, asked), after=asked.after, limit=asked.limit)
    return Page[TicketShape](items=[_shape(row, request) for row in rows], next=following)


@router.get("/{id}", response=answers(OneTicket, 404), operation_id="ticket")
def ticket(request: Request, id: Id) -> OneTicket:
    """One ticket, with its evidence."""
    scope_of(request, Permission.SEE_QUEUE)
    return _one(_find(request, id), request)


# --- Acting ----------------------------------------------------------------------------------
@router.post("/{id}/claim", response=answers(OneTicket, 404, 409), operation_id="claim")
def claim(request: Request, id: Id) -> OneTicket:
    """Take it. 409 names who was faster."""
    return _act(request, id, desk.claim, Permission.WORK_QUEUE)


@router.post("/{id}/acknowledge", response=answers(OneTicket, 404, 409), operation_id="acknowledge")
def acknowledge(request: Request, id: Id) -> OneTicket:
    """Say "I am on it": it stops the first of its two clocks."""
    return _act(request, id, desk.acknowledge, Permission.WORK_QUEUE)


@router.post("/{id}/release", response=answers(OneTicket, 404, 409), operation_id="release")
def release(request: Request, id: Id) -> OneTicket:
    """Put it back for others."""
    return _act(request, id, desk.release, Permission.WORK_QUEUE)


@router.post("/{id}/resolve", response=answers(OneTicket, 404, 409), operation_id="resolve")
def resolve(request: Request, id: Id, body: Resolve) -> OneTicket:
    """Close it by hand, for one of the reasons people may give."""
    said = {"resolution": body.reason, "note": body.note}
    return _act(request, id, desk.resolve, Permission.RESOLVE_TICKET, **said)


@router.post("/{id}/escalate", response=answers(OneTicket, 404, 409), operation_id="escalate")
def escalate(request: Request, id: Id, body: Escalate) -> OneTicket:
    """Hand it to whoever is accountable; they are told."""
    return _act(request, id, desk.escalate, Permission.WORK_QUEUE, reason=body.reason)


@router.post("/{id}/note", response=answers(OneTicket, 404, 409), operation_id="note")
def note(request: Request, id: Id, body: Note) -> OneTicket:
    """Write something down on it."""
    return _act(request, id, desk.note, Permission.NOTE_TICKET, text=body.text)


# --- Underneath ------------------------------------------------------------------------------
def _visible(request: Request) -> Any:
    return Ticket.objects.visible_to(request.user).select_related(*PEOPLE)


def _find(request: Request, pk: int) -> Ticket:
    found = _visible(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _narrowed(request: Request, asked: TicketsAsked) -> Any:
    given = {
        "status": asked.state, "kind": asked.kind, "severity": asked.severity,
    }  # fmt: skip
    rows = _visible(request).filter(**{name: value for name, value in given.items() if value})
    if asked.owner:
        rows = rows.filter(owned_by(asked.owner))
    if asked.record:
        hang = Occurrence.objects.filter(evidence__record=asked.record).values("ticket")
        rows = rows.filter(Q(record=asked.record) | Q(pk__in=hang))
    return rows


def _act(
    request: Request, pk: int, verb: Callable, permission: Permission, **said: str
) -> OneTicket:
    """Ask one verb of the desk, and answer with the ticket as it is then."""
    scope_of(request, permission)
    _find(request, pk)
    try:
        verb(ticket_id=pk, by=request.user, at=instant.now(), **said)
    except MoveError as error:
        raise Refused(409, str(error)) from error
    except ValueError as error:
        raise Refused(422, str(error), next(iter(said), None)) from error
    # By its id alone: an escalation may have taken it out of the person's own scope.
    return _one(Ticket.objects.select_related(*PEOPLE).get(pk=pk), request)


def _shape(row: Ticket, request: Request) -> TicketShape:
    return TicketShape(**_facts(Seen(row, request.user)))


def _one(row: Ticket, request: Request) -> OneTicket:
    seen = Seen(row, request.user)
    return OneTicket(**_facts(seen), evidence=showing.evidence_values(seen))


def _facts(seen: Seen) -> dict[str, Any]:
    row = seen.ticket
    return {
        "id": row.pk, "kind": row.kind, "state": row.status, "severity": row.severity,
        "title": seen.title, "reason": seen.reason,
        "owner": Person.of(row.owner),
        "claimed_by": Person.of(row.claimed_by) if row.claimed_by else None,
        "ack_due_at": row.ack_due_at, "fix_due_at": row.fix_due_at,
        "occurrences": row.occurrences,
        "amount_at_risk": Money.of(row.amount_at_risk, row.currency, masked=seen.is_masked),
        "record": row.record or None, "connection": row.connection or None,
        "opened_at": row.opened_at, "last_seen_at": row.last_seen_at,
        "acknowledged_at": row.acknowledged_at, "resolved_at": row.resolved_at,
        "resolution": row.resolution or None, "resolution_note": seen.resolution_note or None,
    }  # fmt: skip
