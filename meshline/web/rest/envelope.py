"""Around every operation: is it asked as described, and is the answer JSON whatever happens."""

import json
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from meshline.web.errors import BROKEN
from meshline.web.rest.refusals import MISSING, Refused, no

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
_JSON = "application/json"
_ACCEPTED = {_JSON, "application/*", "*/*"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Authorization, Accept",
    "X-Content-Type-Options": "nosniff",
}
View = Callable[..., HttpResponse]


class Strict(Parser):
    """Reads what it is sent once and whole: a word that comes twice is refused, not half read."""

    def parse_querydict(
        self, data: MultiValueDict, list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        for name, values in data.lists():
            if len(values) > 1:
                raise Refused(422, f"{name} is given {len(values)} times; give it once.", name)
        return super().parse_querydict(data, list_fields, request)

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        text = request.body.decode("utf-8")
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once)


def guarded(view: View, operations: Callable[[], Mapping[str, Mapping[str, Any]]]) -> View:
    """The view behind its envelope; `operations` are its methods as the document describes them,
    told when it is asked."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _check(request, operations())
            response = view(request, *args, **kwargs)
        except Refused as error:
            response = no(error.status, str(error), error.field, error.headers)
        except (SuspiciousOperation, UnreadablePostError, RawPostDataException):
            response = no(400, "This request could not be read.")
        except DatabaseError:
            log.exception("The API could not reach the database")
            said = "Meshline cannot answer this now; ask again soon."
            response = no(503, said, headers={"Retry-After": "5"})
        except Exception:
            log.exception("The API broke at %s", request.path_info)
            response = no(500, BROKEN)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response

    answered.csrf_exempt = True  # type: ignore[attr-defined]
    answered.login_required = False  # type: ignore[attr-defined]
    return answered


def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any address of the API that is none."""
    return no(404, MISSING)


def _check(request: HttpRequest, operations: Mapping[str, Mapping[str, Any]]) -> None:
    method = str(request.method).lower()
    if method not in operations:
        allowed = ", ".join(sorted(name.upper() for name in operations))
        raise Refused(405, f"This address takes {allowed}.", Allow=allowed)
    _check_accept(request.headers.get("Accept", ""))
    _check_query(request, operations[method])
    _check_body(request, has_body="requestBody" in operations[method])


def _check_accept(accept: str) -> None:
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    if kinds and not kinds & _ACCEPTED:
        raise Refused(406, f"The answer is {_JSON}; accept it.")


def _check_query(request: HttpRequest, operation: Mapping[str, Any]) -> None:
    known = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    for name in request.GET:
        if name not in known:
            there = f"There are: {', '.join(sorted(known))}." if known else "There is none here."
            raise Refused(422, f"There is no filter {_short(name)}. {there}", _short(name))


def _check_body(request: HttpRequest, *, has_body: bool) -> None:
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise Refused(411, "Content-Length is required; a chunked body is not taken.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise Refused(411, "Content-Length must be a number of bytes.")
    if len(length) > 9 or int(length) > LARGEST_BODY:
        raise Refused(413, "A body is at most 64 KiB.")
    if has_body and request.content_type != _JSON:
        raise Refused(415, f"The content type must be {_JSON}.")
    if has_body and request.headers.get("Content-Encoding", "").strip():
        raise Refused(415, "Compressed or encoded bodies are not taken; send plain JSON.")


def _short(name: str) -> str:
    return name.replace("\0", "\N{SYMBOL FOR NULL}")[:60]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands twice.")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
