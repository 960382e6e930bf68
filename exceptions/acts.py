"""What a person may do with a ticket as it stands, and why not: the desk's own rules, asked ahead.

The desk decides again when it is asked to act; this is for the buttons. Empty means: go ahead.
"""

from exceptions.models import Ticket
from exceptions.states import Status
from meshline.people.models import User
from meshline.people.permissions import Permission, may, refusal_for

CLOSED = "This ticket is resolved."


def refusals(ticket: Ticket, user: User) -> dict[str, str]:
    """Why not, for each act of the desk by its name."""
    return {
        "claim": _claim(ticket, user),
        "acknowledge": _with_hands_on(ticket, user, "acknowledge"),
        "release": _with_hands_on(ticket, user, "release"),
        "resolve": _resolve(ticket, user),
        "escalate": _work(ticket, user) or _closed(ticket),
        "keep": _work(ticket, user) or _closed(ticket) or _keep(ticket, user),
        "note": refusal_for(user, Permission.NOTE_TICKET, owner=ticket.owner),
    }


def _claim(ticket: Ticket, user: User) -> str:
    return _work(ticket, user) or _closed(ticket) or _taken(ticket, user)


def _with_hands_on(ticket: Ticket, user: User, deed: str) -> str:
    if reason := _work(ticket, user) or _closed(ticket):
        return reason
    if ticket.status == Status.OPEN:
        return "Nobody has claimed it yet."
    if deed == "acknowledge" and ticket.status == Status.ACKNOWLEDGED:
        return "It is acknowledged already."
    if ticket.claimed_by_id == user.pk:
        return ""
    if may(user, Permission.TAKE_OVER_TICKET, owner=ticket.owner):
        return ""
    return f"{ticket.whose.name} has claimed this; only they can {deed} it."


def _resolve(ticket: Ticket, user: User) -> str:
    reason = refusal_for(user, Permission.RESOLVE_TICKET, owner=ticket.whose)
    if reason and _can_become_theirs(ticket, user):
        return "Claim it first: you resolve what is yours."
    return reason or _closed(ticket)


def _keep(ticket: Ticket, user: User) -> str:
    """Why not, for a ticket that goes back to somebody when they are here again."""
    home = ticket.stands_in_for or ticket.claimed_for
    if home is None:
        return "It is nobody else's: there is nothing to keep."
    if user.pk in (ticket.owner_id, ticket.claimed_by_id):
        return ""
    if may(user, Permission.TAKE_OVER_TICKET, owner=ticket.owner):
        return ""
    return f"{ticket.whose.name} has it for {home.name}; only they can keep it."


def _can_become_theirs(ticket: Ticket, user: User) -> bool:
    """Whether the person could resolve it, if only they had claimed it."""
    return may(user, Permission.RESOLVE_TICKET, owner=user) and not _claim(ticket, user)


def _taken(ticket: Ticket, user: User) -> str:
    if ticket.claimed_by_id is None:
        return ""
    return "You have it already." if ticket.claimed_by_id == user.pk else f"{ticket.whose} has it."


def _work(ticket: Ticket, user: User) -> str:
    return refusal_for(user, Permission.WORK_QUEUE, owner=ticket.owner)


def _closed(ticket: Ticket) -> str:
    return "" if ticket.is_unresolved else CLOSED
