"""Whether each connection can be reached: one cheap call with its credential, or its last word.

The calls are made outside of any transaction; what came of them is for whoever asked, and changes
nothing here: breakers and credentials go by the tries of real work.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors import delivery, registry
from connectors.base import Trouble
from connectors.models import Connection, Message, Secret
from meshline.vault import VaultError
from meshline.web import words

CALL_SECONDS = 5.0


@dataclass(frozen=True)
class Reached:
    """One connection, whether it is within reach, and how that is known."""

    slug: str
    name: str
    holds: bool
    sentence: str


def every(*, at: datetime) -> list[Reached]:
    """Every connection that is not disabled, asked now."""
    rows = Connection.objects.exclude(status=Connection.Status.DISABLED).order_by("name", "pk")
    with_key = set(Secret.objects.credentials().live(at=at).values_list("connection", flat=True))
    return [_reached(one, one.pk in with_key, at) for one in rows]


def _reached(there: Connection, has_key: bool, at: datetime) -> Reached:
    if not there.is_active:
        why = there.status_why or "No reason was given."
        return Reached(there.slug, there.name, False, f"It is {there.status}. {why}")
    system = registry.system(there.system)
    if not has_key or system.probe is None:
        return _by_its_word(there, at)
    try:
        client = delivery.client_of(system, there, at=at, deadline=CALL_SECONDS)
        return Reached(there.slug, there.name, True, system.probe(client))
    except (Trouble, VaultError) as trouble:
        return Reached(there.slug, there.name, False, str(trouble))


def _by_its_word(there: Connection, at: datetime) -> Reached:
    """It only tells: whether it did within its agreed rhythm."""
    newest = Message.objects.filter(connection=there).order_by("-pk").first()
    every = timedelta(minutes=there.expected_every or 0)
    if newest is None:
        said, since = "It has told nothing yet.", at - there.created_at
    else:
        since = at - newest.received_at
        said = f"It told something {words.span(since)} ago."
    if every and since > every:
        return Reached(there.slug, there.name, False, f"{said} Agreed is every {words.span(every)}")
    return Reached(there.slug, there.name, True, said)
