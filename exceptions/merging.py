"""Two tickets of one kind become one: what hangs on the one moves to the other, for good.

The one that is left closes as a duplicate and names the other; what its cause does from then on
hangs there, too. Whoever locks two tickets locks them by their ids.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from exceptions import acts, deadlines, keeping, money
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError, Resolution
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission

OFFERED = 10
# A chain of merges is followed as far as this.
_FAR = 20


@dataclass(frozen=True)
class Move:
    """What a merge would move: all of it, what hangs there already, and what is still open."""

    moves: int
    shared: int
    still_open: int


def candidates(ticket: Ticket, by: User) -> list[Ticket]:
    """Open tickets it may be a part of: of its kind, and of its connection or record."""
    others = Ticket.objects.visible_to(by).unresolved().filter(kind=ticket.kind)
    alike = Q(connection=ticket.connection)
    if ticket.record:
        alike |= Q(record=ticket.record)
    rows = others.filter(alike).exclude(pk=ticket.pk)
    return list(rows.select_related("team", "owner", "claimed_by").order_by("pk")[:OFFERED])


def look(ticket: Ticket, others: Collection[Ticket]) -> dict[int, Move]:
    """What would move into each of these, by its id, without moving it."""
    mine = ticket.all_occurrences.all()
    counted = mine.aggregate(all=Count("pk"), open=Count("pk", filter=Q(settled_at=None)))
    there = Occurrence.objects.filter(ticket__in=others, subject__in=mine.values("subject"))
    shared = dict(there.values_list("ticket").annotate(Count("pk")))
    return {one.pk: Move(counted["all"], shared.get(one.pk, 0), counted["open"]) for one in others}


def refusal(ticket: Ticket, into: Ticket, by: User) -> str:
    """Why the one does not become a part of the other; empty when it may."""
    if ticket.pk == into.pk:
        return "A ticket is no duplicate of itself; choose another one."
    if not into.is_unresolved:
        return f"Ticket #{into.pk} is resolved; choose one that is open."
    # By its kind it is known what brings it right, and what can be done about it.
    if ticket.kind != into.kind:
        return (
            f"Ticket #{into.pk} is of another kind ({into.about.label}); choose one of this kind."
        )
    not_theirs = permissions.refusal_for(by, Permission.WORK_QUEUE, owner=into.owner)
    # That somebody else works on the other one already is no reason against it.
    return acts.refusals(ticket, by)["resolve"] or not_theirs


@transaction.atomic
def merge(*, ticket_id: int, into_id: int, by: User, at: datetime) -> Ticket:
    """Make one ticket a part of another. Raises MoveError, NotAllowed, Ticket.DoesNotExist."""
    both = {pk: keeping.locked(pk) for pk in sorted({ticket_id, into_id})}
    ticket, into = both[ticket_id], both[into_id]
    if why := refusal(ticket, into, by):
        are_open = ticket.is_unresolved and into.is_unresolved and ticket.pk != into.pk
        raise NotAllowed(why) if are_open and ticket.kind == into.kind else MoveError(why)
    moved = _move(list(ticket.all_occurrences.order_by("pk")), into)
    _count(into, ticket)
    deadlines.make_graver(into, ticket.severity, by=by, at=at)
    note = f"It is a part of #{into.pk} {into.title} now."
    keeping.close(ticket, Resolution.DUPLICATE, note, by, at, person=by)
    Ticket.objects.filter(pk=ticket.pk).update(merged_into=into)
    keeping.record("ticket.merged", ticket, by, at, after={"ticket": f"ticket:{into.pk}"})
    told = {"ticket": f"ticket:{ticket.pk}", "occurrences": moved}
    # More hangs on it now than it was put to sleep with.
    slept = keeping.rouse(into, at)
    keeping.record("ticket.took-in", into, by, at, after=told, slept=slept)
    return into


def takes_in(cause: str) -> int | None:
    """The ticket of which the last one of this cause has become a part, over as many merges."""
    merged = Ticket.objects.filter(cause=cause, merged_into__isnull=False)
    last = merged.order_by("-resolved_at", "-pk").first()
    return standing(last).pk if last else None


def standing(ticket: Ticket) -> Ticket:
    """The ticket, or the one of which it has become a part, over as many merges."""
    for _ in range(_FAR):
        if ticket.merged_into is None:
            break
        ticket = ticket.merged_into
    return ticket


def _move(occurrences: Iterable[Occurrence], into: Ticket) -> int:
    """Hang these there; of what hangs on both, one stays, open if either is. How many came anew."""
    there = {one.subject: one for one in into.all_occurrences.select_for_update()}
    came = 0
    for one in occurrences:
        if other := there.get(one.subject):
            other.times += one.times
            if one.settled_at is None:
                other.settled_at, other.settled_because = None, ""
            other.save(update_fields=["times", "settled_at", "settled_because"])
            one.delete()
        else:
            one.ticket = into
            one.save(update_fields=["ticket"])
            came += 1
    return came


def _count(into: Ticket, ticket: Ticket) -> None:
    """What the tickets count and weigh together: each record's money once."""
    into.occurrences = into.all_occurrences.count()
    into.last_seen_at = max(into.last_seen_at, ticket.last_seen_at)
    into.save(update_fields=["occurrences", "last_seen_at"])
    money.count(into)
