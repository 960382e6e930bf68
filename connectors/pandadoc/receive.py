"""PandaDoc's POSTs: signed by a shared key in the query, several events in one body."""

import hashlib
import hmac
import re

from connectors import parsing
from connectors.base import Post, Refused
from connectors.elements import Element
from connectors.pandadoc.translate import KNOWN_EVENTS
from connectors.parsing import Unreadable

EVENT_ID = "x-pandadoc-webhook-event-id"
_HEX = re.compile(r"[0-9a-fA-F]{64}")


def verify(post: Post, secrets: list[str]) -> str:
    """Hex HMAC-SHA256 of the raw body under the shared key, in `?signature=` (no timestamp)."""
    given = post.query.get("signature", "")
    if not given:
        raise Refused("The signature is missing; PandaDoc puts it into the address.")
    if not _HEX.fullmatch(given):
        raise Refused("The signature is not 64 hexadecimal digits.")
    for number, secret in enumerate(secrets, 1):
        right = hmac.new(secret.encode(), post.body, hashlib.sha256).digest()
        if hmac.compare_digest(right, bytes.fromhex(given)):
            return f"Signed with secret {number} of {len(secrets)}."
    raise Refused("The signature fits none of the connection's secrets.")


def split(post: Post) -> list[Element]:
    """One element per event; the header's id covers the whole POST, so the place is added."""
    event_id = parsing.key(post.headers.get(EVENT_ID, ""), longest=200)
    if not event_id:
        raise Unreadable("The header X-PandaDoc-Webhook-Event-Id is missing: the event has no id.")
    bodies = parsing.elements(post.body)
    if not bodies:
        raise Unreadable("It holds no event.")
    return [_element(event_id, place, body) for place, body in enumerate(bodies)]


def _element(event_id: str, place: int, body: bytes) -> Element:
    key = event_id if place == 0 else f"{event_id}:{place}"
    try:
        event = parsing.text(parsing.member(parsing.parse(body), "event"), longest=120)
    except Unreadable:
        # Kept as it is; reading it again later says what is wrong with it.
        return Element(key=key, payload=body)
    return Element(key=key, payload=body, type=event, known=not event or event in KNOWN_EVENTS)
