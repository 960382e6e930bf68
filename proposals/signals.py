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


@dataclass(frozen=True)
class Receipted:
    """What became of one incoming signal."""

    signal_id: int
    record: str
    result: str
    why: str
