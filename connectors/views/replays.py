"""A ticket's replay: what becomes of all that hangs on it, and then exactly that."""

from typing import Any

from django.contrib.messages import INFO, SUCCESS
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from connectors import rereading, ticket_replay
from connectors.replay_words import Plan, Start, Verdict, Versions, Way
from connectors.replaying import ForNothing, Moved
from exceptions import remedies, ways
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.people.permissions import NotAllowed, Permission
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals import steering

_BUSY = "Somebody else was at work on the same records at that moment; look at it again."
# A worker or another page was faster, in the middle of it: nothing is kept.
_MOVED_ON = (rereading.NotNow, steering.NotNow)
_CHIPS = {
    Verdict.FIRES: ("ok", "bolt"),
    Verdict.SUPPRESSED: ("neutral", "shield-check"),
    Verdict.BLOCKED: ("warn", "hand-stop"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REPLAY_MESSAGE)
def replay(request: Request, ticket_id: int) -> HttpResponse:
    """GET looks ahead; POST does what was `shown`."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket_id)
    way = _way(request, ticket)
    if request.method != "POST":
        return _show(request, ticket, way)
    try:
        plan = ticket_replay.carry_out(
            ticket_id=ticket.pk, way=way, shown=request.POST.get("shown", ""), by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except (Moved, ForNothing) as error:
        return _show(request, ticket, way, moved=str(error), status=409)
    except (OperationalError, *_MOVED_ON):
        return _show(request, ticket, way, moved=_BUSY, status=409)
    except (MoveError, NotAllowed) as error:
        return _refuse(request, ticket, error)
    level = SUCCESS if plan.fires else INFO
    return done(request, str(plan), ways.ticket(request, ticket.pk), level=level)


def _way(request: Request, ticket: Ticket) -> Way:
    """As asked; by itself what failed, a message by today's mapping, an outcome as promised."""
    asked = request.POST if request.method == "POST" else request.GET
    is_message = any(one["url_name"] == remedies.RELEASE for one in ticket.remedies)
    versions = Versions.NOW if is_message else Versions.THEN
    try:
        return Way(Start(asked.get("from", Start.STEP)), Versions(asked.get("by", versions)))
    except ValueError:
        raise Http404("There is no such way to replay it.") from None


def _show(
    request: Request, ticket: Ticket, way: Way, *, moved: str = "", status: int = 200
) -> HttpResponse:
    at = instant.now()
    try:
        plan = ticket_replay.preview(ticket_id=ticket.pk, way=way, by=request.user, at=at)
    except (OperationalError, *_MOVED_ON):
        return _refuse(request, ticket, MoveError(_BUSY))
    except (MoveError, NotAllowed) as error:
        return _refuse(request, ticket, error)
    context = {
        **ways.aside(request, ticket.pk), **_choices(way), **_told(plan), "ticket": ticket,
        "moved": moved,
    }  # fmt: skip
    return render(request, f"connectors/{_part(request)}.html", context, status=status)


def _told(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan,
        "counts": [(each.value, number) for each, number in plan.counts.items()],
        "lines": [(one, *_CHIPS[one.verdict]) for one in plan.lines],
    }


def _choices(way: Way) -> dict[str, Any]:
    return {
        "way": way,
        "starts": [(one.value, one.label) for one in Start],
        "versions": [(one.value, one.label) for one in Versions],
    }


def _refuse(request: Request, ticket: Ticket, error: Exception) -> HttpResponse:
    """Why not, where one asked: nothing is done."""
    status = 409 if isinstance(error, MoveError) else 403
    context = {**ways.aside(request, ticket.pk), "ticket": ticket, "refusal": str(error)}
    return render(request, f"connectors/{_part(request)}.html", context, status=status)


def _part(request: Request) -> str:
    is_part = request.htmx and not request.htmx.history_restore_request
    return "_ticket_replay" if is_part else "ticket_replay"
