"""May you, and what we answer: the decorator that guards a view, and the shapes of yes and no.

A view guarded by `requires` finds in `request.scope` how far the permission reaches. A verb's no is
answered with `refusal`, its yes with `done` (to a page) or `say` (a sentence beside a part).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from meshline.people import permissions
from meshline.people.permissions import NotAllowed, OutOfScope, Permission
from meshline.web import errors, sitting
from meshline.web.requests import Request

View = Callable[..., HttpResponseBase]


def requires(permission: Permission) -> Callable[[View], View]:
    """Let in who has `permission`; others read why not, as a page or as a part."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if reason := permissions.refusal_for(request.user, permission):
                return errors.denied(request, reason)
            request.scope = permissions.scope(request.user, permission)
            return _answer(view, request, *args, **kwargs)

        # For the test that walks every URL.
        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return guard


def refusal(
    request: Request, error: Exception | str, status: int = 409, *, back: str = ""
) -> HttpResponse:
    """A verb's no, where the person looks: a live message, or a flash on the page they came from
    (`back`, where that page does not say all of it).

    A plain form that holds typed text is better rendered again by its view.
    """
    if request.htmx:
        return errors.message_part(str(error), tone="danger", status=status)
    messages.error(request, str(error))
    return see_other(back or back_from(request))


def done(
    request: Request, sentence: str, to: Any, *, undo: str = "", level: int = messages.SUCCESS
) -> HttpResponse:
    """It happened: say so on the page at `to`; `undo` is the URL that takes it back. What was asked
    for and had no effect yet is of the level INFO."""
    messages.add_message(request, level, sentence, extra_tags=undo)
    url = resolve_url(to)
    if not request.htmx:
        return see_other(url)
    response = HttpResponse(status=204)
    response.headers["HX-Redirect"] = url
    return response


def say(request: Request, response: HttpResponse, sentence: str, *, undo: str = "") -> HttpResponse:
    """Add a live message to a part that answers htmx; what `undo` answers takes its place."""
    target = f"#{request.htmx.target}" if request.htmx.target else ""
    context = {
        "sentence": sentence, "tone": "ok", "undo": undo, "undo_target": target,
        "out_of_band": True,
    }  # fmt: skip
    response.write(render_to_string("web/_message.html", context, request))
    return response


def see_other(url: str) -> HttpResponse:
    """A 303: whatever the method was, look there now."""
    return HttpResponse(status=303, headers={"Location": url})


def back_from(request: Request) -> str:
    """The page of ours the person came from, or home."""
    return sitting.safe_page(request, request.headers.get("Referer")) or errors.home_url()


def _answer(view: View, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
    try:
        return view(request, *args, **kwargs)
    except OutOfScope as error:
        raise Http404(str(error)) from error
    except NotAllowed as error:
        return errors.denied(request, error)
