"""What people resolved without proof is looked at again: proven by then, or open again."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from exceptions import escalation_terms, keeping, reopening
from exceptions.models import Ticket
from exceptions.states import Resolution
from meshline.audit.actors import Someone, part
from meshline.policy import calendars

log = logging.getLogger(__name__)

RECHECKER = part("recheck", "The second look")
# Who says one of these does not say that anything came right: there is nothing to look for.
CLAIMS_NOTHING = {Resolution.DUPLICATE, Resolution.NO_ACTION, Resolution.WONT_FIX}
# One that could not be looked at does not stand before the others.
TRIED_AGAIN_AFTER = timedelta(minutes=10)


def mark(ticket: Ticket, *, at: datetime) -> None:
    """A ticket that a person just resolved: whether it is proven, and else when it is looked at.

    What became part of another ticket is proven there; what time proves, by what comes back.
    """
    is_open = ticket.all_occurrences.filter(settled_at=None).exists()
    ticket.is_unverified = is_open and ticket.resolution != Resolution.DUPLICATE
    claims = ticket.resolution not in CLAIMS_NOTHING
    if ticket.is_unverified and claims and not ticket.about.is_proven_by_time:
        within = escalation_terms.in_force().recheck_after
        ticket.recheck_at = calendars.due(at, within=within, team=ticket.team)
    ticket.save(update_fields=["is_unverified", "recheck_at"])


def verified(ticket: Ticket, because: str, by: Someone, at: datetime) -> None:
    """All that hung on a ticket resolved by hand came right after all."""
    ticket.is_unverified, ticket.recheck_at = False, None
    ticket.save(update_fields=["is_unverified", "recheck_at"])
    keeping.record("ticket.verified", ticket, by, at, why=because)


def look(*, at: datetime) -> Iterator[int]:
    """Look at what is due for it, one transaction each; the ticket's number."""
    due = Ticket.objects.filter(recheck_at__lte=at).order_by("recheck_at", "pk")
    for pk in list(due.values_list("pk", flat=True)[:100]):
        _try(pk, at)
        yield pk


def _try(ticket_id: int, at: datetime) -> None:
    try:
        _look_at(ticket_id, at)
    except DatabaseError:
        raise
    except Exception:
        log.exception("Ticket %s could not be looked at again", ticket_id)
        Ticket.objects.filter(pk=ticket_id).update(recheck_at=at + TRIED_AGAIN_AFTER)


@transaction.atomic
def _look_at(ticket_id: int, at: datetime) -> None:
    ticket = keeping.locked(ticket_id)
    if ticket.recheck_at is None or ticket.recheck_at > at:
        return
    others = Ticket.objects.unresolved().filter(cause=ticket.cause)
    if other := others.first():
        # It came back on a ticket of its own, which goes on.
        ticket.recheck_at = None
        ticket.save(update_fields=["recheck_at"])
        why = f"It is still not proven; ticket {other.pk} is open for the same cause."
        keeping.record("ticket.not-verified", ticket, RECHECKER, at, why=why)
        return
    reopening.reopen(ticket, why=_why(ticket), by=RECHECKER, at=at)


def _why(ticket: Ticket) -> str:
    left = ticket.all_occurrences.filter(settled_at=None).count()
    who = ticket.resolved_by.name if ticket.resolved_by else "Somebody"
    still = "1 thing on it is" if left == 1 else f"{left} things on it are"
    return f"{who} resolved it ({ticket.resolution}), and {still} still not proven to be right."
