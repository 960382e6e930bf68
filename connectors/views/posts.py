"""One post: as it was let in with the events cut from it, or as it was refused."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from connectors import looking
from connectors.inbox import REJECTED_BODY
from connectors.models import Receipt, RejectedReceipt
from connectors.views.messages import download
from meshline import instant
from meshline.people.permissions import NotAllowed, Permission, Scope
from meshline.web.access import requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_PAYLOADS)
def post(request: Request, post_id: int) -> HttpResponse:
    found = _post(request, post_id)
    masked = request.scope is Scope.MASKED
    closed = looking.why_not_whole(request.user, found)
    if not masked and not closed:
        looking.note(found, by=request.user, at=instant.now())
    events = looking.visible(request.user).filter(receipt=found.pk)
    context = {
        "post": found,
        "events": list(events.only("pk", "type", "key", "status", "position").order_by("position")),
        "closed": closed,
        "sight": None if closed else looking.sight(bytes(found.body), masked=masked),
        "headers": looking.headers(found.headers, masked=masked),
        "download": reverse("connectors:post-raw", args=[found.pk]),
        "masked": masked,
        "size": len(bytes(found.body)),
    }
    return render(request, "connectors/post.html", context)


@require_safe
@requires(Permission.SEE_PAYLOADS)
def post_raw(request: Request, post_id: int) -> HttpResponse:
    found = _post(request, post_id)
    if closed := looking.why_not_whole(request.user, found):
        raise NotAllowed(closed)
    return download(request, found, bytes(found.body), f"post-{found.pk}")


@require_safe
@requires(Permission.SEE_PAYLOADS)
def refused_post(request: Request, refused_id: int) -> HttpResponse:
    found = _refused(request, refused_id)
    masked = request.scope is Scope.MASKED
    if not masked:
        looking.note(found, by=request.user, at=instant.now())
    context = {
        "post": found,
        "headers": looking.headers(found.headers, masked=masked),
        "masked": masked,
        **_body(bytes(found.body), masked),
        "download": reverse("connectors:refused-raw", args=[found.pk]),
    }
    return render(request, "connectors/refused_post.html", context)


@require_safe
@requires(Permission.SEE_PAYLOADS)
def refused_raw(request: Request, refused_id: int) -> HttpResponse:
    found = _refused(request, refused_id)
    return download(request, found, bytes(found.body), f"refused-{found.pk}")


# --- Underneath ------------------------------------------------------------------------------
def _post(request: Request, post_id: int) -> Receipt:
    seen = looking.visible_posts(request.user).select_related("connection")
    return get_object_or_404(seen, pk=post_id)


def _refused(request: Request, refused_id: int) -> RejectedReceipt:
    seen = looking.visible_refused(request.user).select_related("connection")
    return get_object_or_404(seen, pk=refused_id)


def _body(body: bytes, masked: bool) -> dict[str, Any]:
    """What was kept of it; of what is not known to be ours not even the structure is for admins."""
    if masked or not body:
        return {"sight": None}
    return {"sight": looking.sight(body, masked=False), "is_cut": len(body) == REJECTED_BODY}
