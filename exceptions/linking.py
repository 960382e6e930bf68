"""Tickets that belong together: linked by a person, seen from both."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from exceptions import keeping
from exceptions.models import Ticket, TicketLink
from exceptions.states import MoveError
from meshline import bulk
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission

_MOST_SHOWN = 50


@transaction.atomic
def link(*, ticket_id: int, other_id: int, by: User, at: datetime) -> TicketLink:
    """Link two tickets; both stories tell it. Raises ValueError where one may not be seen."""
    first, second = _both(ticket_id, other_id, by)
    made = TicketLink(first=first, second=second, by=by, at=at)
    if not bulk.insert_missing([made], by=("first", "second")):
        raise MoveError(f"Ticket {ticket_id} and ticket {other_id} are linked already.")
    _record("ticket.linked", first, second, by, at)
    return made


@transaction.atomic
def unlink(*, ticket_id: int, other_id: int, by: User, at: datetime) -> None:
    """They do not belong together after all."""
    first, second = _both(ticket_id, other_id, by)
    if not TicketLink.objects.filter(first=first, second=second).delete()[0]:
        raise MoveError(f"Ticket {ticket_id} and ticket {other_id} are not linked.")
    _record("ticket.unlinked", first, second, by, at)


def linked(ticket: Ticket, user: User) -> list[Ticket]:
    """The tickets linked to this one, as far as this person may see them."""
    links = TicketLink.objects.filter(Q(first=ticket) | Q(second=ticket)).order_by("pk")
    numbers = [
        one.second_id if one.first_id == ticket.pk else one.first_id for one in links[:_MOST_SHOWN]
    ]
    if not numbers:
        return []
    found = Ticket.objects.visible_to(user).in_bulk(numbers)
    return [found[number] for number in numbers if number in found]


def _both(ticket_id: int, other_id: int, by: User) -> tuple[Ticket, Ticket]:
    """Both tickets, the older one first and held in that order."""
    if ticket_id == other_id:
        raise ValueError("Ticket: a ticket cannot be linked to itself.")
    if not Ticket.objects.visible_to(by).filter(pk=other_id).exists():
        raise ValueError(f"Ticket: there is no ticket {other_id} that you may see.")
    held = {number: keeping.locked(number) for number in sorted((ticket_id, other_id))}
    permissions.check(by, Permission.WORK_QUEUE, owner=held[ticket_id].owner)
    first, second = held.values()
    return first, second


def _record(what: str, first: Ticket, second: Ticket, by: User, at: datetime) -> None:
    for one, other in ((first, second), (second, first)):
        keeping.record(what, one, by, at, after={"subject": f"ticket:{other.pk}"})
