"""The desk: what people do with tickets; they are claimed, acknowledged and resolved here alone."""

from datetime import datetime

from django.db import transaction

from exceptions import keeping, lots, mentions, rechecking, states, took
from exceptions.lots import Lot
from exceptions.models import Ticket, TicketNote
from exceptions.states import MoveError, Resolution, Status
from meshline.notices import kinds
from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission
from meshline.policy import raci
from meshline.policy.raci import Answerable
from meshline.sentences import says_something

NOTE_LENGTH = 10_000
# A week around the clock.
MINUTES_MOST = 10_080
_ACKNOWLEDGED = (
    "acknowledged_by", "acknowledged_at", "first_acknowledged_at", "acknowledged_within",
)  # fmt: skip


@transaction.atomic
def claim(*, ticket_id: int, by: User, at: datetime, lot: Lot | None = None) -> Ticket:
    """Take a ticket. Raises MoveError, naming the winner, when somebody was faster."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=keeping.owner_of(ticket))
    if ticket.claimed_by and ticket.is_unresolved:
        raise MoveError(_taken(ticket, by, at))
    states.check_move(ticket.status, Status.CLAIMED)
    must_be_here(by, at)
    ticket.status, ticket.claimed_by, ticket.claimed_at = Status.CLAIMED, by, at
    # Who stands in works on it for somebody: the claim goes back together with the ticket.
    ticket.claimed_for = ticket.stands_in_for if by.pk == ticket.owner_id else None
    slept = keeping.awake(ticket, at)
    keeping.record(
        "ticket.claimed", ticket, by, at, cause=lots.cause(lot), slept=slept,
        changed=[*keeping.CLAIM, "status", *(keeping.ROUSED if slept else ())],
    )  # fmt: skip
    return ticket


@transaction.atomic
def release(*, ticket_id: int, by: User, at: datetime, lot: Lot | None = None) -> Ticket:
    """Put a claimed ticket back for others. Only who has it, or who may take it over, may."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    states.check_move(ticket.status, Status.OPEN)
    only_its_claimer(ticket, by, "release")
    before = {"claimed by": ticket.claimed_by}
    ticket.status, ticket.claimed_by, ticket.claimed_at = Status.OPEN, None, None
    ticket.claimed_for = None
    ticket.save(update_fields=[*keeping.CLAIM, "status"])
    keeping.record(
        "ticket.released", ticket, by, at, before=before, cause=lots.cause(lot),
        slept=keeping.rouse(ticket, at),
    )  # fmt: skip
    return ticket


@transaction.atomic
def acknowledge(*, ticket_id: int, by: User, at: datetime, lot: Lot | None = None) -> Ticket:
    """Say "I am on it": stops the first of the two clocks. The first acknowledgement stays."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    states.check_move(ticket.status, Status.ACKNOWLEDGED)
    only_its_claimer(ticket, by, "acknowledge")
    ticket.status = Status.ACKNOWLEDGED
    if ticket.acknowledged_at is None:
        ticket.acknowledged_by, ticket.acknowledged_at = by, at
        if ticket.first_acknowledged_at is None:
            ticket.first_acknowledged_at = at
            ticket.acknowledged_within = took.to_acknowledge(ticket, at=at)
    ticket.save(update_fields=["status", *_ACKNOWLEDGED])
    slept = keeping.rouse(ticket, at)
    keeping.record("ticket.acknowledged", ticket, by, at, cause=lots.cause(lot), slept=slept)
    return ticket


@transaction.atomic
def resolve(
    *, ticket_id: int, resolution: str, note: str = "", minutes: int | None = None, by: User,
    at: datetime, lot: Lot | None = None,
) -> Ticket:  # fmt: skip
    """Close a ticket by hand, for one of the reasons people may give; `minutes` is what it took.

    Raises ValueError with a sentence when the reason is none of them.
    """
    ticket = keeping.locked(ticket_id)
    _must_be_theirs(ticket, by)
    if resolution not in dict(Resolution.for_people()):
        reasons = ", ".join(dict(Resolution.for_people()))
        raise ValueError(f"Say why it is resolved, with one of: {reasons}.")
    states.check_move(ticket.status, Status.RESOLVED)
    if minutes is not None:
        _note_minutes(ticket, minutes)
    cause = lots.cause(lot)
    keeping.close(ticket, Resolution(resolution), readable(note), by, at, person=by, cause=cause)
    rechecking.mark(ticket, at=at)
    return ticket


@transaction.atomic
def escalate(
    *, ticket_id: int, reason: str, by: User, at: datetime, lot: Lot | None = None
) -> Ticket:
    """Hand a ticket to whoever is accountable for its process and can have it; they are told, and
    so is who had claimed it."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    if not ticket.is_unresolved:
        raise MoveError("A ticket that is resolved cannot be escalated.")
    if not readable(reason):
        raise ValueError("Say why it is escalated.")
    answerable = raci.above(ticket.falls_under, at=at)
    if why := _nobody_above(ticket, answerable):
        raise MoveError(why)
    before = {"owner": ticket.owner}
    had = keeping.hand_up(ticket, answerable)
    ticket.team = answerable.user.team
    ticket.save(update_fields=["team"])
    keeping.record(
        "ticket.escalated", ticket, by, at, before=before | ({"claimed by": had} if had else {}),
        after={"owner": ticket.owner}, why=readable(reason), cause=lots.cause(lot),
        slept=keeping.rouse(ticket, at),
    )  # fmt: skip
    _tell_of_escalation(ticket, had if had != by else None, at, lot)
    return ticket


