"""A desk of the back door: a few addresses, and what is done for each of them."""

import json
import re
from datetime import datetime
from typing import Any, ClassVar

from connectors.sandbox import times
from connectors.sandbox.exchange import Answer, FieldError, RefusalError, Request, json_answer
from connectors.sandbox.sender import Sender

ORDERS = ("kept", "reversed", "shuffled")


def no(status: int, sentence: str, field: str | None = None) -> Answer:
    return json_answer(status, {"error": sentence, "field": field})


def sentence_of(refusal: RefusalError) -> str:
    """What the vendor's own API would have said, without its wrapping."""
    said = json.loads(refusal.answer.body)
    inner = said.get("error")
    return str(inner["message"] if isinstance(inner, dict) else said.get("message") or inner)


def when(asked: dict[str, Any]) -> datetime:
    """Now, or `at` the moment that a story of the past tells of."""
    if "at" not in asked:
        return times.now()
    try:
        return times.read(asked["at"])
    except (AttributeError, ValueError):
        raise FieldError("at", "The moment is not written as 2026-03-02T09:00:00Z.") from None


class Desk:
    # (method, path under /control, name of the method without its underscore)
    ROUTES: ClassVar[tuple[tuple[str, re.Pattern[str], str], ...]] = ()

    def try_to_answer(self, request: Request) -> Answer | None:
        """None when the address is none of this desk's."""
        for method, pattern, action in self.ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                answer: Answer = getattr(self, f"_{action}")(request, **found.groupdict())
                return answer
        return None


def newest(request: Request, default: int = 0) -> int:
    """How many of the newest are asked for by `?newest=n`."""
    text = request.first("newest")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    return asked or default


def release(sender: Sender, request: Request) -> Answer:
    """Let go of the webhooks that are held, in the `order` of the body."""
    order = request.json().get("order", "kept")
    if order not in ORDERS:
        raise FieldError("order", f"The order is one of {', '.join(ORDERS)}.")
    return json_answer(200, {"released": sender.release_held(order)})


def resend(sender: Sender, request: Request) -> Answer:
    """Send the event named by `id` in the body once more."""
    event_id = request.json().get("id")
    if not isinstance(event_id, str) or not sender.resend(event_id):
        raise FieldError("id", "There is no such event.")
    return json_answer(200, {"resent": event_id})
