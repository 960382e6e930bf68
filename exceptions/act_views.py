"""More of what can be done with a ticket: hands, sleep, links, and Undo."""

from dataclasses import fields

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from exceptions import handing, linking, snoozing, undoing, views, ways
from exceptions.states import MoveError
from exceptions.undoing import Undo
from meshline import instant
from meshline.people.permissions import Permission
from meshline.web import seen
from meshline.web.access import refusal, requires
from meshline.web.requests import Request


@require_POST
@requires(Permission.WORK_QUEUE)
def assign(request: Request, ticket_id: int) -> HttpResponse:
    form = views.form_of("assign", request, ticket_id)
    return views.act(request, ticket_id, handing.assign, "Assigned.", form=form, can_undo=True)


@require_POST
@requires(Permission.TAKE_OVER_TICKET)
def take_over(request: Request, ticket_id: int) -> HttpResponse:
    form = views.form_of("take-over", request, ticket_id)
    return views.act(request, ticket_id, handing.take_over, "It is yours now.", form=form)


@require_POST
@requires(Permission.WORK_QUEUE)
def snooze(request: Request, ticket_id: int) -> HttpResponse:
    form = views.form_of("snooze", request, ticket_id)
    return views.act(request, ticket_id, snoozing.snooze, "It sleeps.", form=form, can_undo=True)


@require_POST
@requires(Permission.WORK_QUEUE)
def wake(request: Request, ticket_id: int) -> HttpResponse:
    return views.act(request, ticket_id, snoozing.wake, "It is awake.", can_undo=True)


@require_POST
@requires(Permission.WORK_QUEUE)
def link(request: Request, ticket_id: int) -> HttpResponse:
    form = views.form_of("link", request, ticket_id)
    return views.act(request, ticket_id, linking.link, "Linked.", form=form)


@require_POST
@requires(Permission.WORK_QUEUE)
def unlink(request: Request, ticket_id: int) -> HttpResponse:
    form = views.form_of("link", request, ticket_id)
    return views.act(request, ticket_id, linking.unlink, "No longer linked.", form=form)


@require_POST
@requires(Permission.WORK_QUEUE)
def undo(request: Request, ticket_id: int) -> HttpResponse:
    """Take back what one did a moment ago."""
    done = _done(request, ticket_id)
    if done is None:
        views.find(request, ticket_id)
        return refusal(request, "That cannot be undone.", back=ways.back(request, ticket_id))
    try:
        undoing.undo(done, by=request.user, at=instant.now())
    except MoveError as error:
        return refusal(request, error, back=ways.back(request, ticket_id))
    return views.did(request, ticket_id, "Taken back.")


def _done(request: Request, ticket_id: int) -> Undo | None:
    facts = seen.read(request.GET.get("was", ""))
    if facts.keys() != {one.name for one in fields(Undo)} or facts["ticket"] != ticket_id:
        return None
    return Undo(**facts)
