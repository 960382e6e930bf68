"""Tickets for scripts: the list, one, and the desk's acts on it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import Q
from django.http import Http404
from ninja import Query, Router, Schema

from exceptions import desk, handing, kinds, linking, showing, snoozing
from exceptions.kinds import Severity
from exceptions.models import Occurrence, Ticket
from exceptions.showing import PEOPLE, Seen
from exceptions.states import MoveError, Resolution, Status
from meshline import instant
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.web.requests import Request
from meshline.web.rest import words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.finding import moment, owned_by
from meshline.web.rest.refusals import Refused, scope_of
from meshline.web.rest.shapes import Moment, Money, Page, Person, answers
from meshline.web.rest.words import Asked, Id, Number, OneOf, Said, Words

router = Router(tags=["tickets"])
PLACE = Cursor.of("t")
NOTE = Words(desk.NOTE_LENGTH)
REASONS = OneOf(tuple(dict(Resolution.for_people())))


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
    further_amounts: list[Money]
    record: str | None
    connection: str | None
    opened_at: Moment
    last_seen_at: Moment
    acknowledged_at: Moment | None
    resolved_at: Moment | None
    resolution: str | None
    resolution_note: str | None
    minutes_spent: int | None
    snoozed_until: Moment | None


class OneTicket(TicketShape):
    evidence: dict[str, Any]


class Resolve(Said):
    """Why it is resolved, and anything else worth keeping."""

    reason: Annotated[str, REASONS]
    note: Annotated[str, NOTE] = ""
    minutes: Annotated[int | None, Number(0, desk.MINUTES_MOST)] = None


class Escalate(Said):
    reason: Annotated[str, words.told(4_000)]


class Note(Said):
    """What to write down; "@Rosa Marin" or "@rosa@example.com" in it tells that person."""

    text: Annotated[str, words.told(desk.NOTE_LENGTH)]


class Assign(Said):
    """To whom, by e-mail address or number, and a note for them."""

    to: Annotated[str, words.PERSON]
    note: Annotated[str, NOTE] = ""


class TakeOver(Said):
    reason: Annotated[str, words.told(4_000)]


class Snooze(Said):
    """Until when, at most 7 days, and why it can wait."""

    until: Annotated[str, words.AT]
    reason: Annotated[str, words.told(snoozing.REASON_LENGTH)]


class Other(Said):
    """The other ticket, by its number."""

    ticket: Annotated[int, Number()]


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
    return _act(request, id, desk.resolve, Permission.RESOLVE_TICKET, **resolved(body))


@router.post("/{id}/escalate", response=answers(OneTicket, 404, 409), operation_id="escalate")
def escalate(request: Request, id: Id, body: Escalate) -> OneTicket:
    """Hand it to whoever is accountable; they are told."""
    return _act(request, id, desk.escalate, Permission.WORK_QUEUE, reason=body.reason)


@router.post("/{id}/note", response=answers(OneTicket, 404, 409), operation_id="note")
def note(request: Request, id: Id, body: Note) -> OneTicket:
    """Write something down on it."""
    return _act(request, id, desk.note, Permission.NOTE_TICKET, text=body.text)


@router.post("/{id}/assign", response=answers(OneTicket, 404, 409), operation_id="assign")
def assign(request: Request, id: Id, body: Assign) -> OneTicket:
    """Make it somebody else's; they are told."""
    # Who is here is told to nobody who may not give anything.
    scope_of(request, Permission.WORK_QUEUE)
    return _act(request, id, handing.assign, Permission.WORK_QUEUE, **assigned(body))


@router.post("/{id}/take-over", response=answers(OneTicket, 404, 409), operation_id="take-over")
def take_over(request: Request, id: Id, body: TakeOver) -> OneTicket:
    """Take it from who has claimed it; they are told why."""
    verb, may = handing.take_over, Permission.TAKE_OVER_TICKET
    return _act(request, id, verb, may, reason=body.reason)


@router.post("/{id}/snooze", response=answers(OneTicket, 404, 409), operation_id="snooze")
def snooze(request: Request, id: Id, body: Snooze) -> OneTicket:
    """Let it sleep; its clocks go on, and it wakes when it is due or happens again."""
    return _act(request, id, snoozing.snooze, Permission.WORK_QUEUE, **snoozed(body))


@router.post("/{id}/wake", response=answers(OneTicket, 404, 409), operation_id="wake")
def wake(request: Request, id: Id) -> OneTicket:
    """Have it back before its time."""
    return _act(request, id, snoozing.wake, Permission.WORK_QUEUE)


@router.post("/{id}/link", response=answers(OneTicket, 404, 409), operation_id="link")
def link(request: Request, id: Id, body: Other) -> OneTicket:
    """Say that two tickets belong together; both tell it."""
    return _act(request, id, linking.link, Permission.WORK_QUEUE, other_id=body.ticket)


@router.post("/{id}/unlink", response=answers(OneTicket, 404, 409), operation_id="unlink")
def unlink(request: Request, id: Id, body: Other) -> OneTicket:
    """They do not belong together after all."""
    return _act(request, id, linking.unlink, Permission.WORK_QUEUE, other_id=body.ticket)


# --- What a body says, as the desk takes it --------------------------------------------------
def resolved(body: Resolve) -> dict[str, Any]:
    return {"resolution": body.reason, "note": body.note, "minutes": body.minutes}


def assigned(body: Assign) -> dict[str, Any]:
    known = Q(pk=int(body.to)) if "@" not in body.to else Q(email__iexact=body.to)
    to = User.objects.filter(known).first()
    if to is None:
        raise Refused(409, f"to: {body.to} is nobody here.", "to")
    return {"to": to, "note": body.note}


def snoozed(body: Snooze) -> dict[str, Any]:
    return {"until": moment(body.until), "reason": body.reason}


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
        hang = Occurrence.objects.filter(record=asked.record).values("ticket")
        rows = rows.filter(Q(record=asked.record) | Q(pk__in=hang))
    return rows


def _act(
    request: Request, pk: int, verb: Callable, permission: Permission, **said: Any
) -> OneTicket:
    """Ask one verb of the desk, and answer with the ticket as it is then."""
    scope_of(request, permission)
    _find(request, pk)
    try:
        verb(ticket_id=pk, by=request.user, at=instant.now(), **said)
    except MoveError as error:
        raise Refused(409, str(error)) from error
    except ValueError as error:
        # Well said, but not as things stand: the time has passed, the person is out.
        raise Refused(409, str(error), field_of(error, said)) from error
    # By its id alone: an escalation may have taken it out of the person's own scope.
    return _one(Ticket.objects.select_related(*PEOPLE).get(pk=pk), request)


def field_of(error: Exception, said: dict[str, Any]) -> str | None:
    """The field a verb's sentence begins with, or the first one."""
    named = str(error).partition(":")[0].lower()
    if named == "ticket" and "other_id" in said:
        return named
    return named if named in said else next(iter(said), None)


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
        "further_amounts": [
            Money.of(Decimal(text), currency, masked=seen.is_masked)
            for currency, text in row.other_amounts.items()
        ],
        "record": row.record or None, "connection": row.connection or None,
        "opened_at": row.opened_at, "last_seen_at": row.last_seen_at,
        "acknowledged_at": row.acknowledged_at, "resolved_at": row.resolved_at,
        "minutes_spent": row.minutes_spent, "snoozed_until": row.snoozed_until,
        "resolution": row.resolution or None, "resolution_note": seen.resolution_note or None,
    }  # fmt: skip
