"""A new effect under a new key: asked for on a ticket, let go by a second person who saw it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors import foreseeing, showing
from connectors.remedy_forms import ForceForm
from connectors.replaying import Moved
from exceptions import acts, ways
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.people.permissions import NotAllowed, Permission
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals import forcing
from proposals.forcing import CannotForce
from proposals.models import ForcedEffect


# --- Asking --------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.FORCE_EFFECT)
def ask(request: Request, ticket_id: int) -> HttpResponse:
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket_id)
    outcomes = forcing.of_ticket(ticket)
    if request.method != "POST":
        return _ask(request, ticket, ForceForm(outcomes=outcomes))
    form = ForceForm(request.POST, outcomes=outcomes)
    if not form.is_valid():
        return _ask(request, ticket, form, status=422)
    try:
        forcing.ask(
            ticket_id=ticket.pk, outcome_id=form.cleaned_data["outcome"],
            reason=form.cleaned_data["reason"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except ValueError as error:
        form.add_error("reason", str(error))
        return _ask(request, ticket, form, status=422)
    except (CannotForce, MoveError) as error:
        form.add_error(None, str(error))
        return _ask(request, ticket, form, status=409)
    except NotAllowed as error:
        form.add_error(None, str(error))
        return _ask(request, ticket, form, status=403)
    said = "It waits for a second manager, who sees what it would do."
    return done(request, said, ways.ticket(request, ticket.pk))


# --- Deciding ------------------------------------------------------------------------------------
@require_safe
@requires(Permission.FORCE_EFFECT)
def forced(request: Request, asked_id: int) -> HttpResponse:
    return _show(request, _find(asked_id))


@require_POST
@requires(Permission.FORCE_EFFECT)
def approve(request: Request, asked_id: int) -> HttpResponse:
    asked = _find(asked_id)
    try:
        foreseeing.approve(
            asked_id=asked.pk, shown=request.POST.get("shown", ""),
            comment=_typed(request, "comment"), by=request.user, at=instant.now(),
        )  # fmt: skip
    except (Moved, CannotForce, MoveError) as error:
        return _show(request, _find(asked_id), error=str(error), status=409)
    except NotAllowed as error:
        return _show(request, asked, error=str(error), status=403)
    except ValueError as error:
        return _show(request, asked, error=str(error), status=422)
    said = f"Let go: {forcing.says(asked.outcome)}, under a new key."
    return done(request, said, reverse("proposals:approvals"))


@require_POST
@requires(Permission.FORCE_EFFECT)
def reject(request: Request, asked_id: int) -> HttpResponse:
    asked = _find(asked_id)
    try:
        forcing.reject(
            asked_id=asked.pk, reason=_typed(request, "reason"), by=request.user, at=instant.now()
        )
    except CannotForce as error:
        return _show(request, _find(asked_id), error=str(error), status=409)
    except NotAllowed as error:
        return _show(request, asked, error=str(error), status=403)
    except ValueError as error:
        return _show(request, asked, error=str(error), status=422)
    said = f"Not let go: {forcing.says(asked.outcome)}. The old one stays as it is."
    return done(request, said, reverse("proposals:approvals"))


# --- Underneath ----------------------------------------------------------------------------------
def _ask(request: Request, ticket: Ticket, form: ForceForm, *, status: int = 200) -> HttpResponse:
    context = {
        **ways.aside(request, ticket.pk),
        "ticket": ticket,
        "form": form,
        "is_empty": not form.offered,
        "refusal": acts.refusal_of_remedy(ticket, request.user)
        or forcing.lacks_a_second(request.user),
    }
    return render(request, "connectors/ask_to_force.html", context, status=status)


def _show(
    request: Request, asked: ForcedEffect, *, error: str = "", status: int = 200
) -> HttpResponse:
    refusal = forcing.refusal_for(asked, request.user) if asked.is_waiting else ""
    context: dict[str, Any] = {
        "asked": asked,
        "deed": forcing.says(asked.outcome),
        "error": error,
        "refusal": refusal,
        "typed": request.POST,
        "place": showing.place_of(asked.outcome),
    }
    if asked.is_waiting and not refusal:
        try:
            context["ahead"] = foreseeing.look(asked, by=request.user, at=instant.now())
        except (CannotForce, MoveError) as reason:
            context["blocked"] = str(reason)
    return render(request, "connectors/forced.html", context, status=status)


def _find(asked_id: int) -> ForcedEffect:
    related = ("outcome__proposal__owner", "outcome__contract", "asked_by", "decided_by", "ticket")
    found = ForcedEffect.objects.select_related(*related, "made").filter(pk=asked_id).first()
    if found is None:
        raise Http404
    return found


def _typed(request: Request, name: str) -> str:
    return request.POST.get(name, "")[:4000]
