"""Is everything as it must be? Every floor's invariants, asked in one snapshot of the database.

The command asks all of it; the clock, hourly, recomputes of the trail only what is new since its
last look, and once a day the whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from connectors import invariants as of_connectors
from exceptions import invariants as of_exceptions
from exceptions import troubles
from meshline import instant
from meshline.audit import anchors, verify
from meshline.audit import invariants as of_the_trail
from meshline.audit.actors import part
from meshline.audit.verify import Place, Verdict
from meshline.invariants import Invariant
from meshline.notices import invariants as of_the_notices
from meshline.pulse import pulse
from proposals import invariants as of_proposals

WATCH = part("invariants", "The hourly check")
# Hourly it says that it looked; a look that is overdue for an hour is itself a ticket.
SILENT_AFTER = timedelta(hours=2)
WATCHED = "auditor-watch"
# How the last look came out, and up to where the trail was recomputed.
CHECKED, VERIFIED = "invariants", verify.VERIFIED

INVARIANTS: list[Invariant] = [
    *of_connectors.INVARIANTS,
    *of_proposals.INVARIANTS,
    *of_exceptions.INVARIANTS,
    *of_the_notices.INVARIANTS,
    *of_the_trail.INVARIANTS,
]


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold, with a sentence for each thing that breaks it."""

    invariant: Invariant
    sentences: list[str]


def broken() -> list[Breach]:
    """Every invariant that does not hold at this instant, also while everything else goes on."""
    return _look(verify.START)[0]


def look(invariants: list[Invariant]) -> list[Breach]:
    """The invariants among these that do not hold."""
    asked = [Breach(one, one.whole()) for one in invariants]
    return [breach for breach in asked if breach.sentences]


def hourly() -> None:
    """The clock's look: a breach is a ticket, and closes it when it is whole again."""
    known = pulse.detail(VERIFIED)
    _check(Place(known["position"], bytes.fromhex(known["hash"])) if known else verify.START)


def daily() -> None:
    """The same, with the whole trail."""
    _check(verify.START)


def watch() -> None:
    """Whether the hourly look happens at all: when it falls silent, that is a ticket, too."""
    # Where it never looked, its silence counts from our first look at it.
    age = pulse.age(CHECKED) or pulse.age(WATCHED)
    if age is None:
        pulse.beat(WATCHED)
        return
    at = instant.now()
    if age > SILENT_AFTER:
        troubles.open_ticket(_silence(age), by=WATCH, at=at)
    else:
        because = "The hourly check looks again."
        troubles.settle(subject=_SILENCE, because=because, by=WATCH, at=at)


def _silence(age: timedelta) -> troubles.Trouble:
    hours = int(age.total_seconds() // 3600)
    return troubles.Trouble(
        kind="invariant-broken",
        cause=_SILENCE,
        title="Nobody checks whether Meshline's books add up",
        reason=f"The hourly check last looked {hours} h ago. Look on the operations page for what "
        "its task says, and at the clock's log.",
        subject=_SILENCE,
        evidence={"task": "invariants", "hours since": hours},
    )


_SILENCE = "auditor:silent"


def _look(start: Place) -> tuple[list[Breach], Verdict]:
    """Everything in one snapshot, the trail from `start` on, and with all its anchors."""
    books = [one for one in INVARIANTS if one.name != of_the_trail.NAME]
    trail = next(one for one in INVARIANTS if one.name == of_the_trail.NAME)
    # Before the snapshot, so that no anchor is ahead of its head.
    sheet = anchors.read()
    with _snapshot():
        found = look(books)
        verdict = verify.with_anchors(verify.chain(after=start), sheet)
    sentences = of_the_trail.told(verdict)
    return [*found, *([Breach(trail, sentences)] if sentences else [])], verdict


def _check(start: Place) -> None:
    found, verdict = _look(start)
    if verdict.holds:
        pulse.beat(VERIFIED, position=verdict.length, hash=verdict.head)
    pulse.beat(CHECKED, asked=len(INVARIANTS), broken=[one.invariant.name for one in found])
    _tell(found)


@transaction.atomic
def _tell(found: list[Breach]) -> None:
    """Open a ticket for what is broken; settle what is not, or no longer."""
    at = instant.now()
    for breach in found:
        troubles.open_ticket(_trouble(breach), by=WATCH, at=at)
    names = {breach.invariant.name for breach in found}
    for invariant in INVARIANTS:
        if invariant.name not in names:
            because = f"It holds again: {invariant.says}"
            troubles.settle(subject=_subject(invariant), because=because, by=WATCH, at=at)


def _trouble(breach: Breach) -> troubles.Trouble:
    invariant, sentences = breach.invariant, breach.sentences
    return troubles.Trouble(
        kind="invariant-broken",
        cause=_subject(invariant),
        title=f"Not so: {invariant.says}",
        reason=f"This must hold at any instant and does not. {' '.join(sentences[:5])}",
        subject=_subject(invariant),
        evidence={"invariant": invariant.name, "broken": sentences},
    )


def _subject(invariant: Invariant) -> str:
    return f"invariant:{invariant.name}"


@contextmanager
def _snapshot() -> Iterator[None]:
    """One moment of the database, read only, however long the look at it takes."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
