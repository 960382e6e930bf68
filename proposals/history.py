"""What a proposal's events add up to, whatever order they came in: pure, no database, no clock.

The state is never moved step by step as events arrive. It is told anew from all of them, in the
order in which they happened, so that every order of arrival ends in the same place.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proposals import states
from proposals.states import State


@dataclass(frozen=True)
class Event:
    """One accepted event of a proposal.

    `target` is the state it says, None when it only tells of fields. `forced` is a manager's
    override, which no table of moves stops. Events of the same instant are ordered by `stage`, the
    rank of their state, and `tiebreak`.
    """

    id: int
    target: State | None
    occurred_at: datetime
    stage: str = ""
    tiebreak: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    forced: bool = False


@dataclass(frozen=True)
class Episode:
    """A stretch in one state: entered by the first of `events`, repeated by the others."""

    state: State
    since: datetime | None
    events: tuple[int, ...]


@dataclass(frozen=True)
class History:
    """The whole story: episodes in order, events that moved nothing, the fields as last told."""

    episodes: tuple[Episode, ...]
    superseded: frozenset[int]
    fields: dict[str, Any]

    @property
    def state(self) -> State:
        return self.episodes[-1].state

    @property
    def since(self) -> datetime | None:
        return self.episodes[-1].since

    @property
    def current(self) -> Episode:
        return self.episodes[-1]


def tell(events: Iterable[Event]) -> History:
    """Tell the story of these events in the order in which they happened."""
    episodes = [Episode(State.DRAFT, None, ())]
    superseded: set[int] = set()
    fields: dict[str, Any] = {}
    for event in sorted(events, key=_order):
        fields.update(event.fields)
        if event.target is None:
            continue
        here = episodes[-1]
        if event.target is here.state:
            since = here.since or event.occurred_at
            episodes[-1] = Episode(here.state, since, (*here.events, event.id))
        elif event.forced or states.is_move(here.state, event.target):
            episodes.append(Episode(event.target, event.occurred_at, (event.id,)))
        else:
            superseded.add(event.id)
    return History(tuple(episodes), frozenset(superseded), fields)


def told_by(events: Iterable[Event]) -> dict[str, int]:
    """Which event brought each field to what it is, by the field's name.

    Under "state" the event by which the present stretch was entered.
    """
    events = list(events)
    values: dict[str, Any] = {}
    by: dict[str, int] = {}
    for event in sorted(events, key=_order):
        for name, value in event.fields.items():
            if name not in by or values[name] != value:
                values[name], by[name] = value, event.id
    entered = tell(events).current.events
    return by | ({"state": entered[0]} if entered else {})


def _order(event: Event) -> tuple[datetime, str, int, str, int]:
    rank = states.RANK[event.target] if event.target else -1
    return (event.occurred_at, event.stage, rank, event.tiebreak, event.id)
