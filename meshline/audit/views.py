"""The trail's one page: everything that was done, newest first; and the same as a file."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline.audit import export as file
from meshline.audit import filters, invariants, timeline, verify
from meshline.audit.models import ChainHead, LastAnchor, TrailLine
from meshline.people.permissions import Permission, Scope, refusal_for
from meshline.pulse import pulse
from meshline.pulse.models import Heartbeat
from meshline.web import csv_export, paging
from meshline.web.access import refusal, requires
from meshline.web.requests import Request

# How the clock's last look at everything came out.
_CHECKED = "invariants"


@require_safe
@requires(Permission.SEE_TRAIL)
def trail(request: Request) -> HttpResponse:
    asked = filters.TrailFilter(request.GET or None)
    lines = filters.within(TrailLine.objects.select_related("link"), request.user, request.scope)
    page = paging.page(asked.narrow(lines, request.scope), request, size=100)
    head = ChainHead.objects.first()
    context = {
        "filter": asked,
        "page": page,
        "entries": timeline.read(
            page.items,
            masked=request.scope is Scope.MASKED,
            opens=filters.opens(request.user),
        ),
        "head": head,
        "head_hash": bytes(head.hash).hex() if head else "",
        "verified": Heartbeat.objects.filter(name=verify.VERIFIED).first(),
        "is_broken": invariants.NAME in pulse.detail(_CHECKED).get("broken", []),
        "anchor": LastAnchor.objects.filter(pk=1).first(),
        "is_partial": request.scope is Scope.TEAM,
        "export_url": _export_url(request),
        "export_refusal": refusal_for(request.user, Permission.EXPORT_TRAIL),
    }
    return render(request, "audit/trail.html", context)


@require_POST
@requires(Permission.EXPORT_TRAIL)
def export(request: Request) -> HttpResponseBase:
    """All lines that the filter in the URL shows, on whichever page, as CSV."""
    asked = filters.TrailFilter(request.GET or None)
    if faults := csv_export.faults_of(asked):
        return refusal(request, faults, status=422)
    seen = filters.within(TrailLine.objects.all(), request.user, request.scope)
    masked = request.scope is Scope.MASKED
    return csv_export.send(
        request,
        asked.narrow(seen, request.scope).order_by("-id"),
        whole=TrailLine.objects.select_related("link"),
        name="trail",
        columns=file.COLUMNS,
        asked=csv_export.asked_of(asked),
        write=lambda chunks: file.rows(chunks, masked=masked),
    )


def _export_url(request: Request) -> str:
    """Of all pages of what the filter shows, not of the one on screen."""
    words = request.GET.copy()
    for place in ("before", "after"):
        words.pop(place, None)
    return f"{reverse('audit:export')}?{words.urlencode()}"
