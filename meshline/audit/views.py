"""The trail's one page: everything that was done, newest first."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline.audit import filters, timeline
from meshline.audit.models import ChainHead, TrailLine
from meshline.people.permissions import Permission, Scope
from meshline.web import paging
from meshline.web.access import requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_TRAIL)
def trail(request: Request) -> HttpResponse:
    asked = filters.TrailFilter(request.GET or None)
    lines = filters.within(TrailLine.objects.select_related("link"), request.user, request.scope)
    page = paging.page(asked.narrow(lines), request, size=100)
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
        "is_partial": request.scope is Scope.TEAM,
    }
    return render(request, "audit/trail.html", context)
