"""A person says "now" to an outcome, or to a whole ticket: its outcomes and its connection."""

from datetime import datetime

from connectors import health, posting, registry
from connectors.base import Idempotency
from connectors.models import Connection
from exceptions import desk
from exceptions.models import Ticket
from meshline.people.models import User
from proposals import outbox
from proposals.models import Outcome
from proposals.outbox import NotNow


def retry_outcome(*, outcome_id: int, by: User, at: datetime) -> Outcome:
    """Carry one outcome again now. What was done and knows no repeats is only read back again.

    Raises NotNow, NotAllowed, and Outcome.DoesNotExist.
    """
    outcome = Outcome.objects.get(pk=outcome_id)
    only_prove = bool(outcome.external_id) and _is_once(outcome)
    return outbox.retry(outcome_id=outcome_id, by=by, at=at, only_prove=only_prove)


def retry_ticket(ticket: Ticket, *, by: User, at: datetime) -> str:
    """Carry again what has not come right on this ticket; what was done, as a sentence."""
    if not ticket.is_unresolved:
        return "This ticket is resolved; there is nothing to retry."
    subjects = [subject.partition(":") for subject in desk.unsettled(ticket)]
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
    return " ".join(part for part in said if part) or "There is nothing on this ticket to retry."


def _retry(outcome_id: int, by: User, at: datetime) -> bool:
    try:
        retry_outcome(outcome_id=outcome_id, by=by, at=at)
    except (NotNow, Outcome.DoesNotExist):
        return False
    return True


def _is_once(outcome: Outcome) -> bool:
    """Whether carrying it again would do it again: the other side knows no repeats."""
    there = Connection.objects.filter(slug=outcome.connection).first()
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
