"""A proposal's story in one batch: what was told, what is new, what is to be written down."""

from dataclasses import dataclass, field

from meshline.audit.models import TrailLine
from proposals.history import History
from proposals.models import Proposal, Signal, Transition
from proposals.routing import Assignment
from proposals.signals import Incoming


@dataclass
class Story:
    """A proposal with its history as told after a batch, and what the batch brought to it."""

    proposal: Proposal
    told: History
    fresh: list[tuple[Signal, Incoming]]
    # Before this batch; its ticket is settled when somebody known is named.
    had_temporary_owner: bool
    lines: list[TrailLine] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    # What the rules decided on the way, and because of which signal; the last one counts.
    decided: list[tuple[Signal, Assignment]] = field(default_factory=list)
