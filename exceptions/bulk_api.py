"""Many tickets at once, for scripts: the same jobs that the bar over the queue asks for."""

from typing import Annotated, Any

from django.http import Http404
from ninja import Router, Schema
from pydantic import Field

from exceptions import api, bulk
from exceptions.bulk_acts import ACTS
from exceptions.models import BulkJob, Outcome
from exceptions.states import MoveError, NotThere
from meshline import instant
from meshline.people.permissions import Permission
from meshline.web.requests import Request
from meshline.web.rest.refusals import Refused, scope_of
from meshline.web.rest.shapes import Moment, answers
from meshline.web.rest.words import Id, Number, Said

router = Router(tags=["many tickets"])
_MOST_FAULTS = 200


class Many(Said):
    """Which tickets: up to 5,000, each of them among what one may see."""

    tickets: Annotated[list[Annotated[int, Number()]], Field(min_length=1, max_length=bulk.MOST)]


class ManyAssigned(Many, api.Assign): ...


class ManySnoozed(Many, api.Snooze): ...


class ManyEscalated(Many, api.Escalate): ...


class ManyNoted(Many, api.Note): ...


class ManyResolved(Many):
    reason: Annotated[str, api.REASONS]
    note: Annotated[str, api.NOTE] = ""


class Fault(Schema):
    ticket: int
    why: str


class Job(Schema):
    """How far it is. `asks` waits for a start: so many tickets are not changed by accident."""

    id: int
    act: str
    state: str
    tickets: int
    done: int
    failed: int
    left: int
    asked_at: Moment
    ended_at: Moment | None
    # The first 200 that failed.
    faults: list[Fault]


# --- Asking ----------------------------------------------------------------------------------
@router.post("/claim", response=answers(Job, 404, 409), operation_id="claim-many")
def claim(request: Request, body: Many) -> Job:
    return _ask(request, "claim", body)


@router.post("/acknowledge", response=answers(Job, 404, 409), operation_id="acknowledge-many")
def acknowledge(request: Request, body: Many) -> Job:
    return _ask(request, "acknowledge", body)


@router.post("/release", response=answers(Job, 404, 409), operation_id="release-many")
def release(request: Request, body: Many) -> Job:
    return _ask(request, "release", body)


@router.post("/assign", response=answers(Job, 404, 409), operation_id="assign-many")
def assign(request: Request, body: ManyAssigned) -> Job:
    scope_of(request, ACTS["assign"].permission)
    return _ask(request, "assign", body, **api.assigned(body))


@router.post("/snooze", response=answers(Job, 404, 409), operation_id="snooze-many")
def snooze(request: Request, body: ManySnoozed) -> Job:
    return _ask(request, "snooze", body, **api.snoozed(body))


@router.post("/escalate", response=answers(Job, 404, 409), operation_id="escalate-many")
def escalate(request: Request, body: ManyEscalated) -> Job:
    return _ask(request, "escalate", body, reason=body.reason)


@router.post("/note", response=answers(Job, 404, 409), operation_id="note-many")
def note(request: Request, body: ManyNoted) -> Job:
    return _ask(request, "note", body, text=body.text)


@router.post("/resolve", response=answers(Job, 404, 409), operation_id="resolve-many")
def resolve(request: Request, body: ManyResolved) -> Job:
    return _ask(request, "resolve", body, resolution=body.reason, note=body.note)


# --- Watching --------------------------------------------------------------------------------
@router.get("/{id}", response=answers(Job, 404), operation_id="many")
def job(request: Request, id: Id) -> Job:
    """How far it is, and what failed."""
    return _shape(_find(request, id))


@router.post("/{id}/start", response=answers(Job, 404, 409), operation_id="start-many")
def start(request: Request, id: Id) -> Job:
    """Say yes to what asks: more than 100 tickets."""
    return _act(request, id, bulk.start)


@router.post("/{id}/cancel", response=answers(Job, 404, 409), operation_id="cancel-many")
def cancel(request: Request, id: Id) -> Job:
    """Leave the rest as it is."""
    return _act(request, id, bulk.cancel)


@router.post("/{id}/retry", response=answers(Job, 404, 409), operation_id="retry-many")
def retry(request: Request, id: Id) -> Job:
    """Try again what failed, as it stands now: a job of its own."""
    return _act(request, id, bulk.retry)


# --- Underneath ------------------------------------------------------------------------------
def _ask(request: Request, act: str, body: Many, **given: Any) -> Job:
    scope_of(request, ACTS[act].permission)
    seen = dict.fromkeys(body.tickets, "")
    try:
        made = bulk.of_rows(seen, act=act, given=given, by=request.user, at=instant.now())
    except NotThere as error:
        raise Refused(404, str(error), "tickets") from error
    except ValueError as error:
        raise Refused(409, str(error), api.field_of(error, given)) from error
    return _shape(_done_at_once(made))


def _act(request: Request, pk: int, verb: Any) -> Job:
    _find(request, pk)
    try:
        made = verb(job_id=pk, by=request.user, at=instant.now())
    except (MoveError, ValueError) as error:
        raise Refused(409, str(error)) from error
    return _shape(_done_at_once(made))


def _done_at_once(made: BulkJob) -> BulkJob:
    if made.started_at and not made.ended_at and made.items.count() <= bulk.AT_ONCE:
        bulk.work_on(made)
    return BulkJob.objects.get(pk=made.pk)


def _find(request: Request, pk: int) -> BulkJob:
    scope_of(request, Permission.NOTE_TICKET)
    found = BulkJob.objects.visible_to(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _shape(made: BulkJob) -> Job:
    numbers = made.numbers()
    faults = made.items.filter(outcome=Outcome.FAILED).order_by("pk")[:_MOST_FAULTS]
    return Job(
        id=made.pk, act=made.act, state=made.state, tickets=numbers["all"],
        done=numbers["done"], failed=numbers["failed"], left=numbers["left"],
        asked_at=made.at, ended_at=made.ended_at,
        faults=[Fault(ticket=one.ticket_id, why=one.why) for one in faults],
    )  # fmt: skip
