"""Whose turn it is in a pool: pure, so that a backtest counts as the real thing does.

Smooth weighted round robin: at each turn everybody who can take it gains their weight, the highest
goes, and pays what all gained together. Who cannot take a turn (out, or at their limit) gains
nothing meanwhile, so that nobody finds a heap when they are back. Who gave a turn away is owed one:
it comes between two regular turns, never two owed in a row.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from proposals.routing.targets import Pool

# More turns than that are not made good: by then something else is wrong.
MOST_OWED = 5


@dataclass(frozen=True)
class Turns:
    """Where a pool stands, by its members' e-mails."""

    credit: dict[str, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    # Whether the last turn made good one that was given away.
    made_good: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"credit": self.credit, "owed": self.owed, "made_good": self.made_good}

    @classmethod
    def read(cls, node: dict[str, Any]) -> "Turns":
        owed = {person: turns for person, turns in node.get("owed", {}).items() if turns > 0}
        return cls(dict(node.get("credit", {})), owed, bool(node.get("made_good")))


@dataclass(frozen=True)
class Turn:
    """Who takes it, how the pool stands then, and whether it was owed to them."""

    person: str
    turns: Turns
    was_owed: bool = False


def take(pool: Pool, turns: Turns, able: Collection[str]) -> Turn | None:
    """The next turn among those who are `able`; None when nobody is."""
    here = [member for member in pool.members if member.person in able]
    if not here:
        return None
    credit = {person: turns.credit.get(person, 0) for person in pool.people}
    owed = {person: left for person, left in turns.owed.items() if person in credit}
    waiting = [one.person for one in here if owed.get(one.person)]
    if waiting and not turns.made_good:
        first = max(waiting, key=lambda person: owed[person])
        owed = {person: left - (person == first) for person, left in owed.items()}
        return Turn(first, Turns(credit, _left(owed), made_good=True), was_owed=True)
    for member in here:
        credit[member.person] += member.weight
    # Of equals the one who stands first in the pool.
    chosen = max(here, key=lambda member: credit[member.person]).person
    credit[chosen] -= sum(member.weight for member in here)
    return Turn(chosen, Turns(credit, owed))


def give_back(turns: Turns, person: str) -> Turns:
    """A turn of theirs was given to somebody else: one is owed to them."""
    owed = {**turns.owed, person: min(turns.owed.get(person, 0) + 1, MOST_OWED)}
    return Turns(turns.credit, owed, turns.made_good)


def _left(owed: dict[str, int]) -> dict[str, int]:
    return {person: left for person, left in owed.items() if left}
