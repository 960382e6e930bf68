"""From one ticket to the next of the list one came from, without the list."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from exceptions import views, ways
from exceptions.filters import Asked
from exceptions.models import Ticket
from meshline.people.permissions import Permission
from meshline.web import paging
from meshline.web.access import requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_QUEUE)
def following(request: Request, ticket_id: int) -> HttpResponse:
    """The next ticket that waits in the list the words ask for; after the last one, its first."""
    found = views.find(request, ticket_id)
    asked = Asked.of(request, request.GET)
    if other := _after(found, asked):
        page = reverse("exceptions:ticket", args=[other.pk])
        return redirect(ways.with_list(page, asked.query()))
    messages.info(request, "Nothing else waits in this list.")
    return redirect(f"{reverse('exceptions:queue')}?{asked.query()}")


def _after(found: Ticket, asked: Asked) -> Ticket | None:
    rows = asked.rows.exclude(pk=found.pk)
    if asked.tab != "resolved":
        rows = rows.unresolved()
    return paging.first_after(rows, found, by=asked.order)
