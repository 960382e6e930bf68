"""Killing at random: one process after the other, by SIGKILL, from a seed."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults import processes
from tests.faults.house import House
from tests.faults.leases import Watch
from tests.faults.size import SIZE

# How long a round waits for its victim to be there, in seconds.
_WAITS = 3.0


@dataclass
class Killer:
    """Kills one process a round; `done` says whom, `watch` what they had in hand."""

    house: House
    watch: Watch
    seed: int
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def kill(self, times: int, *, gap: float = SIZE.gap) -> None:
        """So many kills, each about `gap` seconds after the one before."""
        names = list(VICTIMS)
        bag: list[str] = []
        while self.done.total() < times:
            # Every kind in turn, in an order of its own each time.
            bag = bag or self._dice.sample(names, len(names))
            self._one(bag.pop())
            time.sleep(gap * self._dice.uniform(0.5, 1.5))

    def _one(self, name: str) -> None:
        deadline = time.monotonic() + _WAITS
        while time.monotonic() < deadline:
            victims = VICTIMS[name](self.house, self._dice)
            if victims and processes.kill(*victims):
                self.watch.note_kill()
                self.done[name] += 1
                return
            time.sleep(0.02)


def _one_of(found: list[int], dice: random.Random) -> list[int]:
    return [dice.choice(found)] if found else []


def _web(house: House, dice: random.Random) -> list[int]:
    """The web server whole, or one of its two processes."""
    whole = house.web
    return _one_of([whole, *processes.children_of(whole)], dice) if whole else []


def _worker(house: House, dice: random.Random) -> list[int]:
    return _one_of(house.workers, dice)


def _horse(house: House, dice: random.Random) -> list[int]:
    return _one_of(house.horses, dice)


def _worker_and_horse(house: House, dice: random.Random) -> list[int]:
    """A worker at work, with the horse it forked."""
    busy = [[one, *processes.children_of(one)] for one in house.workers]
    busy = [both for both in busy if len(both) > 1]
    return dice.choice(busy) if busy else []


def _clock(house: House, dice: random.Random) -> list[int]:
    return _one_of(house.clocks, dice)


def _redis(house: House, dice: random.Random) -> list[int]:
    return _one_of([house.redis] if house.redis else [], dice)


def _postgres(house: House, dice: random.Random) -> list[int]:
    """The postmaster, or one backend, at which all others are thrown out."""
    whole = house.postgres
    return _one_of([whole, *processes.children_of(whole)], dice) if whole else []


VICTIMS: dict[str, Callable[[House, random.Random], list[int]]] = {
    "web": _web,
    "worker": _worker,
    "horse": _horse,
    "worker and horse": _worker_and_horse,
    "clock": _clock,
    "redis": _redis,
    "postgres": _postgres,
}
