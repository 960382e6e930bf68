"""A person skips outcomes of a ticket: called off for good, with a reason, and never "proven"."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from connectors import showing
from exceptions import remedying, troubles
from exceptions.models import Ticket
from meshline.people.models import User
from proposals import outbox, steering
from proposals.models import Outcome, Proposal
from proposals.models.outcome import State

_CAN = (State.DUE, State.HELD, State.GIVEN_UP)


class CannotSkip(Exception):
    """Why nothing is skipped, as a sentence."""


def open_on(ticket: Ticket) -> list[Outcome]:
    """The outcomes that keep it open and can be called off."""
    subjects = [one.partition(":") for one in troubles.unsettled(ticket)]
    ids = [int(pk) for kind, _, pk in subjects if kind == "outcome" and pk.isdecimal()]
    rows = Outcome.objects.filter(pk__in=ids, state__in=_CAN)
    return list(rows.select_related("proposal").order_by("pk"))


@transaction.atomic
def skip(*, ticket_id: int, outcomes: Collection[int], reason: str, by: User, at: datetime) -> str:
    """Call these off, all or none; what was done, as a sentence.

    Raises CannotSkip, ValueError without a reason, and what `steering.cancel` raises.
    """
    ticket = remedying.begin(ticket_id, by=by)
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why it is called off.")
    found = [one for one in open_on(ticket) if one.pk in set(outcomes)]
    if not found or len(found) != len(set(outcomes)):
        raise CannotSkip("Something changed since you looked; nothing is skipped yet.")
    names = ", ".join(f"{showing.says(one.kind).lower()} of {one.proposal}" for one in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    said = f"Skipped: {names}{more}."
    _lock(found)
    remedying.tell(ticket, said, by=by, at=at, why=reason)
    for one in found:
        steering.cancel(outcome_id=one.pk, reason=reason, by=by, at=at)
    return said


def _lock(found: list[Outcome]) -> None:
    """All of them before the ticket, as who carries one and then settles it does."""
    outcomes = Outcome.objects.filter(pk__in=[one.pk for one in found])
    outbox.lock(Proposal.objects.filter(pk__in=outcomes.values("proposal")), outcomes)
