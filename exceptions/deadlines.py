"""Deadlines follow their SLA: what a change of it would move, and moving it.

A deadline is counted from the ticket's opening or last reopening, in the business time of its
team; for how long a rule had stopped its clocks comes on top. After an acknowledgement lapsed, the
time to acknowledge counts from then. What is acknowledged keeps the time it was to be acknowledged
by; what is resolved keeps both.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db import transaction
from django.db.models import Q

from exceptions.kinds import KINDS, Severity
from exceptions.models import Ticket, TicketQuerySet
from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.audit.models import TrailLine
from meshline.policy import business_time, calendars, operating_model, sla, spans
from meshline.policy.business_time import Hours, NoBusinessTime
from meshline.policy.models import BusinessCalendar, Sla
from meshline.policy.operating_model import Facts, ModelError
from meshline.policy.sla import Terms

# A preview names the first few tickets that would move.
SHOWN = 5
_DUE = ("ack_due_at", "fix_due_at")
_GRAVEST_FIRST = list(Severity)


@dataclass(frozen=True)
class Due:
    """One deadline of a ticket that would move, as it is and as it would be."""

    to_be: str
    now: datetime
    then: datetime

    @property
    def stays(self) -> bool:
        return self.now == self.then


@dataclass(frozen=True)
class Move:
    """A ticket whose deadlines would be others."""

    ticket: Ticket
    ack_due_at: datetime
    fix_due_at: datetime

    @property
    def dues(self) -> list[Due]:
        """Every deadline it still has, also one that stays: it may be what is overdue."""
        fix = Due("fixed", self.ticket.fix_due_at, self.fix_due_at)
        ack = Due("acknowledged", self.ticket.ack_due_at, self.ack_due_at)
        return [fix] if self.ticket.acknowledged_at else [ack, fix]

    def is_overdue(self, at: datetime) -> bool:
        return any(due.then < at for due in self.dues)


@dataclass(frozen=True)
class Preview:
    """What would become of the open tickets under an SLA."""

    moved: int = 0
    stay: int = 0
    overdue: int = 0
    # Of the moved ones, those that are overdue as it is.
    overdue_now: int = 0
    first: list[Move] = field(default_factory=list)
    at: datetime | None = None


class Reach:
    """Whether every calendar that somebody works by finds a deadline for a ticket that opens now.

    The calendars are read once, however many terms are asked about.
    """

    def __init__(self, *, at: datetime) -> None:
        self._at, self._reached = at, 0

    def check(self, agreed: Terms) -> None:
        """Raise ModelError where one never reaches that far."""
        if agreed.fix_within <= self._reached:
            return
        for calendar, hours in self._calendars:
            try:
                business_time.add(self._at, agreed.fix_within, hours)
            except NoBusinessTime:
                raise ModelError(_never(calendar), "fix_within") from None
        self._reached = agreed.fix_within

    @cached_property
    def _calendars(self) -> list[tuple[BusinessCalendar, Hours]]:
        used = BusinessCalendar.objects.filter(Q(is_default=True) | Q(team__isnull=False))
        rows = used.prefetch_related("holidays").order_by("pk")
        return [(row, calendars.hours(row)) for row in rows]


def preview(*, kind: str, severity: str, agreed: Terms, at: datetime) -> Preview:
    """What these terms would do to the open tickets under this SLA. Changes nothing.

    Raises ModelError where a calendar never reaches that far.
    """
    Reach(at=at).check(agreed)
    tickets = list(_under(kind, severity).select_related("team").order_by("fix_due_at", "pk"))
    return summary(tickets, moves(tickets, lambda _: agreed), at=at)


def summary(tickets: list[Ticket], found: list[Move], *, at: datetime) -> Preview:
    """These tickets, and which of them would move; what would be overdue is named first."""
    first = sorted(found, key=lambda move: not move.is_overdue(at))[:SHOWN]
    return Preview(
        moved=len(found),
        stay=len(tickets) - len(found),
        overdue=sum(move.is_overdue(at) for move in found),
        overdue_now=sum(_as_it_is(move.ticket).is_overdue(at) for move in found),
        first=first,
        at=at,
    )


@transaction.atomic
def publish(
    *, kind: str, severity: str, agreed: Terms, seen: Facts | None = None, by: Someone, at: datetime
) -> int:
    """Set an SLA and move the open tickets under it; how many moved. Raises ModelError, Stale."""
    _check_names(kind, severity)
    row = operating_model.set_sla(
        kind=kind, severity=severity, ack_within=agreed.ack_within, fix_within=agreed.fix_within,
        by=by, at=at, seen=seen,
    )  # fmt: skip
    return follow(kind=kind, severity=severity, cause=f"sla:{row.pk}", by=by, at=at)


@transaction.atomic
def withdraw(
    *, kind: str, severity: str, seen: Facts | None = None, by: Someone, at: datetime
) -> int:
    """Remove a kind's own SLA; its open tickets fall under the default. How many moved."""
    row = Sla.objects.filter(kind=kind, severity=severity).first()
    operating_model.remove_sla(kind=kind, severity=severity, by=by, at=at, seen=seen)
    if row is None:
        return 0
    return follow(kind=kind, severity=severity, cause=f"sla:{row.pk}", by=by, at=at)


