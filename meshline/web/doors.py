"""The machines' doors: webhooks, the API, health checks and numbers, before all that people need.

They have no session, no CSRF token and no page, and intake pays for nothing it does not use.
"""

from collections.abc import Callable
from typing import cast

from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve

from meshline import logs

_DOORS = ("/healthz", "/readyz", "/metrics")
_HOOKS = ("/hooks/", "/api/")
# The API's one page is for people.
_PAGES = ("/api/v1/docs",)

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
        respond = self._machines if is_machine(request.path_info) else self._people
        response = respond(request)
        # What is logged about the answer further out, and after it, still belongs to it.
        response.headers[logs.HEADER] = request_id
        return response


def is_machine(path: str) -> bool:
    """Whether a program, not a person, knocks here."""
    return (path.startswith(_HOOKS) and path not in _PAGES) or path in _DOORS


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
