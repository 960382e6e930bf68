"""What an open queue asks by itself: how many tickets came since, and how its rows stand by now."""

from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render

from exceptions import bulk, looks, showing
from exceptions.filters import Asked
from exceptions.models import Ticket
from meshline import instant
from meshline.web.requests import Request

# More than a page of rows is nobody's question.
ROWS_ASKED = 100
_LARGEST_ID = 2**63 - 1


def newest() -> int:
    """The number of the ticket that came last."""
    # Every open page asks it four times a minute: the ORM would take longer than the answer.
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM exceptions_ticket")
        return cursor.fetchone()[0] or 0


def answer(request: Request) -> HttpResponse:
    """How many came since the page was loaded, and how those rows on it stand by now that changed,
    or the whole of them: of what nobody changes the time runs on."""
    since, told = _number(request.GET["since"]), _number(request.GET.get("told", "0"))
    has_newer, tickets = newest() > since, _moved(request)
    # Mostly there is nothing at all, and nothing to narrow.
    if not (has_newer or told or tickets):
        return HttpResponse(status=204)
    asked = Asked.of(request, request.GET)
    new = asked.rows.filter(pk__gt=since).count() if has_newer else 0
    if new == told and not tickets:
        return HttpResponse(status=204)
    showing.accompany(tickets)
    context = {
        "asked": asked,
        "newest": since,
        "told": new,
        "is_more": new > told,
        "columns": looks.look_of(request.user).columns,
        "rows": showing.seen_by(tickets, request.user, at=request.now or instant.now()),
    }
    return render(request, "exceptions/_news_answer.html", context)


def _moved(request: Request) -> list[Ticket]:
    """Those rows of the page that no longer stand as they do there; all, for the whole."""
    said = (one.partition(":") for one in request.GET.getlist("seen")[:ROWS_ASKED])
    stood = {_number(number): stamp for number, _, stamp in said}
    if not stood:
        return []
    rows = Ticket.objects.visible_to(request.user).filter(pk__in=stood)
    if "whole" in request.GET:
        return list(rows)
    moved = [number for number, stamp in bulk.standing(stood) if stamp != stood[number]]
    # Mostly none: no row is read for it. Of those that are, only what the person may see.
    return list(rows.filter(pk__in=moved)) if moved else []


def _number(word: str) -> int:
    """A number in a URL; what is none counts as one that nothing comes after."""
    is_number = word.isascii() and word.isdigit() and len(word) < 19
    return int(word) if is_number else _LARGEST_ID
