"""Stripe's POSTs: one event each, signed over a timestamp and the body."""

import hashlib
import hmac
import re

from connectors import parsing
from connectors.base import Post, Refused
from connectors.elements import Element
from connectors.parsing import Unreadable, member
from connectors.stripe.translate import is_known

# Seconds a sender's clock may be off; Stripe's own number for the past, ours for the future, too.
TOLERANCE = 300
_DIGITS = re.compile(r"[0-9]{1,10}")
_HEX = re.compile(r"[0-9a-fA-F]{64}")
# What differs between honest repeats of one event.
_CHANGING = ("pending_webhooks",)


def verify(post: Post, secrets: list[str]) -> str:
    """Any `v1` may fit any live secret (whsec_… as text); other schemes are passed over."""
    stamp, signatures = _parts(post.headers.get("stripe-signature", ""))
    _check_stamp(stamp, post)
    signed = stamp.encode() + b"." + post.body
    for number, secret in enumerate(secrets, 1):
        right = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
        if any(hmac.compare_digest(right, one) for one in signatures):
            return f"Signed with secret {number} of {len(secrets)}."
    raise Refused("No v1 signature fits one of the connection's secrets.")


def split(post: Post) -> list[Element]:
    """The whole body is one event; its id is the same over every retry."""
    event = parsing.parse(post.body)
    key = parsing.key(member(event, "id"))
    if not key:
        raise Unreadable("id is missing; it must be the event's id, such as evt_….")
    kind = parsing.text(member(event, "type"), longest=120)
    stable = parsing.canonical({k: v for k, v in event.items() if k not in _CHANGING})
    known = not kind or is_known(kind)
    return [Element(key=key, payload=post.body, type=kind, known=known, stable=stable)]


def _parts(header: str) -> tuple[str, list[bytes]]:
    """The timestamp and the v1 signatures. Raises Refused when one of them is missing."""
    stamp, signatures = "", []
    for entry in header.split(","):
        name, _, value = entry.strip().partition("=")
        if name == "t":
            stamp = value
        elif name == "v1" and _HEX.fullmatch(value):
            signatures.append(bytes.fromhex(value))
    if not stamp or not signatures:
        raise Refused("Stripe-Signature is missing, or holds no t= and v1= of 64 digits.")
    return stamp, signatures


def _check_stamp(stamp: str, post: Post) -> None:
    if not _DIGITS.fullmatch(stamp):
        raise Refused("The t in Stripe-Signature is not a number of seconds.")
    off = int(stamp) - post.at.timestamp()
    if abs(off) > TOLERANCE:
        side = "ahead" if off > 0 else "old"
        raise Refused(f"The signature is {abs(int(off))} s {side}; {TOLERANCE} s are allowed.")
