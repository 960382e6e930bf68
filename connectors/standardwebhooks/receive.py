"""Standard Webhooks: signed over id, timestamp and body; one event a POST."""

import base64
import binascii
import hashlib
import hmac
import re

from connectors import parsing
from connectors.base import Post, Refused
from connectors.elements import Element
from connectors.parsing import Unreadable
from connectors.standardwebhooks.translate import KNOWN_TYPES

# Seconds a sender's clock may be off, either way; the specification's own number.
TOLERANCE = 300
_DIGITS = re.compile(r"[0-9]{1,10}")


def verify(post: Post, secrets: list[str]) -> str:
    """Any `v1` signature in the list may fit any live secret; the timestamp is of this attempt."""
    message, stamp, given = (_header(post, name) for name in ("id", "timestamp", "signature"))
    if not message or not stamp or not given:
        raise Refused("One of webhook-id, webhook-timestamp and webhook-signature is missing.")
    _check_stamp(stamp, post)
    signed = b".".join([message.encode("utf-8", "replace"), stamp.encode(), post.body])
    signatures = _signatures(given)
    for number, secret in enumerate(secrets, 1):
        right = hmac.new(key(secret), signed, hashlib.sha256).digest()
        if any(hmac.compare_digest(right, one) for one in signatures):
            return f"Signed with secret {number} of {len(secrets)}."
    raise Refused("No v1 signature fits one of the connection's secrets.")


def split(post: Post) -> list[Element]:
    """The whole body is one event; its id is in the header and the same over every retry."""
    event_id = parsing.key(_header(post, "id"))
    if not event_id:
        raise Unreadable("The header webhook-id is missing: the event has no id.")
    try:
        kind = parsing.text(parsing.member(parsing.parse(post.body), "type"), longest=120)
    except Unreadable:
        return [Element(key=event_id, payload=post.body)]
    known = not kind or kind in KNOWN_TYPES
    return [Element(key=event_id, payload=post.body, type=kind, known=known)]


def key(secret: str) -> bytes:
    """The bytes of a `whsec_…` secret (the prefix is optional); other text counts as it is."""
    encoded = secret.removeprefix("whsec_")
    try:
        # A bare prefix would be the empty key, which anybody can sign with.
        return base64.b64decode(encoded, validate=True) or secret.encode()
    except (binascii.Error, ValueError):
        return secret.encode()


def _header(post: Post, name: str) -> str:
    return post.headers.get(f"webhook-{name}") or post.headers.get(f"svix-{name}") or ""


def _check_stamp(stamp: str, post: Post) -> None:
    if not _DIGITS.fullmatch(stamp):
        raise Refused("webhook-timestamp is not a number of seconds.")
    off = int(stamp) - post.at.timestamp()
    if abs(off) > TOLERANCE:
        side = "ahead" if off > 0 else "old"
        raise Refused(f"webhook-timestamp is {abs(int(off))} s {side}; {TOLERANCE} s are allowed.")


def _signatures(given: str) -> list[bytes]:
    """The v1 signatures in the list; anything malformed is passed over."""
    found = []
    for entry in given.split(" "):
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            found.append(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            continue
    return found
