"""Which steps the clock has to take about a ticket, and when each is due: pure.

Two clocks run in the business time of the ticket's team, one until somebody acknowledges it and
one until it is fixed. Each warns four times; what nobody acknowledges is handed up in three steps;
an acknowledgement after which nothing happens lapses. When all of that is done, the ticket is
called to mind again and again: an open ticket always has a next step.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from meshline.policy import business_time
from meshline.policy.business_time import Hours, NoBusinessTime

# The clock looks every few seconds; what it does later than this after its time is marked late.
LATE = timedelta(seconds=60)
ACK, FIX = "ack", "fix"
LAPSE, AGAIN = "ack-lapses", "again"


class Level(StrEnum):
    """Whom it concerns, the nearest first."""

    QUIET = "quiet"
    OWNER = "owner"
    SECONDARY = "secondary"
    LEAD = "lead"
    ACCOUNTABLE = "accountable"


WARNED = (Level.QUIET, Level.OWNER, Level.LEAD, Level.ACCOUNTABLE)
HANDED_UP = (Level.SECONDARY, Level.LEAD, Level.ACCOUNTABLE)


@dataclass(frozen=True)
class Agreed:
    """Percent of a deadline's time at which people are warned; the rest in business minutes."""

    warnings: tuple[int, int, int, int] = (50, 80, 100, 150)
    handing_up: tuple[int, int, int] = (15, 30, 240)
    ack_lapses_after: int = 240
    again_after: int = 480


@dataclass(frozen=True)
class Clock:
    """One of a ticket's two clocks; it ended when what it waits for happened."""

    round: int
    starts_at: datetime
    due_at: datetime
    # For how much business time a rule had stopped it.
    paused_for: timedelta = timedelta()
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of an open ticket."""

    ack: Clock
    fix: Clock
    hours: Hours
    # When a person did something with it last, or it wakes again.
    active_at: datetime
    # The steps that were taken, by round and name, and when the last one was.
    taken: frozenset[tuple[int, str]] = field(default_factory=frozenset)
    last_taken_at: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """One step that is still to be taken."""

    name: str
    round: int
    due_at: datetime
    # Of a warning: how much of the time is over then.
    percent: int = 0

    @property
    def clock(self) -> str:
        """Which clock it is of: "ack", "fix"; or what it is by itself."""
        return self.name.partition("-")[0]

    @property
    def level(self) -> Level | None:
        word = self.name.partition("-")[2]
        return Level(word) if word in set(Level) else None


def planned(facts: Facts, agreed: Agreed) -> list[Planned]:
    """The steps still to be taken, in the order in which they are due; empty only in a calendar
    that has no working time left."""
    rest = [one for one in _all(facts, agreed) if (one.round, one.name) not in facts.taken]
    return sorted(rest or _again(facts, agreed), key=lambda one: one.due_at)


def is_late(due_at: datetime, *, at: datetime) -> bool:
    return at - due_at > LATE


def _all(facts: Facts, agreed: Agreed) -> Iterator[Planned]:
    yield from _warnings(ACK, facts.ack, facts.hours, agreed)
    for level, minutes in zip(HANDED_UP, agreed.handing_up, strict=True):
        due_at = _after(facts.ack.due_at, timedelta(minutes=minutes), facts.hours)
        yield from _of(facts.ack, f"up-{level}", due_at)
    yield from _warnings(FIX, facts.fix, facts.hours, agreed)
    if facts.ack.ended_at:
        idle_since = max(facts.active_at, facts.ack.ended_at)
        due_at = _after(idle_since, timedelta(minutes=agreed.ack_lapses_after), facts.hours)
        if due_at:
            yield Planned(LAPSE, facts.ack.round, due_at)


def _warnings(name: str, clock: Clock, hours: Hours, agreed: Agreed) -> Iterator[Planned]:
    whole = business_time.between(clock.starts_at, clock.due_at, hours) - clock.paused_for
    for level, percent in zip(WARNED, agreed.warnings, strict=True):
        span = max(whole, timedelta()) * percent / 100 + clock.paused_for
        due_at = clock.due_at if percent == 100 else _after(clock.starts_at, span, hours)
        yield from _of(clock, f"{name}-{level}", due_at, percent)


def _of(clock: Clock, name: str, due_at: datetime | None, percent: int = 0) -> Iterator[Planned]:
    """A step of this clock, unless the clock ended before it was due."""
    if due_at and (clock.ended_at is None or due_at <= clock.ended_at):
        yield Planned(name, clock.round, due_at, percent)


def _again(facts: Facts, agreed: Agreed) -> list[Planned]:
    round = facts.ack.round
    times = sum(of == round and name.startswith(AGAIN) for of, name in facts.taken)
    since = max(facts.active_at, facts.last_taken_at or facts.active_at)
    due_at = _after(since, timedelta(minutes=agreed.again_after), facts.hours)
    return [Planned(f"{AGAIN}-{times + 1}", round, due_at)] if due_at else []


def _after(start: datetime, span: timedelta, hours: Hours) -> datetime | None:
    try:
        return business_time.add(start, span, hours)
    except NoBusinessTime:
        return None