@transaction.atomic
def follow(
    *, kind: str, severity: str, by: Someone, at: datetime, cause: str = "",
    reach: Reach | None = None,
) -> int:  # fmt: skip
    """Count the deadlines of the open tickets under this SLA anew; how many moved.

    `cause` is what led to it; if nothing is named, the SLA that is in force now. Twice is as good
    as once: what is where it belongs stays, and has no line on the trail. Whoever changes several
    brings what the calendars reach.
    """
    agreed = sla.terms(kind, severity)
    (reach or Reach(at=at)).check(agreed)
    locked = _under(kind, severity).select_for_update(of=("self",)).order_by("pk")
    found = moves(locked.select_related("team"), lambda _: agreed)
    cause = cause or f"sla:{sla.in_force(kind, severity).pk}"
    within = f"{spans.words(agreed.ack_within)}, fixed within {spans.words(agreed.fix_within)}"
    why = f"The SLA changed: acknowledged within {within}."
    move(found, why=why, cause=cause, by=by, at=at)
    return len(found)


def move(found: list[Move], *, why: str, cause: str, by: Someone, at: datetime) -> None:
    """Write these moves, each with its line on the trail, in the caller's transaction."""
    trail.record_all(_line(one, why, cause, by, at) for one in found)
    for one in found:
        one.ticket.ack_due_at, one.ticket.fix_due_at = one.ack_due_at, one.fix_due_at
        one.ticket.next_step_at = at
    bulk.update([one.ticket for one in found], [*_DUE, "next_step_at"])


def count_anew(ticket: Ticket, *, why: str, by: Someone, at: datetime) -> None:
    """Bring one locked ticket's deadlines to where they belong now."""
    agreed = sla.terms(ticket.kind, ticket.severity)
    move(moves([ticket], lambda _: agreed), why=why, cause="", by=by, at=at)


def make_graver(ticket: Ticket, severity: str, *, by: Someone, at: datetime) -> None:
    """What more hangs on a locked ticket may be graver than it was: then so is all of it."""
    if _GRAVEST_FIRST.index(Severity(severity)) >= _GRAVEST_FIRST.index(Severity(ticket.severity)):
        return
    before, ticket.severity = {"severity": ticket.severity}, severity
    ticket.save(update_fields=["severity"])
    why = f"What hangs on it by now is {severity}."
    trail.record(
        "ticket.graver", subject=ticket, record=ticket.record, by=by, at=at, why=why,
        before=before, after={"severity": severity},
    )  # fmt: skip
    count_anew(ticket, why=why, by=by, at=at)


def default_of(severity: str) -> Terms:
    """What a severity's tickets have without an SLA of their kind."""
    return sla.terms("", severity)


# --- Which tickets, and where their deadlines belong -------------------------------------------
def _under(kind: str, severity: str) -> TicketQuerySet:
    """The open tickets an SLA governs; a default leaves out the kinds that have their own."""
    tickets = Ticket.objects.unresolved().filter(severity=severity)
    if kind:
        return tickets.filter(kind=kind)
    own = Sla.objects.filter(severity=severity).exclude(kind="").values("kind")
    return tickets.exclude(kind__in=own)


def moves(tickets: Iterable[Ticket], agreed: Callable[[Ticket], Terms]) -> list[Move]:
    """Where each belongs under what is agreed for it, of those that are not there.

    Calendars are read once a team. Raises NoBusinessTime where one never reaches that far.
    """
    hours: dict[int | None, Hours] = {}
    found = []
    for ticket in tickets:
        if ticket.team_id not in hours:
            hours[ticket.team_id] = calendars.hours_of(ticket.team)
        there = _belongs(ticket, agreed(ticket), hours[ticket.team_id])
        if there != _as_it_is(ticket):
            found.append(there)
    return found


def _belongs(ticket: Ticket, agreed: Terms, hours: Hours) -> Move:
    fix_within = timedelta(minutes=agreed.fix_within) + ticket.paused_for
    fix_due_at = business_time.add(ticket.counted_from, fix_within, hours)
    if ticket.acknowledged_at:
        return Move(ticket, ticket.ack_due_at, fix_due_at)
    ack_within = timedelta(minutes=agreed.ack_within) + ticket.ack_paused_for
    ack_due_at = business_time.add(ticket.ack_counted_from, ack_within, hours)
    return Move(ticket, ack_due_at, fix_due_at)


def _as_it_is(ticket: Ticket) -> Move:
    return Move(ticket, ticket.ack_due_at, ticket.fix_due_at)


def _line(move: Move, why: str, cause: str, by: Someone, at: datetime) -> TrailLine:
    ticket, words = move.ticket, {"ack_due_at": "acknowledge by", "fix_due_at": "fix by"}
    moved = [name for name in _DUE if getattr(ticket, name) != getattr(move, name)]
    return trail.line(
        "ticket.due-moved", subject=ticket, record=ticket.record, by=by, at=at,
        before={words[name]: getattr(ticket, name) for name in moved},
        after={words[name]: getattr(move, name) for name in moved},
        why=why, cause=cause,
    )  # fmt: skip


# --- What cannot be ------------------------------------------------------------------------------
def _check_names(kind: str, severity: str) -> None:
    if severity not in set(Severity):
        raise ModelError("There is no such severity.", "severity")
    if kind and kind not in KINDS:
        raise ModelError("There is no such kind of ticket.", "kind")


def _never(calendar: BusinessCalendar) -> str:
    return f"{calendar.name} has less working time than that in two years; write a shorter span."
