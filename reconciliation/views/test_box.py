"""The test box: a real message, a proposal or a pasted payload, and the way it takes."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from connectors import looking
from connectors.models import Message
from meshline import instant
from meshline.people import permissions
from meshline.people.permissions import Permission, Scope
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.models import Proposal
from proposals.routing import rulebook
from reconciliation import testing
from reconciliation.forms import PayloadForm
from reconciliation.testing import CannotTest, Sample

# So many messages that told of a proposal are offered; any other is tested from its own page.
MOST_RECENT = 15


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def test_routing(request: Request) -> HttpResponse:
    """Which rule takes it, and why the others do not, by the draft and by what is in force."""
    form = PayloadForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "draft": rulebook.draft()}
    status = 200
    try:
        samples = _samples(request, form)
        at, masked = request.now or instant.now(), _is_masked(request)
        context["tried"] = testing.try_out(samples, masked=masked, at=at)
        status = 422 if form.errors else 200
    except CannotTest as error:
        context["trouble"], status = str(error), 422
    telling = _visible(request).filter(status=Message.Status.DIGESTED).exclude(signal_id=None)
    context["recent"] = telling.order_by("-pk")[:MOST_RECENT]
    return render(request, "reconciliation/test_routing.html", context, status=status)


def _samples(request: Request, form: PayloadForm) -> list[Sample]:
    """What is asked about; nothing where nothing is asked yet."""
    at = request.now or instant.now()
    if request.method == "POST":
        if not form.is_valid():
            return []
        asked = form.cleaned_data
        return testing.of_payload(asked["connection"], asked["payload"], at=at)
    if "message" in request.GET:
        message = _visible(request).filter(pk=_number(request.GET["message"])).first()
        return [testing.of_message(_found(message), at=at)]
    if "proposal" in request.GET:
        seen = Proposal.objects.visible_to(request.user).select_related("owner")
        proposal = seen.filter(pk=_number(request.GET["proposal"])).first()
        return [testing.of_proposal(_found(proposal), at=at)]
    return []


def _visible(request: Request) -> Any:
    return looking.visible(request.user).select_related("connection")


def _found(thing: Any) -> Any:
    if thing is None:
        raise Http404
    return thing


def _is_masked(request: Request) -> bool:
    return permissions.scope(request.user, Permission.SEE_PROPOSALS) is Scope.MASKED


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
