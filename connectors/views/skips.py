"""A ticket's outcomes are called off with a reason."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from connectors import skipping
from connectors.remedy_forms import SkipForm
from connectors.skipping import CannotSkip
from exceptions import acts, ways
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.people.permissions import NotAllowed, Permission
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals.steering import NotNow


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.RETRY_OUTCOME)
def skip(request: Request, ticket_id: int) -> HttpResponse:
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket_id)
    outcomes = skipping.open_on(ticket)
    if request.method != "POST":
        return _show(request, ticket, SkipForm(outcomes=outcomes))
    form = SkipForm(request.POST, outcomes=outcomes)
    if not form.is_valid():
        return _show(request, ticket, form, status=422)
    try:
        said = skipping.skip(
            ticket_id=ticket.pk, outcomes=form.cleaned_data["outcomes"],
            reason=form.cleaned_data["reason"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except (CannotSkip, NotNow, MoveError) as error:
        form.add_error(None, str(error))
        return _show(request, ticket, form, status=409)
    except NotAllowed as error:
        form.add_error(None, str(error))
        return _show(request, ticket, form, status=403)
    return done(request, said, ways.ticket(request, ticket.pk))


def _show(request: Request, ticket: Ticket, form: SkipForm, *, status: int = 200) -> HttpResponse:
    context = {
        **ways.aside(request, ticket.pk),
        "ticket": ticket,
        "form": form,
        "is_empty": not form.offered,
        "refusal": acts.refusal_of_remedy(ticket, request.user),
    }
    return render(request, "connectors/skip.html", context, status=status)
