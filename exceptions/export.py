"""Tickets as the rows of a file."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from exceptions import metrics
from exceptions.filters import Asked
from exceptions.models import Ticket, TicketQuerySet
from exceptions.showing import Seen
from meshline.money import minor_units
from meshline.people.models import User
from meshline.people.permissions import Scope

COLUMNS = (
    "ticket", "kind", "severity", "state", "title", "reason", "record", "record title",
    "connection", "amount at risk", "currency", "further amounts", "owner", "claimed by",
    "claimed at", "acknowledged by", "acknowledged at", "opened at", "acknowledge by", "fix by",
    "occurrences", "last seen at", "resolved by", "resolved at", "resolution", "resolution note",
)  # fmt: skip


def tickets(asked: Asked, scope: Scope | None) -> TicketQuerySet:
    """What is asked for, in its own order; in the scope OWN what "mine" holds of it."""
    rows = asked.rows.order_by(asked.order, "-pk" if asked.order.startswith("-") else "pk")
    return rows.filter(own(asked.user, at=asked.at)) if scope is Scope.OWN else rows


def own(user: User, *, at: datetime) -> Q:
    """What may be taken along by who may take along their own."""
    mine = metrics.tabs(user, at=at)["mine"]
    return mine | Q(owner=user) | Q(claimed_by=user) | Q(resolved_by=user)


def rows(chunks: Iterable[list[Ticket]], *, user: User) -> Iterator[list[Any]]:
    for chunk in chunks:
        for ticket in chunk:
            yield _cells(Seen(ticket, user))


def _cells(seen: Seen) -> list[Any]:
    ticket = seen.ticket
    return [
        ticket.pk,
        ticket.about.label,
        ticket.severity,
        ticket.status,
        seen.title,
        seen.reason,
        ticket.record,
        seen.words(ticket.record_title),
        ticket.connection,
        None if seen.is_masked else ticket.amount_at_risk,
        ticket.currency,
        None if seen.is_masked else _further(ticket),
        ticket.owner,
        ticket.claimed_by,
        ticket.claimed_at,
        ticket.acknowledged_by,
        ticket.acknowledged_at,
        ticket.opened_at,
        ticket.ack_due_at,
        ticket.fix_due_at,
        ticket.occurrences,
        ticket.last_seen_at,
        ticket.resolved_by,
        ticket.resolved_at,
        ticket.resolution,
        seen.resolution_note,
    ]


def _further(ticket: Ticket) -> str:
    """What is at risk in other currencies: "500.00 USD + 20 JPY"."""
    others = ((Decimal(text), name) for name, text in ticket.other_amounts.items())
    return " + ".join(f"{amount:.{minor_units(name)}f} {name}" for amount, name in others)
