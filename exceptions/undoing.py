"""Undo: for a moment after an act, how the ticket stood before it, unless something happened since.

1. `doing` does an act, and notes in the same transaction how the ticket stood and the act's line.
2. `undo` puts it back while that is the ticket's newest line: whatever anybody did since, a note or
   one more occurrence, is never overwritten.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from exceptions import keeping
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline.audit.models import TrailLine
from meshline.notices import kinds
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission

# The offer stands for 10 s; whoever reads it longer, or waits for a slow line, may still be late.
HONOURED = timedelta(seconds=60)
_MOMENTS = (
    "claimed_at", "acknowledged_at", "first_acknowledged_at", "snoozed_until", "snoozed_at",
    "resumed_at",
)  # fmt: skip
_OTHERS = (
    "status", "owner_id", "owner_why", "team_id", "stands_in_for_id", "claimed_by_id",
    "claimed_for_id", "acknowledged_by_id", "snoozed_by_id", "snooze_reason",
)  # fmt: skip
_COLUMNS = (*_MOMENTS, *_OTHERS)
_LATE = "It is too late to undo that."


@dataclass(frozen=True)
class Undo:
    """What it takes to put a ticket back; plain values, to be carried along signed."""

    ticket: int
    by: int
    at: str
    line: int
    stood: dict[str, Any]

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)


@transaction.atomic
def doing(verb: Callable, *, ticket_id: int, by: User, at: datetime, **asked: Any) -> Undo:
    """Ask a verb of the desk, and keep how to undo it."""
    stood = _stands(keeping.locked(ticket_id))
    verb(ticket_id=ticket_id, by=by, at=at, **asked)
    line = _newest_line(ticket_id)
    assert line is not None
    return Undo(ticket_id, by.pk, at.isoformat(), line.pk, stood)


@transaction.atomic
def undo(done: Undo, *, by: User, at: datetime) -> Ticket:
    """Put the ticket back. Raises MoveError, naming who, when something happened since."""
    ticket = keeping.locked(done.ticket)
    permissions.check(by, Permission.WORK_QUEUE)
    is_over = at - datetime.fromisoformat(done.at) > HONOURED
    # What was kept by an older Meshline may lack a column.
    if done.by != by.pk or is_over or done.stood.keys() != set(_COLUMNS):
        raise MoveError(_LATE)
    line = _newest_line(ticket.pk)
    if line is None or line.pk != done.line:
        who = line.actor_label if line else "Somebody"
        raise MoveError(f"It cannot be undone: {who} has done something with it since.")
    owner, before = ticket.owner, {"status": ticket.status, "owner": ticket.owner}
    for name in _COLUMNS:
        setattr(ticket, name, _value(name, done.stood[name]))
    if ticket.first_acknowledged_at is None:
        ticket.acknowledged_within = None
    columns = [name.removesuffix("_id") for name in _COLUMNS]
    ticket.save(update_fields=[*columns, "acknowledged_within"])
    ticket = keeping.locked(ticket.pk)
    after = {"status": ticket.status, "owner": ticket.owner}
    keeping.record("ticket.undone", ticket, by, at, before=before, after=after, cause=_cause(line))
    if owner != ticket.owner and owner.pk != by.pk:
        words = f"{by.name} took it back"
        keeping.tell([owner], ticket, at, f"undone:{done.line}", words, kinds.TICKET)
    return ticket


def _stands(ticket: Ticket) -> dict[str, Any]:
    moments = {name: getattr(ticket, name) for name in _MOMENTS}
    written = {name: value and value.isoformat() for name, value in moments.items()}
    return {**written, **{name: getattr(ticket, name) for name in _OTHERS}}


def _value(name: str, kept: Any) -> Any:
    return datetime.fromisoformat(kept) if kept and name in _MOMENTS else kept


def _newest_line(ticket_id: int) -> TrailLine | None:
    lines = TrailLine.objects.filter(subject_kind="ticket", subject_id=str(ticket_id))
    return lines.newest_first().first()


def _cause(line: TrailLine) -> str:
    return f"trail:{line.pk}"
