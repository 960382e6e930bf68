"""Open tickets go with the owners of their process: which ones a change would move, and moving it.

Owners belong to the ground, what they have to do to the tickets. So the owners of a process are
changed here: one transaction holds the change and every ticket that goes with it.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from exceptions import keeping
from exceptions.kinds import KINDS
from exceptions.models import Ticket, TicketQuerySet
from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.audit.models import TrailLine
from meshline.notices import kinds, notices
from meshline.people.models import User
from meshline.policy import operating_model, processes, raci, raci_sets
from meshline.policy.operating_model import Facts
from meshline.policy.raci import Answerable
from meshline.policy.raci_sets import Holders

_GIVEN = ["owner", "owner_why", "stands_in_for", "team", "next_step_at", *keeping.ROUSED]


@dataclass(frozen=True)
class Change:
    """Who is to answer for a process: at once, or from a later moment on."""

    process: str
    holders: Holders
    effective_from: datetime | None = None


@dataclass(frozen=True)
class Duty:
    """Whom the new tickets of a process go to, and everybody whose tickets come from it."""

    answer: Answerable
    people: frozenset[int]

    def is_of(self, ticket: Ticket) -> bool:
        """Whether its owner, or whom they stand in for, is one of them."""
        return bool({ticket.owner_id, ticket.stands_in_for_id} & self.people)


@dataclass(frozen=True)
class Move:
    """An open ticket that goes to somebody else."""

    ticket: Ticket
    to: Answerable


@dataclass(frozen=True)
class Preview:
    """What would become of a process: who gets what is new, and which open tickets go along."""

    now: Answerable
    then: Answerable
    accountable_now: User
    accountable_then: User
    starts: datetime | None = None
    moves: list[Move] = field(default_factory=list)
    claimed: int = 0
    stay: int = 0

    @property
    def ways(self) -> list[tuple[User, User, int]]:
        """From whom, to whom, and how many."""
        people = {user.pk: user for one in self.moves for user in (one.ticket.owner, one.to.user)}
        counted = Counter((one.ticket.owner_id, one.to.user.pk) for one in self.moves)
        return [(people[a], people[b], n) for (a, b), n in counted.most_common()]

    @property
    def mark(self) -> str:
        """Which tickets would go to whom: another day it may be others."""
        return repr([(one.ticket.pk, one.to.user.pk) for one in self.moves])


def preview(change: Change, *, by: Someone, at: datetime, seen: Facts | None = None) -> Preview:
    """What this change would do. It is really done and taken back, so it is what will be done.

    Raises ModelError, and Stale when the owners are not as they were `seen` any more.
    """
    with transaction.atomic():
        found = _rehearse(change, by, at, seen)
        transaction.set_rollback(True)
    return found


@transaction.atomic
def publish(
    change: Change, *, with_open: bool, by: Someone, at: datetime, seen: Facts | None = None
) -> list[tuple[User, int]]:
    """Name the owners and, if it is asked for, move the open tickets along; who got how many.

    Raises ModelError, and Stale when the owners are not as they were `seen` any more.
    """
    before = _duties(change.process, at)
    _name(change, by, at, seen)
    if not with_open or change.effective_from:
        return []
    found = _moves(before, _duties(change.process, at), hold=True)
    _give(found, change.process, by, at)
    return _counted(found)


# --- What it would do --------------------------------------------------------------------------
def _rehearse(change: Change, by: Someone, at: datetime, seen: Facts | None) -> Preview:
    starts, name = change.effective_from, change.process
    before, now = _duties(name, at), raci.responsible_for(name, at=at)
    accountable = raci.accountable_for(name, at=at).user
    _name(change, by, at, seen)
    moves = [] if starts else _moves(before, _duties(name, at))
    stay = _open(before).exclude(pk__in=[one.ticket.pk for one in moves])
    claimed = stay.exclude(claimed_by=None).count()
    return Preview(
        now, raci.responsible_for(name, at=starts or at), accountable,
        raci.accountable_for(name, at=starts or at).user, starts, moves,
        claimed=claimed, stay=stay.count() - claimed,
    )  # fmt: skip


def _name(change: Change, by: Someone, at: datetime, seen: Facts | None) -> None:
    operating_model.set_raci(
        process=change.process, holders=change.holders, effective_from=change.effective_from,
        by=by, at=at, seen=seen,
    )  # fmt: skip


# --- Which tickets -------------------------------------------------------------------------------
def _duties(process: str, at: datetime) -> dict[str, Duty]:
    """Of this process and of those that fall under it, each by its name."""
    rows = Ticket.objects.unresolved().order_by().values_list("process", "kind").distinct()
    named = {own or KINDS[kind].process for own, kind in rows}
    return {name: _duty(name, at) for name in named if process in processes.chain(name)}


def _duty(process: str, at: datetime) -> Duty:
    answer = raci.responsible_for(process, at=at)
    people = {answer.user.pk, *(user.pk for user in raci.responsible(process, at=at))}
    if answer.stands_in_for:
        people.add(answer.stands_in_for.pk)
    return Duty(answer, frozenset(people))


def _open(duties: dict[str, Duty]) -> TicketQuerySet:
    """The open tickets of these processes."""
    by_kind = [name for name, kind in KINDS.items() if kind.process in duties]
    of_them = Q(process__in=list(duties)) | Q(process="", kind__in=by_kind)
    return Ticket.objects.unresolved().filter(of_them)


def _moves(before: dict[str, Duty], after: dict[str, Duty], *, hold: bool = False) -> list[Move]:
    """Which open tickets go along: nobody claimed them, nobody handed them up, and who has them
    by their process does its work no more."""
    other = {name: duty for name, duty in before.items() if after[name] != duty}
    rows = _open(other).filter(claimed_by=None, escalated=0).order_by("pk")
    found = [
        Move(ticket, after[ticket.falls_under].answer)
        for ticket in (rows.select_for_update() if hold else rows)
        if other[ticket.falls_under].is_of(ticket) and not after[ticket.falls_under].is_of(ticket)
    ]
    owners = User.objects.in_bulk({one.ticket.owner_id for one in found})
    for one in found:
        one.ticket.owner = owners[one.ticket.owner_id]
    return found


# --- Moving them ---------------------------------------------------------------------------------
def _give(found: list[Move], process: str, by: Someone, at: datetime) -> None:
    """Each with its line on the trail, and one notice for each who gets some."""
    rows = raci_sets.in_force(process, at=at)
    cause = f"raciassignment:{rows[0].pk}" if rows else ""
    # Whoever gets it did not put it to sleep.
    slept = [keeping.awake(one.ticket, at) for one in found]
    lines = zip(found, slept, strict=True)
    trail.record_all(_line(one, until, cause, by, at) for one, until in lines)
    for ticket, to in ((one.ticket, one.to) for one in found):
        ticket.owner, ticket.owner_why, ticket.team = to.user, to.why[:300], to.user.team
        ticket.stands_in_for, ticket.next_step_at = to.stands_in_for, at
    bulk.update([one.ticket for one in found], _GIVEN)
    for user, number in _counted(found):
        notices.tell(
            user, _told(process, number), key=f"owners:{cause}", at=at, kind=kinds.TICKET,
            url=reverse("exceptions:queue"),
        )  # fmt: skip


def _line(one: Move, slept: datetime | None, cause: str, by: Someone, at: datetime) -> TrailLine:
    ticket, (was, became) = one.ticket, keeping.of_sleep(slept)
    return trail.line(
        "ticket.owner-changed", subject=ticket, record=ticket.record, by=by, at=at,
        before={"owner": ticket.owner} | was, after={"owner": one.to.user} | became, cause=cause,
        why=f"The owners changed: {one.to.why}",
    )  # fmt: skip


def _counted(found: list[Move]) -> list[tuple[User, int]]:
    people = {one.to.user.pk: one.to.user for one in found}
    return [(people[pk], n) for pk, n in Counter(one.to.user.pk for one in found).most_common()]


def _told(process: str, number: int) -> str:
    tickets = "1 open ticket is" if number == 1 else f"{number} open tickets are"
    return f"{tickets} yours now: the owners of {processes.in_words(process)} changed."
