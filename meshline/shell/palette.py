"""The palette: what can be gone to or done from anywhere, assembled from what every floor finds."""

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exceptions import search as of_exceptions
from meshline.people import search as of_people
from meshline.people.models import User
from meshline.searching import Found
from meshline.web.nav import Link, Shared
from meshline.web.requests import Request
from proposals import search as of_proposals

# What is looked through by a word, in the order in which it is told.
FLOORS: dict[str, Callable[[str, User], list[Found]]] = {
    "Tickets": of_exceptions.found,
    "Proposals": of_proposals.found,
    "People": of_people.found,
}
LONGEST = 100


@require_safe
def palette(request: Request) -> HttpResponse:
    """A page that looks everywhere; to the palette what it found alone."""
    text = request.GET.get("q", "").replace("\0", " ").strip()[:LONGEST]
    groups = found(request, text, ticket=request.GET.get("ticket", ""))
    template = "shell/_palette.html" if request.htmx else "shell/palette.html"
    return render(request, template, {"groups": groups, "text": text})


def found(request: Request, text: str, *, ticket: str) -> list[tuple[str, list[Found]]]:
    """Acts first, then pages, then what there is; nothing that this person may not open."""
    groups = [
        ("Do", of_exceptions.acts_on(ticket, text, request.user)),
        ("Go to", _pages(request, text)),
        *((name, look(text, request.user)) for name, look in FLOORS.items()),
    ]
    return [(name, things) for name, things in groups if things]


def _pages(request: Request, text: str) -> list[Found]:
    links = [link for link in Shared(request).links if text.lower() in link.label.lower()]
    return [_page(link) for link in links]


def _page(link: Link) -> Found:
    return Found(link.label, link.url, link.icon, f"G {link.key.upper()}")
