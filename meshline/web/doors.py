"""The machines' doors: webhooks and health checks, answered before everything people need.

They have no session, no CSRF token and no page, and intake pays for nothing it does not use.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve

_DOORS = ("/healthz", "/readyz")
_HOOKS = "/hooks/"

Answer = Callable[[HttpRequest], HttpResponseBase]


class MachineDoors:
    """Resolves and answers machine requests right here; lets all others through."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return answer(request) if is_machine(request.path_info) else self.get_response(request)


def is_machine(path: str) -> bool:
    """Whether a program, not a person, knocks here."""
    return path.startswith(_HOOKS) or path in _DOORS


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
