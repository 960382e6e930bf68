"""`POST /hooks/<connection>/`: check the envelope, prove the sender, store, answer."""

import logging
import re
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import TooManyFieldsSent
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from connectors import inbox, registry
from connectors.base import Post
from connectors.inbox import Door, NotSigned, Stored
from connectors.models import Connection
from meshline import bell, patience, prepared
from meshline.vault import VaultError

log = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
# Between two pieces of a body, and for all of it.
PIECE_SECONDS = 5.0
BODY_SECONDS = 10.0
# The sender hears within two seconds that the database does not answer.
DATABASE_SECONDS = 1.5
_LENGTH = re.compile(r"[0-9]{1,10}")
# Never kept: they may carry what proves somebody.
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key"}


class Wrong(Exception):
    """An envelope that is refused before the body is looked at: status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer as the table in the interfaces says; 503 whenever the database is away."""
    try:
        return _receive(request, slug)
    except patience.Unanswered:
        # Whoever waited says so in the log; this may be one of thousands in a second.
        return _come_again()
    except (DatabaseError, VaultError):
        log.exception("A webhook for %s could not be stored", slug)
        return _come_again()


def _come_again() -> HttpResponse:
    answer = _error(503, "Meshline cannot store this now; send it again soon.")
    answer["Retry-After"] = "5"
    return answer


def _receive(request: HttpRequest, slug: str) -> HttpResponse:
    # A door that is remembered is found without the database.
    with patience.trying(DATABASE_SECONDS, proves=False):
        prepared.connect_anew_if_gone()
        at_door = inbox.door(slug)
    if at_door is None:
        return _error(404, f"There is no connection {slug}.")
    if request.method != "POST":
        answer = _error(405, "Events are sent by POST.")
        answer["Allow"] = "POST"
        return answer
    try:
        _check_open(at_door)
        body, query = _body(request, at_door), _query(request)
    except Wrong as wrong:
        return _refused(request, at_door, wrong.status, str(wrong), b"")
    post = Post(
        body=body, headers=_headers(request), query=query, at=at_door.at,
        url=f"{settings.PUBLIC_URL}{request.get_full_path()}", options=at_door.options,
    )  # fmt: skip
    try:
        stored = _accepted(at_door, post, _sender(request))
    except NotSigned as error:
        return _refused(request, at_door, 401, str(error), body)
    if any(one.status == "accepted" for one in stored):
        bell.ring("inbox")
    return _stored(stored)


def _accepted(at_door: Door, post: Post, sender: str | None) -> list[Stored]:
    with patience.trying(DATABASE_SECONDS):
        try:
            return inbox.accept(at_door, post, sender=sender)
        except NotSigned:
            # It may have got a secret since it was looked at.
            newer = inbox.door(at_door.slug, anew=True) if at_door.is_remembered else None
            if newer is None:
                raise
            post = replace(post, options=newer.options, at=newer.at)
            return inbox.accept(newer, post, sender=sender)


def _check_open(at_door: Door) -> None:
    if at_door.status == Connection.Status.DISABLED:
        raise Wrong(403, "This connection is disabled.")


def _query(request: HttpRequest) -> dict[str, str]:
    try:
        return request.GET.dict()
    except TooManyFieldsSent:
        raise Wrong(400, "The address carries too many parameters.") from None


def _body(request: HttpRequest, at_door: Door) -> bytes:
    """The raw bytes, once length, type and encoding are as they must be. Raises Wrong."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower() or not length:
        raise Wrong(411, "Content-Length is required; a chunked body is not taken.")
    if not _LENGTH.fullmatch(length):
        raise Wrong(411, "Content-Length must be a number of bytes.")
    if int(length) > LARGEST_BODY:
        raise Wrong(413, "A body is at most 1 MiB.")
    if request.headers.get("Content-Encoding", "").strip():
        raise Wrong(415, "Compressed or encoded bodies are not taken; send plain JSON.")
    _check_type(request, at_door)
    return _read(request, int(length))


def _read(request: HttpRequest, length: int) -> bytes:
    """The body, from a sender that does not stop sending it.

    Otherwise whoever announces a body and never sends it, or drips it, would hold a thread.
    """
    wire = request.META.get("gunicorn.socket")
    if wire:
        wire.settimeout(PIECE_SECONDS)
    try:
        with patience.receiving(wire, BODY_SECONDS):
            body = request.body
    except UnreadablePostError:
        raise Wrong(408, "The body did not arrive.") from None
    if len(body) < length:
        raise Wrong(408, "The body did not arrive in time.")
    return body


def _check_type(request: HttpRequest, at_door: Door) -> None:
    emitter = registry.system(at_door.system).emitter
    allowed = emitter.content_types if emitter else frozenset({"application/json"})
    kind, *parameters = [
        part.strip() for part in request.headers.get("Content-Type", "").split(";")
    ]
    if kind.lower() not in allowed:
        raise Wrong(415, f"The content type must be {' or '.join(sorted(allowed))}.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() != "utf-8":
            raise Wrong(415, "The charset must be utf-8.")


def _stored(stored: list[Stored]) -> JsonResponse:
    events = [{"message": str(one.message), "status": one.status} for one in stored]
    if len(events) > 1:
        repeated = all(one.status == "duplicate" for one in stored)
        return JsonResponse({"messages": events}, status=200 if repeated else 202)
    event: dict[str, Any] = events[0]
    if event["status"] == "conflict":
        sentence = "This key came before with other content; the first one counts."
        return JsonResponse({**event, "error": sentence, "field": None}, status=422)
    return JsonResponse(event, status=200 if event["status"] == "duplicate" else 202)


def _refused(
    request: HttpRequest, at_door: Door, status: int, reason: str, body: bytes
) -> JsonResponse:
    with patience.trying(DATABASE_SECONDS):
        inbox.reject(
            at_door, status_code=status, reason=reason, headers=_headers(request), body=body,
            sender=_sender(request),
        )  # fmt: skip
    return _error(status, reason)


def _error(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence, "field": None}, status=status)


def _headers(request: HttpRequest) -> dict[str, str]:
    return {
        name.lower(): _text(value)
        for name, value in request.headers.items()
        if name.lower() not in _SECRET_HEADERS
    }


def _text(value: str) -> str:
    """WSGI hands headers over as latin-1; what jsonb does not take is replaced."""
    clean = value.encode("latin-1", "replace").decode("utf-8", "replace")
    return clean.replace("\0", "\N{REPLACEMENT CHARACTER}")[:2000]


def _sender(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None
