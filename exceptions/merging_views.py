"""Making a ticket a part of another one: which, what would move, and then that."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from exceptions import acts, merging, showing, ways
from exceptions.forms import MergeForm
from exceptions.models import Ticket
from exceptions.showing import PEOPLE
from exceptions.states import MoveError
from meshline import instant
from meshline.people.permissions import NotAllowed, Permission
from meshline.web.access import done, requires
from meshline.web.requests import Request


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.WORK_QUEUE)
def merge(request: Request, ticket_id: int) -> HttpResponse:
    ticket = get_object_or_404(_visible(request), pk=ticket_id)
    if request.method != "POST":
        return _show(request, ticket, MergeForm(initial={"into": request.GET.get("into", "")}))
    form = MergeForm(request.POST)
    if not form.is_valid():
        return _show(request, ticket, form, status=422)
    into = _visible(request).filter(pk=form.cleaned_data["into"]).first()
    if into is None:
        form.add_error("into", "There is no such ticket.")
        return _show(request, ticket, form, status=422)
    try:
        merging.merge(
            ticket_id=ticket.pk, into_id=into.pk, by=request.user, at=instant.now()
        )  # fmt: skip
    except MoveError as error:
        return _show(request, ticket, form, status=409, refusal=str(error))
    except NotAllowed as error:
        return _show(request, ticket, form, status=403, refusal=str(error))
    said = f"Ticket #{ticket.pk} is a part of this one now."
    return done(request, said, ways.ticket(request, into.pk))


def _visible(request: Request) -> Any:
    return Ticket.objects.visible_to(request.user).select_related("team", *PEOPLE)


def _show(
    request: Request, ticket: Ticket, form: MergeForm, *, status: int = 200, refusal: str = ""
) -> HttpResponse:
    fresh = get_object_or_404(_visible(request), pk=ticket.pk)
    others = merging.candidates(fresh, request.user)
    now = request.now or instant.now()
    no_merge = acts.refusals(fresh, request.user)["resolve"]
    moves = merging.look(fresh, others)
    context = {
        **ways.aside(request, ticket.pk),
        "seen": showing.seen_by([fresh], request.user, at=now)[0],
        "form": form,
        "no_merge": no_merge,
        "refusal": refusal or no_merge,
        "offered": [(one, moves[one.pk]) for one in showing.seen_by(others, request.user, at=now)],
    }
    return render(request, "exceptions/merge.html", context, status=status)
