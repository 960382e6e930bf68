"""Setting the owner of what hangs on a ticket."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from exceptions import acts, ways
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.people.permissions import NotAllowed, Permission
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals import owning
from proposals.forms import OwnerForm
from proposals.lifecycle import Conflict


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REASSIGN_PROPOSAL)
def set_owner(request: Request, ticket_id: int) -> HttpResponse:
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket_id)
    if request.method != "POST":
        return _show(request, ticket, OwnerForm(by=request.user))
    form = OwnerForm(request.POST, by=request.user)
    if not form.is_valid():
        return _show(request, ticket, form, status=422)
    try:
        said = owning.give_all(
            ticket_id=ticket.pk, owner=form.cleaned_data["owner"],
            shown=request.POST.get("shown", ""), reason=form.cleaned_data["reason"],
            by=request.user, at=instant.now(),
        )  # fmt: skip
    except (Conflict, MoveError) as error:
        return _refuse(request, ticket, form, error, 409)
    except NotAllowed as error:
        return _refuse(request, ticket, form, error, 403)
    return done(request, said, ways.ticket(request, ticket.pk))


def _refuse(
    request: Request, ticket: Ticket, form: OwnerForm, error: Exception, status: int
) -> HttpResponse:
    form.add_error(None, str(error))
    fresh = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket.pk)
    return _show(request, fresh, form, status=status)


def _show(request: Request, ticket: Ticket, form: OwnerForm, *, status: int = 200) -> HttpResponse:
    proposals = owning.open_on(ticket)
    context = {
        **ways.aside(request, ticket.pk),
        "ticket": ticket,
        "form": form,
        "proposals": proposals,
        "shown": owning.seen(proposals),
        "refusal": acts.refusal_of_remedy(ticket, request.user),
    }
    return render(request, "proposals/set_owner.html", context, status=status)
