"""The head of the queue: how many each tab holds, and the numbers of what is open.

The list waits for neither: of many nobody counts further than people read, and their numbers are a
part of their own that the page asks for once its list is there. Of a few both stand in the page.
"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from exceptions import metrics
from exceptions.filters import TABS, Asked
from exceptions.metrics import Numbers
from meshline.people.permissions import Permission, Scope, scope
from meshline.web.requests import Request

# The word in the queue's address that asks for the numbers, however long they take.
WORD = "numbers"


def of(request: Request, asked: Asked) -> dict[str, Any]:
    """The tabs, and the numbers unless the list would wait for them."""
    counts = asked.counts()
    context = _context(request, asked, _numbers(request, asked, counts))
    urls = context["urls"]
    tabs = [
        {
            "label": label,
            "url": urls[name],
            "count": metrics.told(counts[name], most=metrics.CAP),
            "current": name == asked.tab,
        }
        for name, label in TABS.items()
    ]
    return {**context, "counts": counts, "tabs": tabs}


def answer(request: Request) -> HttpResponse:
    """The numbers alone, for a page that has its list."""
    asked = Asked.of(request, request.GET)
    return render(request, "exceptions/_stats.html", _context(request, asked, asked.numbers()))


def _numbers(request: Request, asked: Asked, counts: dict[str, int]) -> Numbers | None:
    if not metrics.are_many(counts):
        return asked.numbers(counts)
    return asked.numbers() if WORD in request.GET else None


def _context(request: Request, asked: Asked, numbers: Numbers | None) -> dict[str, Any]:
    queue = reverse("exceptions:queue")
    urls = {name: f"{queue}?{asked.query(name)}" for name in TABS}
    return {
        "numbers": numbers,
        "numbers_url": f"{urls[asked.tab]}&{WORD}=1",
        "urls": urls,
        "is_masked": scope(request.user, Permission.SEE_QUEUE) is Scope.MASKED,
    }
