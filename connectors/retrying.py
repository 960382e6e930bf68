"""A person says "now" to an outcome, or to a whole ticket: its outcomes and its connection."""

from datetime import datetime

from django.db import transaction

from connectors import health, posting, registry
from connectors.base import Idempotency
from connectors.models import Connection
from exceptions import remedying, troubles
from exceptions.models import Ticket
from meshline.people.models import User
from proposals import steering
from proposals.models import Outcome
from proposals.steering import NotNow


def retry_outcome(*, outcome_id: int, by: User, at: datetime) -> Outcome:
    """Carry one outcome again now. What was done and knows no repeats is only read back again.

    Raises NotNow (Replaced where another one took its place), NotAllowed, Outcome.DoesNotExist.
    """
    outcome = Outcome.objects.get(pk=outcome_id)
    there = Connection.objects.filter(slug=outcome.connection).first()
    only_prove = is_only_proven(outcome, there)
    return steering.retry(outcome_id=outcome_id, by=by, at=at, only_prove=only_prove)


def is_only_proven(outcome: Outcome, there: Connection | None) -> bool:
    """Whether it was done there and would be done again: then it is read back and no more."""
    return bool(outcome.external_id) and is_once(outcome, there)


@transaction.atomic
def retry_ticket(ticket: Ticket, *, by: User, at: datetime) -> str:
    """Carry again what has not come right on this ticket; what was done, as a sentence.

    Raises MoveError where it is over, NotAllowed where somebody else has it.
    """
    ticket = remedying.begin(ticket.pk, by=by)
    subjects = [subject.partition(":") for subject in troubles.unsettled(ticket)]
    outcomes = [int(pk) for kind, _, pk in subjects if kind == "outcome" and pk.isdecimal()]
    slugs = {slug for kind, _, slug in subjects if kind == "connection"} | {ticket.connection}
    retried = [pk for pk in outcomes if _retry(pk, by, at)]
    tried = Connection.objects.filter(slug__in=slugs).order_by("slug")
    channels = [name for kind, _, name in subjects if kind == "channel"]
    said = [
        _said(len(retried), len(outcomes)),
        *(_tried(one, by, at) for one in tried),
        *(posting.retry(ticket, channel=name, by=by, at=at) for name in channels),
    ]
    did = " ".join(part for part in said if part)
    if not did:
        return "There is nothing on this ticket to retry."
    remedying.tell(ticket, did, by=by, at=at)
    return did


def _retry(outcome_id: int, by: User, at: datetime) -> bool:
    try:
        retry_outcome(outcome_id=outcome_id, by=by, at=at)
    except (NotNow, Outcome.DoesNotExist):
        return False
    return True


def is_once(outcome: Outcome, there: Connection | None) -> bool:
    """Whether carrying it again would do it again: the other side knows no repeats."""
    delivery = registry.system(there.system).delivery(outcome.kind) if there else None
    return delivery is not None and delivery.idempotency is Idempotency.NONE


def _said(retried: int, of: int) -> str:
    if not of:
        return ""
    done = "1 outcome goes" if retried == 1 else f"{retried} outcomes go"
    left = of - retried
    rest = f" {left} {'is' if left == 1 else 'are'} being carried already." if left else ""
    return f"{done} out again now, under the same key.{rest}"


def _tried(there: Connection, by: User, at: datetime) -> str:
    if not there.is_active:
        return f"{there.name} is {there.status}: nothing goes out until it is resumed."
    if there.breaker == Connection.Breaker.CLOSED:
        return ""
    health.retry_now(there.slug, by=by, at=at)
    return f"{there.name} is tried now; once it answers, what waits for it follows."
