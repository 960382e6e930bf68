"""The machines' doors: webhooks, the API, health checks and numbers, before all that people need.

They have no session, no CSRF token and no page, and intake pays for nothing it does not use.
"""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import UnreadablePostError
from django.urls import Resolver404, resolve

from meshline import logs, patience
from meshline.web import errors, machines, places

# For all of a body, and for all that is asked of the database. Proxies wait no longer either.
BODY_SECONDS = 20.0
DATABASE_SECONDS = 60.0
# A file needs no database; who asks is only looked up where there is none of that name.
FILE_SECONDS = 1.5

Answer = Callable[[HttpRequest], HttpResponseBase]


class MachineDoors:
    """Resolves and answers machine requests right here; lets all others through.

    Every request gets its id here, in the log and on the answer: a middleware of its own would be
    one more layer on the way of every webhook.
    """

    def __init__(self, get_response: Answer) -> None:
        self._machines = cast(Answer, convert_exception_to_response(answer))
        self._people = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = logs.begin(request.META.get("HTTP_X_REQUEST_ID"))
        response = self._answer(request, request.path_info)
        # What is logged about the answer further out, and after it, still belongs to it.
        response.headers[logs.HEADER] = request_id
        return response

    def _answer(self, request: HttpRequest, path: str) -> HttpResponseBase:
        if machines.is_brief(path):
            return self._machines(request)
        if request.method == "GET" and path.startswith(str(settings.STATIC_URL)):
            # A page asks for a dozen at once: they would take the places of other pages.
            with patience.at_most(FILE_SECONDS):
                return self._people(request)
        return _in_turn(request, self._machines if machines.is_machine(path) else self._people)


def answer(request: HttpRequest) -> HttpResponse:
    """The view behind this door, or a plain 404."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return JsonResponse({"error": "There is nothing at this address."}, status=404)
    request.resolver_match = match
    response = match.func(request, *match.args, **match.kwargs)
    # Otherwise the server would send it in chunks; CommonMiddleware does not come by here.
    response.headers.setdefault("Content-Length", str(len(response.content)))
    return response


def _in_turn(request: HttpRequest, respond: Answer) -> HttpResponseBase:
    """What may take long, or be made to: once there is a place for it, and not without end.

    The web server's worker gives the place back once all is sent.
    """
    if not places.here.take():
        return errors.turned_away(request, 503, errors.BUSY)
    try:
        if not _is_whole(request):
            return errors.turned_away(request, 408, errors.NOT_ARRIVED)
    except RequestDataTooBig:
        return errors.turned_away(request, 413, errors.TOO_LARGE)
    with patience.at_most(DATABASE_SECONDS):
        return respond(request)


def _is_whole(request: HttpRequest) -> bool:
    """Whether all of the body that was announced has come. Raises RequestDataTooBig.

    Half a form would be read as a whole one, and a sender who never ends would hold a thread.
    """
    wire, length = request.META.get("gunicorn.socket"), request.META.get("CONTENT_LENGTH") or "0"
    if wire is None or length == "0":
        return True
    try:
        with patience.receiving(wire, BODY_SECONDS):
            return len(request.body) == int(length)
    except UnreadablePostError:
        return False
