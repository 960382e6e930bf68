"""What a proposal's events add up to, whatever order they came in: pure, no database, no clock.

The state is never moved step by step as events arrive. It is told anew from all of them, in the
order in which they happened, so that every order of arrival ends in the same place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from meshline.policy.truth import Said, Truth
from proposals import fields, states
from proposals.fields import NOTHING_AGREED, OWNER
from proposals.states import State

# Two systems' clocks, or how finely they tell the time, differ by this much at most: an invoice
# that was made because of a signature may bear an earlier time than the signature.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Event:
    """One accepted event of a proposal, from the connection `source` (or people).

    `target` is the state it says, None when it only tells of fields. `forced` is a manager's
    override, which no table of moves stops. Events of the same instant are ordered by `stage`, the
    rank of their state, and `tiebreak`. `under` are the contracts it came in under (the newest).
    """

    id: int
    target: State | None
    occurred_at: datetime
    stage: str = ""
    tiebreak: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    forced: bool = False
    tier: str = ""
    under: int | None = None
    source: str = ""


@dataclass(frozen=True)
class Episode:
    """A stretch in one state: entered by the first of `events`, repeated by the others.

    It goes on under the contracts that were in force when we first heard of it (`under`).
    """

    state: State
    since: datetime | None
    events: tuple[int, ...]
    under: int | None = None


@dataclass(frozen=True)
class Naming:
    """What was known when the owner was last named otherwise than before: what routing goes by.

    As the story tells it, so that it is the same whatever order the events came in.
    """

    state: State = State.DRAFT
    tier: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The e-mail; empty where nobody was named."""
        return self.fields.get(OWNER, "")


@dataclass(frozen=True)
class History:
    """The whole story: episodes in order, events that moved nothing, the fields as they count, and
    those of which a person has to decide, each with what the systems say."""

    episodes: tuple[Episode, ...]
    superseded: frozenset[int]
    fields: dict[str, Any]
    naming: Naming = field(default_factory=Naming)
    asked: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.episodes[-1].state

    @property
    def since(self) -> datetime | None:
        return self.episodes[-1].since

    @property
    def current(self) -> Episode:
        return self.episodes[-1]


def tell(events: Iterable[Event], truths: Mapping[str, Truth] = NOTHING_AGREED) -> History:
    """Tell the story of these events in the order in which they happened; `truths` say whose word
    counts for which field."""
    episodes = [Episode(State.DRAFT, None, ())]
    superseded: set[int] = set()
    told = sorted(events, key=_order)
    counts = fields.tell(told, truths)
    state_then, tier_then = State.DRAFT, ""
    for event in _caused_in_order(told):
        here = episodes[-1]
        if event.target is None:
            pass
        elif event.target is here.state:
            since = here.since or event.occurred_at
            under = _earlier(here.under, event.under)
            episodes[-1] = Episode(here.state, since, (*here.events, event.id), under)
        elif event.forced or states.is_move(here.state, event.target):
            episodes.append(Episode(event.target, event.occurred_at, (event.id,), event.under))
        else:
            superseded.add(event.id)
        if event.id == counts.named_by:
            state_then, tier_then = episodes[-1].state, event.tier
    naming = Naming(state_then, tier_then, counts.known_then)
    return History(tuple(episodes), frozenset(superseded), counts.fields, naming, counts.asked)


def told_by(
    events: Iterable[Event], truths: Mapping[str, Truth] = NOTHING_AGREED
) -> dict[str, int]:
    """Which event brought each field to what it is, by the field's name.

    Under "state" the event by which the present stretch was entered.
    """
    told = sorted(events, key=_order)
    entered = tell(told).current.events
    by = fields.tell(told, truths).by
    return by | ({"state": entered[0]} if entered else {})


def _caused_in_order(events: list[Event]) -> list[Event]:
    """By the time at which each happened; but what follows from a signature comes after it."""
    signed = sorted(one.occurred_at for one in events if one.target is State.SIGNED)
    return sorted((_after_its_cause(event, signed) for event in events), key=_order)


def _after_its_cause(event: Event, signed: list[datetime]) -> Event:
    """The event as it stands, or just after the signature that it missed by the clock."""
    if event.target not in states.FOLLOWS_FROM_SIGNED or event.forced:
        return event
    at = event.occurred_at
    if any(at - CLOCKS_DIFFER <= one <= at for one in signed):
        return event
    missed = [one for one in signed if at < one <= at + CLOCKS_DIFFER]
    return replace(event, occurred_at=missed[0] + timedelta.resolution) if missed else event


def _earlier(one: int | None, other: int | None) -> int | None:
    known = [under for under in (one, other) if under is not None]
    return min(known, default=None)


def _order(event: Event) -> tuple[datetime, str, int, str, int]:
    rank = states.RANK[event.target] if event.target else -1
    return (event.occurred_at, event.stage, rank, event.tiebreak, event.id)
