"""How long a ticket took, as its clocks ran: its team's business time since it opened, or came back
last, without what they stood still by rule."""

from datetime import datetime, timedelta

from exceptions.models import Ticket
from meshline.policy import business_time, calendars
from meshline.policy.business_time import Hours


def to_acknowledge(ticket: Ticket, *, at: datetime) -> timedelta:
    return _ran(ticket, at) - ticket.ack_paused_for


def to_resolve(ticket: Ticket, *, at: datetime, hours: Hours | None = None) -> timedelta:
    """Whoever asks of many has read their teams' hours."""
    return _ran(ticket, at, hours) - ticket.paused_for


def _ran(ticket: Ticket, at: datetime, hours: Hours | None = None) -> timedelta:
    stopped = min(at, ticket.paused_since or at)
    theirs = calendars.hours_of(ticket.team) if hours is None else hours
    return business_time.between(ticket.counted_from, stopped, theirs)
