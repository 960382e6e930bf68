"""Deadlines follow their SLA: what a change of it would move, and moving it.

A deadline is counted from the ticket's opening, in the business time of its team. What is
acknowledged keeps the time it was to be acknowledged by; what is resolved keeps both.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

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


@dataclass(frozen=True)
class Move:
    """A ticket whose deadlines would be others."""

    ticket: Ticket
    ack_due_at: datetime
    fix_due_at: datetime

    @property
    def is_of_the_fix(self) -> bool:
        """Whether it is the fix that moves, and not the acknowledgement before it."""
        return bool(self.ticket.acknowledged_at) or self.ack_due_at == self.ticket.ack_due_at

    @property
    def due_now(self) -> datetime:
        return self.ticket.fix_due_at if self.is_of_the_fix else self.ticket.ack_due_at

    @property
    def due_then(self) -> datetime:
        return self.fix_due_at if self.is_of_the_fix else self.ack_due_at

    def is_overdue(self, at: datetime) -> bool:
        return self.fix_due_at < at or (not self.ticket.acknowledged_at and self.ack_due_at < at)


@dataclass(frozen=True)
class Preview:
    """What would become of the open tickets under an SLA."""

    moved: int = 0
    stay: int = 0
    overdue: int = 0
    # Of the moved ones, those that are overdue as it is.
    overdue_now: int = 0
    first: list[Move] = field(default_factory=list)


def preview(*, kind: str, severity: str, agreed: Terms, at: datetime) -> Preview:
    """What these terms would do to the open tickets under this SLA. Changes nothing.

    Raises ModelError where a calendar never reaches that far.
    """
    _check_reached(agreed, at)
    tickets = list(_under(kind, severity).select_related("team").order_by("fix_due_at", "pk"))
    return summary(tickets, moves(tickets, lambda _: agreed), at=at)


def summary(tickets: list[Ticket], found: list[Move], *, at: datetime) -> Preview:
    """These tickets, and which of them would move."""
    return Preview(
        moved=len(found),
        stay=len(tickets) - len(found),
        overdue=sum(move.is_overdue(at) for move in found),
        overdue_now=sum(_as_it_is(move.ticket).is_overdue(at) for move in found),
        first=found[:SHOWN],
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
def follow(*, kind: str, severity: str, by: Someone, at: datetime, cause: str = "") -> int:
    """Count the deadlines of the open tickets under this SLA anew; how many moved.

    `cause` is what led to it; if nothing is named, the SLA that is in force now. Twice is as good
    as once: what is where it belongs stays, and has no line on the trail.
    """
    agreed = sla.terms(kind, severity)
    _check_reached(agreed, at)
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
    bulk.update([one.ticket for one in found], _DUE)


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
    fix_due_at = business_time.add(ticket.opened_at, agreed.fix_within, hours)
    if ticket.acknowledged_at:
        return Move(ticket, ticket.ack_due_at, fix_due_at)
    ack_due_at = business_time.add(ticket.opened_at, agreed.ack_within, hours)
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


def _check_reached(agreed: Terms, at: datetime) -> None:
    """Every calendar finds such a deadline for a ticket that opens now."""
    for calendar in BusinessCalendar.objects.select_related("team").order_by("pk"):
        team = None if calendar.is_default else calendar.team
        try:
            business_time.add(at, agreed.fix_within, calendars.hours_of(team))
        except NoBusinessTime:
            raise ModelError(_never(calendar), "fix_within") from None


def _never(calendar: BusinessCalendar) -> str:
    return f"{calendar.name} has less working time than that in two years; write a shorter span."
