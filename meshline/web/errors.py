"""When something is not possible: what the person reads, as a page or, to htmx, as a live message.

None of these names anything technical; each says what the person can do next.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from meshline.web import machines

BAD_REQUEST = "This request could not be read. Go back, check what you entered and try again."
STALE_FORM = "This form was open for too long. Reload the page and send it again."
MISSING = "There is nothing at this address, or it is not among what you may see."
DENIED = "You may not see this."
OTHER_METHOD = (
    "This is the address of an act, not of a page; nothing was changed. Go back and use the button "
    "or the form there."
)
BROKEN = "Something broke on our side; nothing was changed. Try again in a moment."
BUSY = "Meshline has its hands full; nothing was changed. Try again in a moment."
NOT_ARRIVED = "What you sent did not arrive in time; nothing was changed. Send it again."
TOO_LARGE = "This is more than Meshline takes at once; nothing was changed."
TOO_MANY = (
    f"A form may have {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields, and this one has more; "
    "nothing was changed. Go back, take some rows out and send it again."
)
COME_AGAIN_SECONDS = 5


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Also for what is too much at once, which Django says in the same way."""
    if isinstance(exception, TooManyFieldsSent):
        return _answer(request, 413, TOO_MANY)
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent):
        return _answer(request, 413, TOO_LARGE)
    return _answer(request, 400, BAD_REQUEST)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, 403, STALE_FORM, title="Please try again")


def denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """The reason stands in `exception`: a sentence, or an exception that says one."""
    return _answer(request, 403, str(exception or "") or DENIED)


def missing(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404, MISSING)


def other_method(request: HttpRequest, back: str) -> HttpResponse:
    """Somebody opened the address of an act, or reloaded it; `back` is where its button stands."""
    if getattr(request, "htmx", False):
        return message_part(OTHER_METHOD, tone="danger", status=405)
    context = {"sentence": OTHER_METHOD, "back": back}
    return render(request, "405.html", context, status=405)


def broken(request: HttpRequest) -> HttpResponse:
    """Without the database and without anything else that may be what broke."""
    if machines.is_machine(request.path_info):
        return JsonResponse({"error": BROKEN}, status=500)
    if getattr(request, "htmx", False):
        return message_part(BROKEN, tone="danger", status=500)
    return HttpResponse(render_to_string("500.html", {"sentence": BROKEN}), status=500)


def turned_away(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """Before anything was done for it: nobody knows yet who asks, and the database is not asked."""
    if machines.is_machine(request.path_info):
        answer: HttpResponse = JsonResponse({"error": sentence, "field": None}, status=status)
    elif "HX-Request" in request.headers:
        answer = message_part(sentence, tone="danger", status=status)
    else:
        page = {"sentence": sentence, "title": "That did not work"}
        answer = HttpResponse(render_to_string("500.html", page), status=status)
    answer.headers["Content-Length"] = str(len(answer.content))
    if status == 503:
        answer.headers["Retry-After"] = str(COME_AGAIN_SECONDS)
    return answer


def message_part(sentence: str, *, tone: str, status: int) -> HttpResponse:
    """A live message that htmx puts where messages stand, whatever its target was."""
    part = render_to_string("web/_message.html", {"sentence": sentence, "tone": tone})
    headers = {"HX-Retarget": "#messages", "HX-Reswap": "innerHTML", "HX-Reselect": "unset"}
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
    page = "400.html" if status == 413 else f"{status}.html"
    return render(request, page, context, status=status)
