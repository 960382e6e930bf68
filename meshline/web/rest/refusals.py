"""Every no of the API in its one form: {"error": a sentence, "field": a name or null}."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from meshline.people.permissions import NotAllowed, OutOfScope, Permission, Scope, refusal_for
from meshline.people.permissions import scope as reach_of

MISSING = "There is nothing at this address, or it is not among what you may see."


class Refused(Exception):
    """A no with its status: a sentence, and the field it is about."""

    def __init__(
        self, status: int, sentence: str, field: str | None = None, **headers: str
    ) -> None:
        super().__init__(sentence)
        self.status, self.field = status, field
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def no(
    status: int, sentence: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    return JsonResponse({"error": sentence, "field": field}, status=status, headers=headers)


def scope_of(request: HttpRequest, permission: Permission) -> Scope:
    """How far this reaches for who asks. Raises NotAllowed with the reason when it does not."""
    if reason := refusal_for(request.user, permission):
        raise NotAllowed(reason)
    return reach_of(request.user, permission) or Scope.OWN


def answer_in_one_form(api: NinjaAPI) -> None:
    """Teach the API to say all of its noes in our words."""
    handlers: list[tuple[type[Exception], Any]] = [
        (Refused, lambda _, e: no(e.status, str(e), e.field, e.headers)),
        (OutOfScope, lambda _, e: no(404, MISSING)),
        (NotAllowed, lambda _, e: no(403, str(e))),
        (Http404, lambda _, e: no(404, MISSING)),
        # The one thing Ninja itself has to say: the parser could not read the body.
        (HttpError, lambda _, e: no(e.status_code, "The body could not be read as JSON.")),
        (ValidationError, _not_valid),
        (Exception, _raise),
    ]
    for kind, handler in handlers:
        api.add_exception_handler(kind, handler)


def _raise(request: HttpRequest, error: Exception) -> HttpResponse:
    """The door answers what nobody foresaw."""
    raise error


def _not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    names = [part for part in first["loc"][1:] if isinstance(part, str)]
    # A body's own name is ours; what is sent has none around it.
    field = names[-1] if names and names != ["body"] else None
    return no(422, _sentence(field or "The body", first), field)


def _sentence(name: str, error: dict[str, Any]) -> str:
    if error["type"] == "missing":
        return f"{name} is missing."
    if error["type"] == "extra_forbidden":
        return f"There is no field {name} here."
    if error["type"] == "value_error":
        return f"{name} {error['ctx']['error']}."
    if error["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"{name} must be a JSON object."
    return f"{name}: {error['msg']}."
