"""A sitting: the time between signing in and being signed out, and what holds while it lasts."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import cast
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from meshline import instant, logs
from meshline.people.models import User
from meshline.web.requests import Request

_BEGAN, _LAST_ACT = "sitting_began", "sitting_last_act"
# The last act is written down at most this often: one UPDATE per request would be too many.
_NOTED_EVERY_SECONDS = 30
# A page that asks by itself says so by this header; it is not a person's act.
POLL_HEADER = "X-Meshline-Poll"


class SittingMiddleware:
    """Ends sittings that are over, sets the person's zone, keeps signed-in pages out of caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        # The person themselves: of a stand-in that looks them up a page would ask a thousand times.
        request.user = cast(User, get_user(request))
        request.now = instant.now() if _carries_a_sitting(request) else None
        ended = _end_if_over(request, request.now) if request.now else ""
        if request.now and request.user.is_authenticated:
            logs.bind(person=request.user.pk)
        with zone_of(request):
            response = self.get_response(request)
        if _sends_to_sign_in(response):
            response = _to_sign_in(request, response, ended)
        if request.user.is_authenticated:
            patch_cache_control(response, no_store=True, private=True)
        patch_vary_headers(response, ["HX-Request"])
        return response


def begin(request: Request, *, at: datetime) -> None:
    """Start the clock of a sitting; said by whatever signs a person in."""
    request.session[_BEGAN] = request.session[_LAST_ACT] = at.timestamp()


def zone_of(request: Request) -> AbstractContextManager:
    """The person's zone for the length of a request; UTC for who has none or a wrong one."""
    try:
        return timezone.override(ZoneInfo(getattr(request.user, "zone", "") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.override(ZoneInfo("UTC"))


def safe_page(request: Request, url: str | None) -> str:
    """The path of `url` when it is a page of this site; empty otherwise."""
    hosts = {request.get_host()}
    if not url or not url_has_allowed_host_and_scheme(url, hosts, request.is_secure()):
        return ""
    parts = urlsplit(url)
    page = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # A path such as "//elsewhere" or "/\elsewhere" would lead off the site after all.
    return page if url_has_allowed_host_and_scheme(page, None) else ""


def _carries_a_sitting(request: Request) -> bool:
    return SESSION_KEY in request.session


def _end_if_over(request: Request, now: datetime) -> str:
    """Sign the person out when their sitting is over; why, or nothing."""
    reason = _over(request, now.timestamp()) if request.user.is_authenticated else "closed"
    if reason:
        logout(request)
    else:
        _note_act(request, now)
    return reason


def _over(request: Request, now: float) -> str:
    if now - request.session.get(_BEGAN, now) >= settings.SITTING_ABSOLUTE_SECONDS:
        return "long"
    if now - request.session.get(_LAST_ACT, now) >= settings.SITTING_IDLE_SECONDS:
        return "idle"
    return ""


def _note_act(request: Request, now: datetime) -> None:
    if _BEGAN not in request.session:
        begin(request, at=now)
    elif request.headers.get(POLL_HEADER) == "1":
        return
    elif now.timestamp() - request.session.get(_LAST_ACT, 0) >= _NOTED_EVERY_SECONDS:
        request.session[_LAST_ACT] = now.timestamp()


def _sends_to_sign_in(response: HttpResponse) -> bool:
    if response.status_code != 302:
        return False
    return urlsplit(response.headers["Location"]).path == resolve_url(settings.LOGIN_URL)


def _to_sign_in(request: Request, response: HttpResponse, ended: str) -> HttpResponse:
    """To the sign-in page and, after it, back to the page the person was looking at."""
    words = {"next": _page_looked_at(request), "ended": ended}
    query = urlencode({name: word for name, word in words.items() if word}, safe="/")
    url = resolve_url(settings.LOGIN_URL) + (f"?{query}" if query else "")
    if not request.htmx:
        response.headers["Location"] = url
        return response
    answer = HttpResponse(status=200)
    answer.headers["HX-Redirect"] = url
    answer.cookies = response.cookies
    return answer


def _page_looked_at(request: Request) -> str:
    if request.htmx:
        return safe_page(request, request.htmx.current_url)
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    return safe_page(request, request.headers.get("Referer"))
