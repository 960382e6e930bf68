"""Stripe's words on the wire: `a[b]=c` in, JSON out, errors in its one shape."""

import re
from typing import Any
from urllib.parse import parse_qsl

from connectors.sandbox.exchange import RefusalError, json_answer

PART = re.compile(r"\[([^\[\]]*)\]")
MOST_KEYS, MOST_KEY, MOST_VALUE = 50, 40, 500  # of metadata, as documented
MOST_AMOUNT = 999_999_999_999  # minor units
MOST_PAGE = 100
# Refused before anything was begun: no idempotency key remembers these.
NOT_BEGUN = {"parameter_missing", "parameter_unknown", "parameter_invalid_integer"}


def refusal(
    status: int, message: str, *, code: str = "", param: str = "", kind: str = ""
) -> RefusalError:
    error = {"type": kind or "invalid_request_error", "message": message}
    if code:
        error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code}"}
    return RefusalError(json_answer(status, {"error": error | ({"param": param} if param else {})}))


def parse(text: str) -> dict[str, Any]:
    """A form as nested objects and lists; the last of several values wins, as at Stripe."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *_ = name.split("[", 1)
        _put(found, [head, *PART.findall(name[len(head) :])], value)
    return {name: _settled(value) for name, value in found.items()}


def _put(into: dict[str, Any], path: list[str], value: str) -> None:
    name = path[0] or str(len(into))
    if len(path) == 1:
        into[name] = value
        return
    inner = into.setdefault(name, {})
    if not isinstance(inner, dict):
        inner = into[name] = {}
    _put(inner, path[1:], value)


def _settled(value: Any) -> Any:
    """Objects whose names are 0, 1, 2 … are lists."""
    if not isinstance(value, dict):
        return value
    settled = {name: _settled(part) for name, part in value.items()}
    if settled and all(name.isdigit() for name in settled):
        return [settled[name] for name in sorted(settled, key=int)]
    return settled


class Params:
    """The parameters of one call, each taken out once; what is left over is unknown."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = dict(given)
        self._given.pop("expand", None)

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, *, most: int = 5000) -> str | None:
        """None when it is absent; an empty text clears."""
        value = self._given.pop(name, None)
        if value is None or isinstance(value, str):
            if value is not None and len(value) > most:
                raise refusal(400, f"Invalid {name}: at most {most} characters", param=name)
            return value
        raise refusal(400, f"Invalid string: {name}", param=name)

    def needed(self, name: str) -> str:
        value = self.text(name)
        if not value:
            message = f"Missing required param: {name}."
            raise refusal(400, message, code="parameter_missing", param=name)
        return value

    def number(self, name: str) -> int | None:
        text = self.text(name)
        if text is None or text == "":
            return None
        if not re.fullmatch(r"-?[0-9]{1,15}", text) or abs(int(text)) > MOST_AMOUNT:
            message = f"Invalid integer: {text[:80]}"
            raise refusal(400, message, code="parameter_invalid_integer", param=name)
        return int(text)

    def flag(self, name: str, default: bool = False) -> bool:
        text = self.text(name)
        if text in (None, ""):
            return default
        if text not in ("true", "false"):
            raise refusal(400, f"Invalid boolean: {text}", param=name)
        return text == "true"

    def one_of(self, name: str, known: tuple[str, ...], default: str) -> str:
        text = self.text(name) or default
        if text not in known:
            raise refusal(400, f"Invalid {name}: must be one of {', '.join(known)}", param=name)
        return text

    def object(self, name: str) -> Any:
        """A nested value as it is: nothing, text, object or list."""
        return self._given.pop(name, None)

    def drop(self, *names: str) -> None:
        """Parameters that are known and mean nothing here."""
        for name in names:
            self._given.pop(name, None)

    def metadata(self, present: dict[str, str]) -> dict[str, str]:
        """The metadata after the change: named keys are set, empty values remove."""
        given = self._given.pop("metadata", {})
        if given == "":
            return {}
        if not isinstance(given, dict):
            raise refusal(400, "Invalid object", param="metadata")
        merged = {**present, **{name: _plain(name, value) for name, value in given.items()}}
        merged = {name: value for name, value in merged.items() if value != ""}
        if len(merged) > MOST_KEYS:
            message = f"Metadata can have up to {MOST_KEYS} keys, and you have {len(merged)}"
            raise refusal(400, message, param="metadata")
        return merged

    def done(self) -> None:
        """Everything was understood, or it is a 400."""
        if self._given:
            name = next(iter(self._given))
            message = f"Received unknown parameter: {name}"
            raise refusal(400, message, code="parameter_unknown", param=name)


def _plain(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(400, "Metadata values must be strings", param=f"metadata[{name}]")
    if len(name) > MOST_KEY:
        message = f"Metadata keys must be at most {MOST_KEY} characters"
        raise refusal(400, message, param=f"metadata[{name}]")
    if len(value) > MOST_VALUE:
        message = f"Metadata values can have up to {MOST_VALUE} characters"
        raise refusal(
            400,
            f"{message}, but you passed in a value that is {len(value)} characters.",
            param=f"metadata[{name}]",
        )
    return value
