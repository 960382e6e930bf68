"""Sleep: a ticket leaves the default views for a while and comes back by itself.

Both its clocks go on meanwhile. It wakes at the time that was said, or sooner: when one of its
deadlines passes, when it happens again, or when somebody does something with it (keeping.rouse).
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from exceptions import desk, keeping, lots
from exceptions.lots import Lot
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline.audit.actors import Someone, part
from meshline.notices import kinds
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission

ALARM = part("alarm", "The alarm")
LONGEST = timedelta(days=7)
REASON_LENGTH = 300
BATCH = 100


@transaction.atomic
def snooze(
    *, ticket_id: int, until: datetime, reason: str, by: User, at: datetime, lot: Lot | None = None
) -> Ticket:
    """Let it sleep until then, for a reason. Raises ValueError on a time that cannot be."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    if not ticket.is_unresolved:
        raise MoveError("A ticket that is resolved cannot sleep.")
    desk.only_its_claimer(ticket, by, "snooze")
    check_until(until, at=at)
    reason = _readable(reason)
    before = {"asleep until": ticket.snoozed_until}
    ticket.snoozed_until, ticket.snoozed_at = until, at
    ticket.snoozed_by, ticket.snooze_reason = by, reason
    ticket.save(update_fields=keeping.SLEEP)
    after = {"asleep until": until}
    keeping.record(
        "ticket.snoozed", ticket, by, at, before=before, after=after, why=reason,
        cause=lots.cause(lot),
    )  # fmt: skip
    return ticket


@transaction.atomic
def wake(*, ticket_id: int, by: User, at: datetime) -> Ticket:
    """Have it back in the default views before its time."""
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    if ticket.snoozed_until is None:
        raise MoveError("It is awake.")
    desk.only_its_claimer(ticket, by, "wake")
    _wake(ticket, "", by, at)
    return ticket


def happened_again(ticket: Ticket, *, at: datetime) -> None:
    """Wake a locked ticket that sleeps, because its cause went on."""
    if ticket.snoozed_until is not None:
        _wake_and_tell(ticket, "It happened again", at)


@transaction.atomic
def wake_due(*, at: datetime) -> int:
    """Wake the next tickets whose time is over, or one of whose deadlines passed; how many."""
    passed = Q(fix_due_at__lte=at, fix_due_at__gt=F("snoozed_at"))
    passed |= Q(acknowledged_at=None, ack_due_at__lte=at, ack_due_at__gt=F("snoozed_at"))
    # While its clocks stand still nothing comes due.
    passed &= Q(paused_since=None)
    due = Ticket.objects.unresolved().filter(snoozed_until__isnull=False)
    due = due.filter(Q(snoozed_until__lte=at) | passed)
    rows = due.select_for_update(skip_locked=True).order_by("snoozed_until", "pk")[:BATCH]
    for ticket in rows:
        is_over = ticket.snoozed_until and ticket.snoozed_until <= at
        _wake_and_tell(ticket, "Its time to sleep is over" if is_over else "It is due", at)
    return len(rows)


def check_until(until: datetime, *, at: datetime) -> None:
    """Raise ValueError with a sentence unless a ticket may sleep until then."""
    if until <= at:
        raise ValueError("Until: choose a time that is still to come.")
    if until > at + LONGEST:
        last = (at + LONGEST).astimezone(UTC)
        raise ValueError(f"Until: 7 days at most, so {last:%a %-d %b, %H:%M} UTC at the latest.")


def _readable(reason: str) -> str:
    if not (reason := desk.readable(reason)):
        raise ValueError("Reason: say why it can wait.")
    if len(reason) > REASON_LENGTH:
        raise ValueError(f"Reason: keep it under {REASON_LENGTH} characters.")
    return reason


def _wake_and_tell(ticket: Ticket, why: str, at: datetime) -> None:
    people = {user.pk: user for user in (ticket.whose, ticket.snoozed_by) if user}
    occasion = f"awake:{at.timestamp()}"
    _wake(ticket, f"{why}.", ALARM, at)
    keeping.tell(people.values(), ticket, at, occasion, f"Awake. {why}", kinds.TICKET)


def _wake(ticket: Ticket, why: str, by: Someone, at: datetime) -> None:
    slept = keeping.rouse(ticket, at)
    ticket.next_step_at = at
    ticket.save(update_fields=["next_step_at"])
    keeping.record("ticket.woken", ticket, by, at, why=why, slept=slept)
