"""What is agreed about warnings, handing up, lapsing and reopening: read here, changed here."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

from django.db import transaction

from exceptions.models import Escalation, Ticket
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.permissions import Permission
from meshline.policy import spans
from meshline.policy.models import Company
from meshline.policy.operating_model import Facts, ModelError, Stale

# What may be changed, each with its name in sentences; what belongs together goes up in this order.
PERCENTS = {
    "quiet_at": "quiet mark",
    "owner_at": "owner warned",
    "lead_at": "owner and lead told",
    "accountable_at": "accountable told",
}
HANDING_UP = {
    "secondary_after": "second on call after",
    "lead_after": "lead after",
    "accountable_after": "accountable after",
}
OTHER_SPANS = {
    "ack_lapses_after": "acknowledgement lapses after",
    "again_after": "called to mind again after",
    "recheck_after": "checked again after",
}
DAYS = {"reopens_within": "reopens within", "same_fix_within": "the same fix within"}
# What is to be fixed for good: how many, of which fewer than two would be no recurrence.
COUNTS = {
    "recurs_in_weeks": "weeks it comes back in",
    "recurs_of_weeks": "weeks looked at",
    "same_fix_times": "times the same fix",
}
SPANS = HANDING_UP | OTHER_SPANS
NAMES = PERCENTS | SPANS | DAYS | COUNTS
MOST_PERCENT, MOST_DAYS, LEAST_COUNT, MOST_COUNT = 1000, 365, 2, 52


def in_force() -> Escalation:
    """The agreement as it is; an installation that has none yet has the starting numbers."""
    return Escalation.objects.first() or Escalation()


@transaction.atomic
def change(
    wanted: Mapping[str, int], *, by: Someone, at: datetime, seen: Facts | None = None
) -> Escalation:
    """Agree on these numbers; those that are not named stay. It counts for open tickets, too.

    Raises ModelError with the field, and Stale when it is not as it was `seen` any more.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    # The row may not be there yet; the company's always is.
    Company.objects.select_for_update(of=("self",)).get()
    row = in_force()
    before = facts(row)
    if seen is not None and seen != before:
        raise Stale(seen, before)
    for name in NAMES.keys() & wanted.keys():
        setattr(row, name, wanted[name])
    check({name: getattr(row, name) for name in NAMES})
    if facts(row) == before:
        return row
    row.version += 1
    row.save()
    after = facts(row)
    trail.record("escalation.changed", subject=row, by=by, at=at, before=before, after=after)
    _look_anew(at)
    return row


def facts(row: Escalation) -> Facts:
    """By their names in sentences, as the trail keeps them."""
    return {said: getattr(row, name) for name, said in NAMES.items()} | {"version": row.version}


def _look_anew(at: datetime) -> None:
    """The clock finds the next step of each open ticket anew.

    They are locked by their ids, as whoever else locks several of them does.
    """
    rows = Ticket.objects.unresolved().select_for_update(of=("self",)).order_by("pk")
    locked = list(rows.values_list("pk", flat=True))
    Ticket.objects.filter(pk__in=locked).update(next_step_at=at)


def check(values: Mapping[str, int]) -> None:
    """Raise ModelError where a number cannot be, or does not go up as it must."""
    for name in NAMES:
        _check_one(name, values[name])
    for group in (PERCENTS, HANDING_UP):
        for lower, higher in pairwise(group):
            if values[lower] >= values[higher]:
                raise ModelError(f"Make it more than “{group[lower]}”.", higher)

    if values["recurs_in_weeks"] > values["recurs_of_weeks"]:
        word = NAMES["recurs_of_weeks"]
        raise ModelError(f"Make it at most as many as “{word}”.", "recurs_in_weeks")


def _check_one(name: str, value: int) -> None:
    if value < 1:
        raise ModelError("Make it at least 1.", name)
    if name in PERCENTS and value > MOST_PERCENT:
        raise ModelError(f"Make it at most {MOST_PERCENT} %.", name)
    if name in SPANS and value > spans.LONGEST:
        raise ModelError(spans.TOO_LONG, name)
    if name in DAYS and value > MOST_DAYS:
        raise ModelError(f"Make it at most {MOST_DAYS} days.", name)
    if name in COUNTS and not LEAST_COUNT <= value <= MOST_COUNT:
        raise ModelError(f"Make it {LEAST_COUNT} to {MOST_COUNT}.", name)
