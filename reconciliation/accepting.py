"""Accepting a difference as it is: through a day, with a reason. Then it is open again."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from meshline import bell
from meshline.audit import trail
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy.models import Company
from reconciliation import fixing, runs
from reconciliation.fixing import FixError
from reconciliation.models import Divergence

LONGEST = timedelta(days=366)
LONGEST_REASON = 300


@transaction.atomic
def accept(*, divergence_id: int, reason: str, until: date, by: User, at: datetime) -> Divergence:
    """Leave it as it is to the end of that day. Raises FixError, NotAllowed."""
    one = fixing.locked(divergence_id, by, Permission.ACCEPT_DIVERGENCE)
    if one.state not in (Divergence.State.OPEN, Divergence.State.ACCEPTED):
        raise FixError(f"It is {one.get_state_display().lower()}; that cannot be accepted.")
    checked(reason, until, at)
    one.state, one.accepted_by, one.accepted_at = Divergence.State.ACCEPTED, by, at
    one.accepted_until, one.accepted_why = end_of(until), reason.strip()
    one.save()
    record = one.proposal.record if one.proposal else ""
    trail.record(
        "divergence.accepted", subject=one, record=record, by=by, at=at,
        after={"sort": one.sort, "field": one.field, "until": until}, why=reason.strip(),
    )  # fmt: skip
    bell.ring(runs.BELL)
    return one


def checked(reason: str, until: date | None, at: datetime) -> date:
    """The day, where it may be accepted like that. Raises FixError."""
    if not reason.strip():
        raise FixError("Say why it may stay as it is.", field="reason")
    if len(reason.strip()) > LONGEST_REASON:
        raise FixError(f"Keep it under {LONGEST_REASON} characters.", field="reason")
    today = at.astimezone(_zone()).date()
    if until is None or not today < until <= today + LONGEST:
        sentence = f"Choose a day to come, at most {LONGEST.days} days from now."
        raise FixError(sentence, field="until")
    return until


def end_of(day: date) -> datetime:
    """When the day is over where the company is."""
    return datetime.combine(day + timedelta(days=1), time.min, _zone()).astimezone(UTC)


def last_day(one: Divergence) -> date | None:
    """The last day on which it stays accepted."""
    if one.accepted_until is None:
        return None
    return (one.accepted_until - timedelta(microseconds=1)).astimezone(_zone()).date()


def _zone() -> ZoneInfo:
    return ZoneInfo(Company.objects.values_list("zone", flat=True).get())
