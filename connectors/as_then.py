"""By which versions a message is read again: by those of now, or by those of then."""

from dataclasses import dataclass
from datetime import datetime

from connectors import mappings
from connectors.mapping import Mapped
from connectors.models import MappingVersion, Message
from proposals.contracts import versions


@dataclass(frozen=True)
class Reading:
    """The mapping it is read by and the contracts it counts under (None: those of now), and both
    in words."""

    mapped: Mapped | None = None
    under: int | None = None
    words: str = ""


AS_NOW = Reading()


def of_then(message: Message) -> Reading:
    """As it was read when it was read last, and as what came in then counts."""
    read_at = message.digested_at or message.received_at
    version = _mapping_at(message, read_at)
    said = f"By {_called(version)}, and under the contracts of then."
    return Reading(mappings.read_of(version), versions.newest_at(message.received_at) or 0, said)


def of_now(message: Message) -> Reading:
    """As whatever comes in now."""
    said = f"By {_called(mappings.live(message.connection))}, and under the contracts of now."
    return Reading(words=said)


def _mapping_at(message: Message, at: datetime) -> MappingVersion | None:
    published = MappingVersion.objects.filter(connection=message.connection, published_at__lte=at)
    return published.order_by("-number").first()


def _called(version: MappingVersion | None) -> str:
    return f"version {version.number} of the mapping" if version else "what is built in"
