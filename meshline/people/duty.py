"""Who is on call, at a moment and over time: pure interval arithmetic over shifts and absences."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from meshline.people.roll import Out, Roll


@dataclass(frozen=True)
class Duty:
    """Somebody is meant to be on call; the lowest rank is asked first."""

    user: Any
    starts_at: datetime
    ends_at: datetime
    rank: int = 0


@dataclass(frozen=True)
class Watch:
    """A stretch of time with one answer: who is on call, if anybody, and who was meant to be."""

    starts_at: datetime
    ends_at: datetime
    user: Any
    meant: tuple[Any, ...] = ()


def split(shift: Duty, overrides: Iterable[Any]) -> Iterator[Duty]:
    """A shift as it is kept: with others for the stretches in which somebody takes their place."""
    begins = shift.starts_at
    for one in sorted(overrides, key=lambda one: one.starts_at):
        starts, ends = max(one.starts_at, begins), min(one.ends_at, shift.ends_at)
        if starts >= ends:
            continue
        if begins < starts:
            yield Duty(shift.user, begins, starts, shift.rank)
        yield Duty(one.user, starts, ends, shift.rank)
        begins = ends
    if begins < shift.ends_at:
        yield Duty(shift.user, begins, shift.ends_at, shift.rank)


def on_call(duties: Iterable[Duty], roll: Roll, *, at: datetime) -> Any:
    """Who is on call at that moment: present, or standing in for who is out. None: nobody."""
    for duty in _at(duties, at):
        if found := roll.stand_in_for(duty.user):
            return found
    return None


def watches(
    duties: Sequence[Duty], absences: Sequence[Out], *, start: datetime, end: datetime
) -> list[Watch]:
    """The whole span in stretches, without a hole: nothing changes but where somebody begins or
    ends."""
    absences = _concerning(duties, absences)
    edges = {start, end}
    spans: list[Duty | Out] = [*duties, *absences]
    for one in spans:
        edges |= {edge for edge in (one.starts_at, one.ends_at) if start < edge < end}
    found: list[Watch] = []
    for begins, ends in pairwise(sorted(edges)):
        roll = Roll(absences, at=begins)
        meant = tuple(duty.user for duty in _at(duties, begins))
        watch = Watch(begins, ends, on_call(duties, roll, at=begins), meant)
        if found and _is_same(found[-1], watch):
            watch = Watch(found.pop().starts_at, ends, watch.user, meant)
        found.append(watch)
    return found


def _concerning(duties: Sequence[Duty], absences: Sequence[Out]) -> list[Out]:
    """The absences of who is on call or stands in for them, by whatever way.

    A house has thousands of absences, and each would be an edge at which all are looked at.
    """
    stand_ins: dict[Any, list[Any]] = {}
    for one in absences:
        stand_ins.setdefault(one.user.pk, []).append(_pk(one.stand_in))
    met: set[Any] = set()
    ahead = [duty.user.pk for duty in duties]
    while ahead:
        current = ahead.pop()
        if current not in met:
            met.add(current)
            ahead += stand_ins.get(current, [])
    return [one for one in absences if one.user.pk in met]


def _at(duties: Iterable[Duty], at: datetime) -> list[Duty]:
    now = [duty for duty in duties if duty.starts_at <= at < duty.ends_at]
    return sorted(now, key=lambda duty: (duty.rank, duty.starts_at))


def _is_same(one: Watch, other: Watch) -> bool:
    return _pk(one.user) == _pk(other.user) and list(map(_pk, one.meant)) == list(
        map(_pk, other.meant)
    )


def _pk(person: Any) -> Any:
    return person and person.pk
