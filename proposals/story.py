"""A proposal's story in one batch: what was told, what is new, what is to be written down."""

from dataclasses import dataclass, field

from meshline.audit.models import TrailLine
from proposals.history import History
from proposals.models import Proposal, Signal, Transition
from proposals.routing.assigning import Assignment
from proposals.signals import Incoming


@dataclass
class Story:
    """A proposal with its history as told after a batch, and what the batch brought to it."""

    proposal: Proposal
    told: History
    # What the batch brought; nothing where only what counts of it has changed.
    fresh: list[tuple[Signal, Incoming]]
    # Before this batch; its ticket is settled when somebody known is named.
    had_temporary_owner: bool
    lines: list[TrailLine] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    # What the rules decided on the way, and because of which signal, if of one; the last counts.
    decided: list[tuple[Signal | None, Assignment]] = field(default_factory=list)
    # As it was told before the batch.
    before: History = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.told
