"""When something is not possible: what the person reads, as a page or, to htmx, as a live message.

None of these names anything technical; each says what the person can do next.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from meshline.web import doors

BAD_REQUEST = "This request could not be read. Go back, check what you entered and try again."
STALE_FORM = "This form was open for too long. Reload the page and send it again."
MISSING = "There is nothing at this address, or it is not among what you may see."
DENIED = "You may not see this."
BROKEN = "Something broke on our side; nothing was changed. Try again in a moment."


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 400, BAD_REQUEST)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, 403, STALE_FORM, title="Please try again")


def denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """The reason stands in `exception`: a sentence, or an exception that says one."""
    return _answer(request, 403, str(exception or "") or DENIED)


def missing(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404, MISSING)


def broken(request: HttpRequest) -> HttpResponse:
    """Without the database and without anything else that may be what broke."""
    if doors.is_machine(request.path_info):
        return JsonResponse({"error": BROKEN}, status=500)
    if getattr(request, "htmx", False):
        return message_part(BROKEN, tone="danger", status=500)
    return HttpResponse(render_to_string("500.html", {"sentence": BROKEN}), status=500)


def message_part(sentence: str, *, tone: str, status: int) -> HttpResponse:
    """A live message that htmx puts where messages stand, whatever its target was."""
    part = render_to_string("web/_message.html", {"sentence": sentence, "tone": tone})
    headers = {"HX-Retarget": "#messages", "HX-Reswap": "innerHTML"}
    return HttpResponse(part, status=status, headers=headers)


def home_url() -> str:
    try:
        return reverse("home")
    except NoReverseMatch:
        return "/"


def _answer(request: HttpRequest, status: int, sentence: str, *, title: str = "") -> HttpResponse:
    if getattr(request, "htmx", False):
        return message_part(sentence, tone="danger", status=status)
    context = {"sentence": sentence, "title": title, "home_url": home_url()}
    return render(request, f"{status}.html", context, status=status)
