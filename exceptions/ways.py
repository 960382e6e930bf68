"""Where somebody goes on who put something right: where they were.

A ticket's page says in its address, or sends along with each of its forms, which list of the queue
one works through: after an act the page before is the ticket itself.
"""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse

from exceptions.models.saved_view import WORDS_LENGTH
from meshline.web.access import back_from
from meshline.web.requests import Request

# The word for the list, in the address and in the forms.
VIEW = "view"


def back(request: Request, ticket_id: int) -> str:
    """The queue as the person had it, or the ticket's page with the list they came from."""
    came_from = urlsplit(back_from(request))
    page, queue_url = reverse("exceptions:ticket", args=[ticket_id]), reverse("exceptions:queue")
    if VIEW not in request.POST and came_from.path == queue_url:
        return came_from.geturl()
    words = QueryDict(came_from.query if came_from.path == page else "", mutable=True)
    if VIEW in request.POST:
        words[VIEW] = _words(request.POST[VIEW])
    return f"{page}?{words.urlencode()}" if words else page


def listed(request: Request) -> str | None:
    """The words of the list one came from, as this page's address or the form says, or the page
    before; None where nobody says."""
    for said in (request.POST, request.GET):
        if VIEW in said:
            return _words(said[VIEW])
    before = urlsplit(back_from(request))
    there = QueryDict(before.query)
    if VIEW in there:
        return _words(there[VIEW])
    return before.query if before.path == reverse("exceptions:queue") else None


def aside(request: Request, ticket_id: int) -> dict[str, Any]:
    """What a page of its own about a ticket shows by: the way back there, and what its forms send
    along, so that the way back knows the list still when they are answered."""
    words = listed(request)
    return {"back": ticket(request, ticket_id), "sent_along": {VIEW: words} if words else {}}


def ticket(request: Request, ticket_id: int) -> str:
    """That ticket's page, with the list one came from."""
    page, words = reverse("exceptions:ticket", args=[ticket_id]), listed(request)
    return with_list(page, words) if words else page


def with_list(page: str, words: str) -> str:
    """That page of ours, which is to say which list one came from."""
    return f"{page}?{urlencode({VIEW: words})}"


def _words(said: str) -> str:
    """Words as a list's address has them: they lead nowhere else, whatever they were."""
    return QueryDict(said[:WORDS_LENGTH]).urlencode()
