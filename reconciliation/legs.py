"""One clock, split by who owes it: from what happened outside to the first human touch. Pure.

The legs lie end to end, so that they sum to the total, whatever the stamps say: a stamp before the
one it follows counts as that one, and the clock ends with the first contact, be a later stamp there
or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NOTHING = timedelta(0)
# Two clocks that agree to this are not told apart.
_SAME = timedelta(seconds=1)


@dataclass(frozen=True)
class Stage:
    """Where the clock stands at the end of a leg, what the leg is called, and which process owes
    it; "connection:" is the health of the connection that told it."""

    name: str
    label: str
    leg: str
    process: str


STAGES = [
    Stage("received", "Received", "Occurred → received", "connection:"),
    Stage("translated", "Translated", "Received → translated", "translation"),
    Stage("routed", "Routed", "Translated → routed", "rule-ownership"),
    Stage("carried", "Carried", "Routed → carried", "delivery"),
    Stage("proven", "Proven", "Carried → proven", "connection-health"),
    Stage("touched", "First human touch", "→ first human touch", "ready-for-follow-up"),
]
TOUCHED = STAGES[-1]
# What passed before anybody was assigned.
BEFORE_OWNER = ("received", "translated", "routed")


@dataclass(frozen=True)
class Leg:
    """One leg. It is open while its end is to come; without a beginning it was not reached."""

    stage: Stage
    began: datetime | None = None
    ended: datetime | None = None
    took: timedelta | None = None
    note: str = ""

    @property
    def is_open(self) -> bool:
        return self.began is not None and self.ended is None


@dataclass(frozen=True)
class Clock:
    """All legs of one event; `total` is their sum, and goes on while one of them is open."""

    began: datetime
    legs: list[Leg]
    total: timedelta
    # How far the clock of whoever told it is ahead of ours.
    ahead: timedelta = NOTHING
    notes: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return any(leg.is_open for leg in self.legs)

    @property
    def own_part(self) -> timedelta | None:
        """What of it was the person's own; None while it is not their turn."""
        return self.legs[-1].took

    @property
    def before_owner(self) -> timedelta:
        took = [leg.took for leg in self.legs if leg.stage.name in BEFORE_OWNER]
        return sum((one for one in took if one is not None), NOTHING)


def split(occurred: datetime, stamps: Mapping[str, datetime | None], *, at: datetime) -> Clock:
    """The clock of one event as it stands at `at`, by the stamps of its stages."""
    stamps = _filled(stamps)
    received = stamps["received"] or at
    began, ahead = min(occurred, received), max(occurred - received, NOTHING)
    legs: list[Leg] = []
    last, touched = began, stamps[TOUCHED.name]
    for stage in STAGES[:-1]:
        leg = _leg(stage, last, stamps[stage.name], touched, legs)
        legs.append(leg)
        last = leg.ended or last
    legs.append(_own(last, touched, legs))
    legs = [_going_on(leg, at) for leg in legs]
    total = sum((leg.took for leg in legs if leg.took is not None), NOTHING)
    notes = [f"{leg.stage.label}: {leg.note}" for leg in legs if leg.note]
    return Clock(began, legs, total, ahead, [*_of_theirs(ahead), *notes])


def _filled(stamps: Mapping[str, datetime | None]) -> dict[str, datetime | None]:
    """What was passed without a stamp was passed by the next one."""
    found: dict[str, datetime | None] = {TOUCHED.name: stamps.get(TOUCHED.name)}
    following = None
    for stage in reversed(STAGES[:-1]):
        following = stamps.get(stage.name) or following
        found[stage.name] = following
    return found


def _leg(
    stage: Stage, last: datetime, stamp: datetime | None, touched: datetime | None, legs: list[Leg]
) -> Leg:
    if any(leg.ended is None for leg in legs):
        return Leg(stage)
    if stamp is None:
        return Leg(stage) if touched else Leg(stage, last)
    ended = max(stamp, last)
    if touched and ended > touched:
        return Leg(stage, note="later than the first human touch, so it kept nobody waiting")
    note = "stamped before the stage that it follows" if last - stamp > _SAME and legs else ""
    return Leg(stage, last, ended, ended - last, note)


def _own(last: datetime, touched: datetime | None, legs: list[Leg]) -> Leg:
    if touched:
        ended = max(touched, last)
        return Leg(TOUCHED, last, ended, ended - last)
    waits = any(leg.ended is None for leg in legs)
    return Leg(TOUCHED) if waits else Leg(TOUCHED, last)


def _going_on(leg: Leg, at: datetime) -> Leg:
    if not leg.is_open or leg.began is None:
        return leg
    return Leg(leg.stage, leg.began, None, max(at - leg.began, NOTHING), leg.note)


def _of_theirs(ahead: timedelta) -> list[str]:
    if not ahead:
        return []
    seconds = ahead.total_seconds()
    told = f"{seconds:.0f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    return [f"Received: their clock is {told} ahead of ours, so this leg counts as nothing"]
