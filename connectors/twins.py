"""One event, told twice under two names: once by its webhook, once by looking.

What is found by looking often has no event id of theirs, so its key says nothing of the webhook's.
It is the same event when it says the same state of the same record at the same moment of theirs.
Whichever comes second is a repeat. That nothing fires twice does not hang on this: two that cross
on the way are told one after the other, and the second changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base import Told
from connectors.models import Connection, Message, SyncCursor
from connectors.polls import LOOKED
from proposals.models import Proposal, Signal

# What a system writes as the moment of a change, and into its webhook, differs by this at most.
# Longer, and a state that was left and entered again at once would be taken for one.
WITHIN = timedelta(seconds=2)

Pair = tuple[Message, Told]


@dataclass(frozen=True)
class Known:
    """What was told before, and whether by looking."""

    signal: Signal
    message: int
    is_looked: bool

    def is_twin_of(self, told: Told, key: str) -> bool:
        """Whether this says the same, and came the other way."""
        return (
            self.is_looked != key.startswith(LOOKED)
            and abs(self.signal.occurred_at - told.occurred_at) <= WITHIN
            and (told.target or "") in ("", self.signal.target)
            and told.piece == self.signal.piece
        )


def find(pairs: Sequence[Pair]) -> dict[int, int]:
    """Of these, each that says what came the other way before: its place → that message.

    Only of connections that are looked through; of all others nothing is asked.
    """
    looked = _looked_through(pairs)
    asked = {
        place: pair for place, pair in enumerate(pairs) if pair[0].connection.pk in looked
    }  # fmt: skip
    if not asked:
        return {}
    known = _known(asked.values())
    twins = {}
    for place, (message, told) in asked.items():
        said = known.get((message.connection.slug, told.external_id), [])
        twin = next((one for one in said if one.is_twin_of(told, message.key)), None)
        if twin is not None and twin.message != message.pk:
            twins[place] = twin.message
    return twins


def unheard_of(connection: Connection, external_ids: Iterable[str]) -> set[str]:
    """Of these records, those of which nobody has told anything yet."""
    wanted = set(external_ids)
    known = Proposal.objects.filter(source=connection.slug, external_id__in=wanted)
    return wanted - set(known.values_list("external_id", flat=True))


def _looked_through(pairs: Sequence[Pair]) -> set[int]:
    connections = {message.connection.pk for message, _ in pairs}
    cursors = SyncCursor.objects.filter(connection__in=connections)
    return set(cursors.values_list("connection", flat=True))


def _known(pairs: Iterable[Pair]) -> dict[tuple[str, str], list[Known]]:
    """What their senders told of the records these are about, at about these moments."""
    asked = [(message.connection.slug, told) for message, told in pairs]
    moments: list[datetime] = [told.occurred_at for _, told in asked]
    signals = Signal.objects.filter(
        # By their proposals: of those there is an index.
        proposal__source__in={told.about or slug for slug, told in asked},
        proposal__external_id__in={told.external_id for _, told in asked},
        source__in={slug for slug, _ in asked},
        occurred_at__range=(min(moments) - WITHIN, max(moments) + WITHIN),
        origin__startswith="message:",
    ).only("source", "external_id", "occurred_at", "target", "piece", "origin")
    found = {int(one.origin.removeprefix("message:")): one for one in signals}
    keys = dict(Message.objects.filter(pk__in=found).values_list("pk", "key"))
    known: dict[tuple[str, str], list[Known]] = {}
    for pk, signal in found.items():
        place = known.setdefault((signal.source, signal.external_id), [])
        place.append(Known(signal, pk, keys.get(pk, "").startswith(LOOKED)))
    return known
