"""What every verb does with a ticket: hold its row, write its line, close it, tell its owner."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from exceptions import took
from exceptions.kinds import Severity
from exceptions.models import Ticket
from exceptions.states import Resolution, Status
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.notices import kinds, notices
from meshline.people.models import User
from meshline.policy.raci import Answerable

_RESOLVED = ("resolution", "resolution_note", "resolved_by", "resolved_at", "resolved_within")
SLEEP = ("snoozed_until", "snoozed_at", "snoozed_by", "snooze_reason")
# What `awake` changes.
ROUSED = (*SLEEP, "resumed_at")
_ACT = ("last_act_at", "next_step_at")
CLAIM = ("claimed_by", "claimed_at", "claimed_for")
_HANDED_UP = ("owner", "owner_why", "stands_in_for", "escalated", "status", *CLAIM)


def locked(ticket_id: int) -> Ticket:
    """The ticket, held until the end of the transaction. Raises Ticket.DoesNotExist."""
    # The people are fetched apart: FOR UPDATE cannot lock the nullable side of a join.
    return Ticket.objects.select_for_update().get(pk=ticket_id)


def owner_of(ticket: Ticket) -> Any:
    """Whose it is, read only for a person to whom it matters."""
    return SimpleLazyObject(lambda: ticket.owner)


def close(
    ticket: Ticket, resolution: Resolution, note: str, by: Someone, at: datetime,
    *, person: User | None, cause: str = "",
) -> Ticket:  # fmt: skip
    """Resolve a locked ticket; nobody is named where it closed on evidence."""
    before = {"status": ticket.status}
    ticket.status, ticket.resolution, ticket.resolution_note = Status.RESOLVED, resolution, note
    ticket.resolved_by, ticket.resolved_at, ticket.next_step_at = person, at, None
    ticket.resolved_within = took.to_resolve(ticket, at=at)
    ticket.save(update_fields=[*_RESOLVED, "status", "next_step_at"])
    after = {"status": ticket.status, "resolution": resolution.value}
    record(
        "ticket.resolved", ticket, by, at, before=before, after=after, why=note, cause=cause,
        slept=rouse(ticket, at),
    )  # fmt: skip
    return ticket


def hand_up(ticket: Ticket, to: Answerable) -> User | None:
    """Make a locked ticket theirs who are above. Who else had claimed it has it no more; who."""
    had = ticket.claimed_by if ticket.claimed_by_id != to.user.pk else None
    if had:
        ticket.status = Status.OPEN
        ticket.claimed_by = ticket.claimed_at = ticket.claimed_for = None
    ticket.owner, ticket.owner_why = to.user, f"Escalated: {to.why}"[:300]
    ticket.stands_in_for, ticket.escalated = to.stands_in_for, ticket.escalated + 1
    ticket.save(update_fields=_HANDED_UP)
    return had


def rouse(ticket: Ticket, at: datetime) -> datetime | None:
    """Wake a locked ticket, if it sleeps: until when it would have, for the line of what was done.

    Whatever is done with it does, but a note, a link, and a hand-over to who stands in.
    """
    if slept := awake(ticket, at):
        ticket.save(update_fields=ROUSED)
    return slept


def awake(ticket: Ticket, at: datetime) -> datetime | None:
    """The same for who saves many at once."""
    slept = ticket.snoozed_until
    if slept is None:
        return None
    ticket.snoozed_until = ticket.snoozed_at = ticket.snoozed_by = None
    ticket.snooze_reason = ""
    # While it slept nobody was to do anything: it is forgotten from here on at the earliest.
    ticket.resumed_at = at
    return slept


def of_sleep(slept: datetime | None) -> tuple[dict, dict]:
    """How a line says, before and after, that what was done woke it; nothing where it did not."""
    return ({"asleep until": slept}, {"asleep until": ""}) if slept else ({}, {})


def tell_owner(
    ticket: Ticket, at: datetime, occasion: str, words: str, kind: str = kinds.TICKET
) -> None:
    """Tell whoever owns it, once an occasion."""
    tell([ticket.owner], ticket, at, occasion, words, kind)


def tell(
    people: Iterable[User], ticket: Ticket, at: datetime, occasion: str, words: str, kind: str
) -> None:
    """Tell several people the same of a ticket, each once an occasion."""
    notices.tell_each(
        people,
        f"{words}: {ticket.title}",
        key=f"ticket:{ticket.pk}:{occasion}",
        url=reverse("exceptions:ticket", args=[ticket.pk]),
        kind=kind,
        record=ticket.record or f"ticket:{ticket.pk}",
        record_title=ticket.record_title or ticket.title,
        is_critical=ticket.severity == Severity.CRITICAL,
        at=at,
    )


def tell_it_went_up(had: User, ticket: Ticket, at: datetime, occasion: str) -> None:
    """Tell who had claimed it that they have it no more."""
    tell([had], ticket, at, f"{occasion}:claim", went_up(ticket), kinds.TICKET)


def went_up(ticket: Ticket) -> str:
    return f"It went up to {ticket.owner.name}, and is not claimed by you any more"


def record(
    what: str, ticket: Ticket, by: Someone, at: datetime, *, before: dict | None = None,
    after: dict | None = None, why: str = "", cause: str = "", slept: datetime | None = None,
    changed: Iterable[str] = (),
) -> None:  # fmt: skip
    """Write the line of what was done with a ticket, on the story of its record.

    What a person does keeps it from being forgotten, and may change what the clock does next.
    `slept` is until when it would have slept, had it not been woken by that. What it `changed` of
    the ticket is saved along with that.
    """
    was, became = of_sleep(slept)
    changed = [*changed]
    if isinstance(by, User) and ticket.is_unresolved:
        ticket.last_act_at = ticket.next_step_at = at
        changed += _ACT
    if changed:
        ticket.save(update_fields=changed)
    trail.record(
        what, subject=ticket, record=ticket.record, by=by, at=at,
        before=(before or {}) | was, after=(after or {}) | became, why=why, cause=cause,
    )  # fmt: skip