def nobody_above(ticket: Ticket, *, at: datetime) -> str:
    """Why there is nobody to escalate it to; empty where there is somebody."""
    return _nobody_above(ticket, raci.above(ticket.falls_under, at=at))


@transaction.atomic
def note(
    *, ticket_id: int, text: str, by: User, at: datetime, lot: Lot | None = None
) -> TicketNote:
    """Write something down on a ticket; whoever it mentions is told.

    Raises ValueError on nothing, over 10,000 characters, and a mention of nobody.
    """
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.NOTE_TICKET, owner=ticket.owner)
    text = readable(text)
    if not text:
        raise ValueError("A note needs some text.")
    mentioned = mentions.of(text, ticket)
    written = TicketNote.objects.create(ticket=ticket, by=by, at=at, text=text)
    keeping.record("ticket.noted", ticket, by, at, after={"note": text}, cause=lots.cause(lot))
    mentions.tell(written, mentioned, lot=lot)
    return written


def must_be_here(by: User, at: datetime) -> None:
    """Raise MoveError while the person is out: what they have belongs to who stands in."""
    if not availability.is_available(by, at=at):
        raise MoveError("You are out: end your absence first, or leave it to who stands in.")


def only_its_claimer(ticket: Ticket, by: User, deed: str) -> None:
    """Raise NotAllowed where somebody else has claimed it and it cannot be taken over."""
    if ticket.claimed_by_id in (None, by.pk):
        return
    if not permissions.may(by, Permission.TAKE_OVER_TICKET, owner=ticket.owner):
        raise NotAllowed(f"{ticket.whose.name} has claimed this; only they can {deed} it.")


def _must_be_theirs(ticket: Ticket, by: User) -> None:
    """Raise NotAllowed where it is not this person's to resolve: who was faster is named."""
    resolves = Permission.RESOLVE_TICKET
    if not permissions.may(by, resolves, owner=ticket.whose):
        if permissions.may(by, resolves, owner=by):
            only_its_claimer(ticket, by, "resolve")
        permissions.check(by, resolves, owner=ticket.whose)


def readable(text: str) -> str:
    """What people typed, as it is kept; empty where nothing of it is seen. Raises ValueError over
    10,000 characters."""
    text = text.replace("\0", "").strip()
    if len(text) > NOTE_LENGTH:
        raise ValueError(f"Keep it under {NOTE_LENGTH:,} characters; this has {len(text):,}.")
    return text if says_something(text) else ""


def _nobody_above(ticket: Ticket, answerable: Answerable) -> str:
    if answerable.user.pk != ticket.owner_id:
        return ""
    rank = "the fallback owner" if answerable.is_fallback else "accountable"
    return f"{ticket.owner.name} is {rank} already; there is nobody above."


def _tell_of_escalation(ticket: Ticket, had: User | None, at: datetime, lot: Lot | None) -> None:
    words, kind = "Escalated to you", kinds.ESCALATED
    if lot:
        lot.tell([ticket.owner], words, kind=kind, at=at)
        lot.tell([had] if had else [], keeping.went_up(ticket), kind=kinds.TICKET, at=at)
        return
    occasion = f"escalated-{ticket.reopened}-{ticket.escalated}"
    keeping.tell_owner(ticket, at, occasion, words, kind)
    if had:
        keeping.tell_it_went_up(had, ticket, at, occasion)


def _taken(ticket: Ticket, by: User, at: datetime) -> str:
    if ticket.claimed_by == by:
        return "You have claimed this already."
    seconds = max(0, int((at - (ticket.claimed_at or at)).total_seconds()))
    ago = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
    name = ticket.claimed_by.name if ticket.claimed_by else "Somebody"
    return f"{name} claimed this {ago} ago."


def _note_minutes(ticket: Ticket, minutes: int) -> None:
    if not 0 <= minutes <= MINUTES_MOST:
        raise ValueError(f"Minutes: a whole number from 0 to {MINUTES_MOST:,}.")
    ticket.minutes_spent = minutes
    ticket.save(update_fields=["minutes_spent"])
