"""What a connector hands to the core: one event in our words."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from meshline.audit.actors import Actor
from proposals.states import State
from proposals.tiers import Tier

# The canonical fields a signal may tell of a proposal, each with the longest text we keep.
FIELDS = {
    "title": 300,
    "amount": 40,
    "currency": 3,
    "owner_email": 254,
    "contact_name": 200,
    "contact_email": 254,
}


# What the CRM tells of what people did there: a task of ours was done, a customer was spoken to.
TASK_COMPLETED = "task.completed"
TOUCH = "touch."


@dataclass(frozen=True)
class Incoming:
    """One translated event.

    `origin` names what brought it ("message:812") and makes it idempotent. `source` is the
    connection that sent it; `record_source` the one whose document `external_id` is. `target` is
    the state it says, None when it only tells of fields. Of the events of one instant those without
    a `stage` come first, the others in its order. Times are aware UTC; amounts are decimal text in
    the currency's minor units.
    """

    origin: str
    kind: str
    source: str
    record_source: str
    external_id: str
    occurred_at: datetime
    received_at: datetime
    by: Actor
    target: State | None = None
    # What it says beyond that, if its sender is the authority for it: that a paid one is won.
    closes: State | None = None
    tier: Tier = Tier.MINUTES
    stage: str = ""
    tiebreak: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    forced: bool = False
    # A person's reason, kept as the why of the change.
    note: str = ""
    # How it came, where that is worth a word beside the why: that it was found by looking.
    aside: str = ""
    # Under which contracts it counts (the newest of then); None: under those of now.
    under: int | None = None
    # Told by Meshline itself, to try its own ways; only what it marked can be.
    is_synthetic: bool = False
    # Which part of the record it is about over there, where it is one: "task:512".
    piece: str = ""


@dataclass(frozen=True)
class Receipted:
    """What became of one incoming signal."""

    signal_id: int
    record: str
    result: str
    why: str
