"""HubSpot's POSTs: batches of up to a hundred events, signed over the address they were sent to."""

import base64
import binascii
import hashlib
import hmac
import re

from connectors import parsing
from connectors.base import Post, Refused
from connectors.elements import Element
from connectors.hubspot.translate import is_known, kind_of
from connectors.parsing import Unreadable

# Milliseconds a request may be old, or ahead: HubSpot's own five minutes.
TOLERANCE = 300_000
# The option that says which of HubSpot's signatures counts; the app's settings show it.
SIGNATURE = "signature"
V1, V2, V3 = "v1", "v2", "v3"
_MILLISECONDS = re.compile(r"[0-9]{1,13}")
_HEX = re.compile(r"[0-9a-fA-F]{64}")
# HubSpot signs the address with just these escapes undone.
_ESCAPES = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPED = re.compile("|".join(_ESCAPES), re.IGNORECASE)
# What differs between honest repeats of one event.
_CHANGING = ("attemptNumber",)


def verify(post: Post, secrets: list[str]) -> str:
    """The one signature the connection expects, by any of its live client secrets."""
    version = post.options.get(SIGNATURE) or V3
    given = _given(post, version)
    for number, secret in enumerate(secrets, 1):
        if hmac.compare_digest(_right(post, secret, version), given):
            return f"Signed ({version}) with secret {number} of {len(secrets)}."
    raise Refused(
        f"The {version} signature fits none of the connection's secrets, or the address "
        f"HubSpot sends to is not {post.url.partition('?')[0]} (PUBLIC_URL)."
    )


def split(post: Post) -> list[Element]:
    """One element per event: each has an id of its own, and can be wrong on its own."""
    bodies = parsing.elements(post.body)
    if not bodies:
        raise Unreadable("It holds no event.")
    return [_element(body) for body in bodies]


def _given(post: Post, version: str) -> bytes:
    """The signature that came, decoded. Raises Refused for a missing or malformed one."""
    if version == V3:
        _check_stamp(post.headers.get("x-hubspot-request-timestamp", ""), post)
        return _base64(post.headers.get("x-hubspot-signature-v3", ""))
    given = post.headers.get("x-hubspot-signature", "")
    sent = post.headers.get("x-hubspot-signature-version", version).strip().lower()
    if sent != version:
        raise Refused(f"It is signed by {sent[:10]}; this connection expects {version}.")
    if not _HEX.fullmatch(given):
        raise Refused("X-HubSpot-Signature is missing or not 64 hexadecimal digits.")
    return bytes.fromhex(given)


def _check_stamp(stamp: str, post: Post) -> None:
    if not _MILLISECONDS.fullmatch(stamp):
        raise Refused("X-HubSpot-Request-Timestamp is missing or no number of milliseconds.")
    off = int(stamp) - post.at.timestamp() * 1000
    if abs(off) > TOLERANCE:
        side = "ahead" if off > 0 else "old"
        raise Refused(f"The request is {abs(int(off)) // 1000} s {side}; 300 s are allowed.")


def _base64(given: str) -> bytes:
    if not given:
        raise Refused("X-HubSpot-Signature-v3 is missing.")
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("X-HubSpot-Signature-v3 is not base64.") from None


def _right(post: Post, secret: str, version: str) -> bytes:
    key = secret.encode()
    if version == V1:
        return hashlib.sha256(key + post.body).digest()
    where = _ESCAPED.sub(lambda found: _ESCAPES[found.group().upper()], post.url).encode()
    if version == V2:
        return hashlib.sha256(key + b"POST" + where + post.body).digest()
    stamp = post.headers.get("x-hubspot-request-timestamp", "").encode()
    return hmac.new(key, b"POST" + where + post.body + stamp, hashlib.sha256).digest()


def _element(body: bytes) -> Element:
    """Its id is not promised to be unique by itself; with portal, subscription and moment it is."""
    try:
        event = parsing.parse(body)
    except Unreadable:
        return _nameless(body)
    if not isinstance(event, dict) or event.get("eventId") is None:
        return _nameless(body)
    parts = ("portalId", "subscriptionId", "eventId", "occurredAt")
    key = parsing.key(":".join(parsing.text(event.get(part), longest=60) for part in parts))
    return Element(
        key=key, payload=body, type=kind_of(event), known=is_known(event),
        stable=parsing.canonical({k: v for k, v in event.items() if k not in _CHANGING}),
    )  # fmt: skip


def _nameless(body: bytes) -> Element:
    # Kept by what it says; reading it again later says what is wrong with it.
    return Element(key=f"event:{hashlib.sha256(body).hexdigest()}", payload=body)
