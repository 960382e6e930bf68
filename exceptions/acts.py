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
    works = refusal_for(user, Permission.WORK_QUEUE, owner=ticket.owner)
    acts = works or _closed(ticket)
    claim = acts or _taken(ticket, user)
    return {
        "claim": claim,
        "acknowledge": acts or _with_hands_on(ticket, user, "acknowledge"),
        "release": acts or _with_hands_on(ticket, user, "release"),
        "resolve": _resolve(ticket, user, claim),
        "escalate": acts,
        "keep": acts or _keep(ticket, user),
        "assign": acts or _claimed(ticket, user, "assign"),
        "take_over": _take_over(ticket, user),
        "snooze": acts or _claimed(ticket, user, "snooze"),
        "wake": acts or _wake(ticket, user),
        "link": works,
        "note": refusal_for(user, Permission.NOTE_TICKET, owner=ticket.owner),
    }


def refusal_of_remedy(ticket: Ticket, user: User) -> str:
    """Why this person may not put right what it is about: it is over, or somebody else has it."""
    if not ticket.is_unresolved:
        return CLOSED
    if ticket.claimed_by is None or ticket.claimed_by_id == user.pk:
        return ""
    if may(user, Permission.TAKE_OVER_TICKET, owner=ticket.owner):
        return ""
    return f"{ticket.claimed_by.name} has claimed this; only they can put it right."


def _with_hands_on(ticket: Ticket, user: User, deed: str) -> str:
    if ticket.status == Status.OPEN:
        return "Nobody has claimed it yet."
    if deed == "acknowledge" and ticket.status == Status.ACKNOWLEDGED:
        return "It is acknowledged already."
    return _claimed(ticket, user, deed)


def _claimed(ticket: Ticket, user: User, deed: str) -> str:
    """Why not, where somebody else has claimed it."""
    if ticket.claimed_by_id in (None, user.pk):
        return ""
    if may(user, Permission.TAKE_OVER_TICKET, owner=ticket.owner):
        return ""
    return f"{ticket.whose.name} has claimed this; only they can {deed} it."


def _take_over(ticket: Ticket, user: User) -> str:
    reason = refusal_for(user, Permission.TAKE_OVER_TICKET, owner=ticket.owner)
    if reason or not ticket.is_unresolved:
        return reason or CLOSED
    if ticket.claimed_by_id is None:
        return "Nobody has claimed it: claim it instead."
    return "You have it already." if ticket.claimed_by_id == user.pk else ""


def _wake(ticket: Ticket, user: User) -> str:
    return _claimed(ticket, user, "wake") if ticket.snoozed_until else "It is awake."


def _resolve(ticket: Ticket, user: User, claim: str) -> str:
    reason = refusal_for(user, Permission.RESOLVE_TICKET, owner=ticket.whose)
    if reason and not claim and may(user, Permission.RESOLVE_TICKET, owner=user):
        return "Claim it first: you resolve what is yours."
    if reason and may(user, Permission.RESOLVE_TICKET, owner=user):
        reason = _claimed(ticket, user, "resolve") or reason
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


def _taken(ticket: Ticket, user: User) -> str:
    if ticket.claimed_by_id is None:
        return ""
    return "You have it already." if ticket.claimed_by_id == user.pk else f"{ticket.whose} has it."


def _closed(ticket: Ticket) -> str:
    return "" if ticket.is_unresolved else CLOSED
