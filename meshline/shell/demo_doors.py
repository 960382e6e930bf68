"""The demo's past comes in through the real doors, only at its own time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connectors import inbox
from connectors.base import Post
from connectors.models import Secret
from connectors.polls import Find
from meshline import instant, vault


def signing_secret(slug: str) -> bytes:
    """What this connection's sender signs with."""
    live = Secret.objects.filter(connection__slug=slug).signing().live(at=instant.now())
    return vault.unseal(live[0].sealed).encode()


def post(
    slug: str, body: bytes, *, headers: Mapping[str, str], query: Mapping[str, str], at: datetime,
    url: str = "",
) -> None:  # fmt: skip
    """One webhook, accepted at `at`. Raises NotSigned when it is not signed for that moment."""
    door = inbox.door(slug)
    assert door is not None
    come = Post(body=body, headers=headers, query=query, at=at, url=url, options=door.options)
    inbox.accept(replace(door, at=at), come, sender="127.0.0.1")


def found(slug: str, finds: Sequence[Find], *, at: datetime) -> None:
    """What looking there at `at` brought, stored as any that is looked for."""
    door = inbox.door(slug)
    assert door is not None
    for one in finds:
        inbox.take_found(
            replace(door, at=at), raw=one.raw, elements=list(one.elements),
            verdict="Found by looking: it was read there.",
        )  # fmt: skip
