"""Who acts: a person, or a named part of Meshline that acts without one."""

from dataclasses import dataclass
from typing import Protocol


class Someone(Protocol):
    """What the trail wants to know of whoever is behind a change."""

    @property
    def actor_kind(self) -> str: ...
    @property
    def actor_id(self) -> str: ...
    @property
    def actor_label(self) -> str: ...


@dataclass(frozen=True)
class Actor:
    """A part of Meshline, a connection or a rule version that acts by itself."""

    actor_kind: str
    actor_id: str
    actor_label: str

    def __str__(self) -> str:
        return self.actor_label


def part(name: str, label: str) -> Actor:
    """A part of Meshline itself, such as the carrier or the clock."""
    return Actor("meshline", name, label)


SETUP = part("setup", "Meshline's setup")
CLOCK = part("clock", "The clock")
