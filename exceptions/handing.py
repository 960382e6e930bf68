"""Tickets change hands because a person says so: given to somebody, or taken over from them."""

from datetime import datetime

from django.db import transaction

from exceptions import desk, keeping, lots
from exceptions.lots import Lot
from exceptions.models import Ticket
from exceptions.states import MoveError, Status
from meshline.notices import kinds
from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import Permission, Role

_OWNER = ("owner", "owner_why", "stands_in_for", "team")


@transaction.atomic
def assign(
    *, ticket_id: int, to: User, note: str = "", by: User, at: datetime, lot: Lot | None = None
) -> Ticket:
    """Make it somebody else's, unclaimed; they are told, with the note.

    Raises ValueError where they cannot have it.
    """
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    if not ticket.is_unresolved:
        raise MoveError("A ticket that is resolved cannot be assigned.")
    desk.only_its_claimer(ticket, by, "assign")
    check_receiver(to, at=at)
    if ticket.owner_id == to.pk and ticket.status == Status.OPEN:
        raise MoveError(f"It is with {to.name} already.")
    note = desk.readable(note)
    before = {"owner": ticket.owner, "claimed by": ticket.claimed_by}
    ticket.owner, ticket.team, ticket.stands_in_for = to, to.team, None
    ticket.owner_why = f"{by.name} gave it to {to.name}."
    ticket.status = Status.OPEN
    ticket.claimed_by = ticket.claimed_at = ticket.claimed_for = None
    ticket.save(update_fields=[*_OWNER, *keeping.CLAIM, "status"])
    keeping.record(
        "ticket.assigned", ticket, by, at, before=before, after={"owner": to}, why=note,
        cause=lots.cause(lot), slept=keeping.rouse(ticket, at),
    )  # fmt: skip
    _tell_of(ticket, note, by, at, lot)
    return ticket


@transaction.atomic
def take_over(*, ticket_id: int, reason: str, by: User, at: datetime) -> Ticket:
    """Take a ticket from who has claimed it; they are told why."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.TAKE_OVER_TICKET, owner=ticket.owner)
    if not ticket.is_unresolved:
        raise MoveError("A ticket that is resolved cannot be taken over.")
    had = ticket.claimed_by
    if had is None:
        raise MoveError("Nobody has claimed it: claim it instead.")
    if had.pk == by.pk:
        raise MoveError("You have it already.")
    if not (reason := desk.readable(reason)):
        raise ValueError("Say why you take it over.")
    desk.must_be_here(by, at)
    ticket.status, ticket.claimed_by, ticket.claimed_at = Status.CLAIMED, by, at
    ticket.claimed_for = None
    ticket.save(update_fields=[*keeping.CLAIM, "status"])
    keeping.record(
        "ticket.taken-over", ticket, by, at,
        before={"claimed by": had}, after={"claimed by": by}, why=reason,
        slept=keeping.rouse(ticket, at),
    )  # fmt: skip
    occasion = f"taken-over:{at.timestamp()}"
    keeping.tell([had], ticket, at, occasion, f"{by.name} took over from you", kinds.TICKET)
    return ticket


def check_receiver(to: User, *, at: datetime) -> None:
    """Raise ValueError with a sentence unless tickets can be given to this person now."""
    if not to.is_active:
        raise ValueError(f"{to.name} is not here any more.")
    if to.role not in receiving_roles():
        raise ValueError(f"{to.name} does not work on tickets: {Role(to.role).label}.")
    if availability.is_available(to, at=at):
        return
    found = availability.stand_in_for(to, at=at)
    instead = f" Give it to {found.name}, who stands in for them." if found else ""
    raise ValueError(f"{to.name} is out.{instead}")


def receiving_roles() -> list[Role]:
    """The roles that can work on a ticket of their own."""
    return list(permissions.TABLE[Permission.WORK_QUEUE])


def _tell_of(ticket: Ticket, note: str, by: User, at: datetime, lot: Lot | None) -> None:
    if ticket.owner_id == by.pk:
        return
    words = f"{by.name} gave you a ticket"
    if lot:
        lot.tell([ticket.owner], f"{by.name} gave you tickets", kind=kinds.TICKET, at=at)
        return
    words = f"{words} ({note[:120]})" if note else words
    keeping.tell_owner(ticket, at, f"assigned:{at.timestamp()}", words)
