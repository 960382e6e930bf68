"""One event as it is stored: what names it, its own bytes, what is equal in honest repeats."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Element:
    """One event in a POST: its idempotency key and its own bytes.

    `stable` is the part that is equal in honest repeats. `known` is False for an event type
    that this connector does not translate: kept, and ignored.
    """

    key: str
    payload: bytes
    type: str = ""
    stable: bytes | None = None
    known: bool = True
