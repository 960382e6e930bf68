"""Whose a message is, and so who may have it read again under its key."""

from django.db.models import Q

from connectors.models import Message
from exceptions.models import Occurrence, Ticket
from exceptions.states import Status
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NOBODY, NotAllowed, Permission
from proposals.models import Proposal


def refusal_of_replay(message: Message, user: User) -> str:
    """Why this person may not replay it, and who may; empty when they may."""
    if refusal := permissions.refusal_for(user, Permission.REPLAY_MESSAGE):
        return refusal
    holders = _holders(message)
    if _may_replay(user, NOBODY) or any(_may_replay(user, one) for one in holders):
        return ""
    named = [f"{one.name} ({why})" for one, why in holders.items() if _may_replay(one, one)]
    *others, last = [*named, *permissions.who_may_everywhere(Permission.REPLAY_MESSAGE)]
    if not others:
        return f"Only {last} may replay this message; ask one."
    return f"Only {', '.join(others)} or {last} may replay this message; ask one of them."


def check_replay(message: Message, user: User) -> None:
    """Raise NotAllowed, saying who may, unless this person may replay it."""
    if refusal := refusal_of_replay(message, user):
        raise NotAllowed(refusal)


def _may_replay(user: User, owner: permissions.Holder) -> bool:
    return permissions.may(user, Permission.REPLAY_MESSAGE, owner=owner)


def _holders(message: Message) -> dict[User, str]:
    """Who owns the record it is about, and who has an open ticket about it; each with why."""
    found: dict[User, str] = {}
    kind, _, pk = message.record.partition(":")
    if kind == "proposal" and pk:
        for proposal in Proposal.objects.filter(pk=pk).select_related("owner"):
            found[proposal.owner] = "its owner"
    for ticket in _open_tickets(message):
        found.setdefault(ticket.whose, f"has ticket #{ticket.pk}")
    return found


def _open_tickets(message: Message) -> list[Ticket]:
    """Those it hangs on itself, or another content under its key."""
    about_it = Q(subject=message.ref) | Q(subject__startswith=f"{message.ref}:")
    hangs = Occurrence.objects.filter(about_it, settled_at=None)
    rows = hangs.exclude(ticket__status=Status.RESOLVED).order_by("ticket")
    return [one.ticket for one in rows.select_related("ticket__owner", "ticket__claimed_by")]
