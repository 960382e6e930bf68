"""Who is here at a moment, who stands in for whom, and with whom a piece of work is then: pure.

Whose work it is and who has it are two things: while somebody is out, another holds it for them.
Both are decided anew from who is here, so that it does not matter how it came to be as it is.
"""

from collections.abc import Collection, Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol


class Out(Protocol):
    """Somebody is out from a moment to another one."""

    @property
    def user(self) -> Any: ...
    @property
    def stand_in(self) -> Any: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


class Roll:
    """Who is out at one moment; who can be given work and is not among them is present.

    People are whoever has a `pk` and says whether they are active and can be given work. Where
    work is meant that not everybody may do, only those in `roles` are present for it.
    """

    def __init__(
        self, absences: Iterable[Out], *, at: datetime, roles: Collection[str] | None = None
    ) -> None:
        self.roles = roles
        now = [one for one in absences if one.starts_at <= at < one.ends_at]
        self._out: dict[Any, list[Out]] = {}
        # Of two at once the later one was planned with the earlier one in mind.
        for one in sorted(now, key=lambda one: (one.starts_at, one.ends_at), reverse=True):
            self._out.setdefault(one.user.pk, []).append(one)

    def only(self, roles: Collection[str]) -> "Roll":
        """The same roll for work that only these roles may do."""
        same = copy(self)
        same.roles = roles
        return same

    @property
    def out(self) -> list[Any]:
        """The numbers of those who are out."""
        return list(self._out)

    def is_here(self, person: Any) -> bool:
        """Active and not out, whether they can be given work or not."""
        return bool(person.is_active) and person.pk not in self._out

    def is_present(self, person: Any) -> bool:
        may = self.roles is None or person.role in self.roles
        return may and bool(person.can_be_given_work) and person.pk not in self._out

    def absence_of(self, person: Any) -> Any:
        """Why they are out; None when no absence says so."""
        return next(iter(self._out.get(person.pk, [])), None)

    def stand_in_for(self, person: Any) -> Any:
        """Who has this person's work: themselves, or the first one present along the stand-ins.

        None where every way ends with somebody who is out too, has left, or leads back in a ring.
        """
        seen: set[Any] = set()
        ahead = [person]
        while ahead:
            current = ahead.pop()
            if self.is_present(current):
                return current
            if current.pk not in seen:
                seen.add(current.pk)
                named = (one.stand_in for one in self._out.get(current.pk, []))
                ahead += [one for one in named if one is not None][::-1]
        return None


class Turn(Enum):
    """What becomes of a piece of work that is not where it belongs."""

    RETURNS = "to whose it is, who is here again"
    GOES_TO_STAND_IN = "to whom they named"
    NEEDS_SOMEBODY = "to somebody who is still to be found"
    IS_KEPT = "whose it was has left; who has it keeps it"
    IS_INHERITED = "whose it was has left; it is their stand-in's for good"


@dataclass(frozen=True)
class Next:
    """With whom the work is next (None: to be found), and whose it stays meanwhile."""

    turn: Turn
    holder: Any
    home: Any

    def why(self, whose: Any, found: Any, *, until: str, because: str = "") -> str:
        """In a sentence: `found` has it now; `because` is why, where nobody was named for it."""
        if self.turn is Turn.RETURNS:
            return f"{whose.name} is here again."
        if self.turn is Turn.GOES_TO_STAND_IN:
            return f"{whose.name} is out{until}; {found.name} stands in."
        if self.home is not None:
            return f"{whose.name} is out{until}, and nobody stands in. {because}"
        if self.turn is Turn.NEEDS_SOMEBODY:
            return f"{whose.name} {why_gone(whose)}. {because}"
        deed = "keeps it" if self.turn is Turn.IS_KEPT else "stood in for them"
        return f"{whose.name} {why_gone(whose)}; {found.name} {deed}."


def why_gone(person: Any) -> str:
    """What became of somebody who can be given no work any more, after their name."""
    return "is a viewer now" if person.is_active else "no longer works here"


def next_of(holder: Any, home: Any, roll: Roll) -> Next | None:
    """Where work goes that `holder` has for `home` (None: it is their own); None when it stays.

    Who was found by somebody's leave keeps it while they are here: it does not wander from one on
    call to the next. A stand-in who was named comes before them.
    """
    whose = home or holder
    if roll.is_present(whose):
        return None if home is None else Next(Turn.RETURNS, whose, None)
    if not whose.can_be_given_work:
        return _left_by(whose, holder, roll)
    stand_in = roll.stand_in_for(whose)
    if stand_in is not None:
        is_there = stand_in.pk == holder.pk
        return None if is_there else Next(Turn.GOES_TO_STAND_IN, stand_in, whose)
    if home is not None and roll.is_present(holder):
        return None
    return Next(Turn.NEEDS_SOMEBODY, None, whose)


def _left_by(whose: Any, holder: Any, roll: Roll) -> Next:
    """Whose work it was does not come back: it is somebody's for good."""
    if roll.is_present(holder):
        return Next(Turn.IS_KEPT, holder, None)
    stand_in = roll.stand_in_for(whose)
    if stand_in is not None:
        return Next(Turn.IS_INHERITED, stand_in, None)
    return Next(Turn.NEEDS_SOMEBODY, None, None)


def back_at(absences: Iterable[Out], at: datetime) -> datetime:
    """When somebody with these absences is here again: the end of those without a pause between."""
    end = at
    for one in sorted(absences, key=lambda one: one.starts_at):
        if one.starts_at <= end < one.ends_at:
            end = one.ends_at
    return end
