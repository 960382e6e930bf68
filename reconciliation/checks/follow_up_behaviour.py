"""Does somebody follow up, and not only long after they were to?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import (
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)

from meshline.people.models import User
from meshline.policy import business_time, calendars
from meshline.web import words
from proposals.contracts.catalogue import CREATE_TASK
from proposals.models import FollowUp, Outcome
from proposals.models.outcome import State
from proposals.states import CLOSED
from reconciliation.checks.check import KEPT, Check, Failing, Finding

# It is scheduled with the task itself; this long after it must be there.
WITHIN = timedelta(minutes=5)
_SLA = ExpressionWrapper(
    F("within") * Value(timedelta(minutes=1)), output_field=DurationField()
)  # fmt: skip


def look(at: datetime) -> Finding:
    """Tasks that contracts ask for without a follow-up, and follow-ups that are overdue by more
    than they were given."""
    missing, late = _missing(at), list(_late(at))
    asked = FollowUp.objects.open().count() + missing.count()
    # One row a proposal, whatever is wrong with it.
    rows = {row.ref: row for row in (*late, *_without(missing))}
    found = tuple(islice(rows.values(), KEPT))
    number = len(found) if len(found) < KEPT else len(late) + missing.count()
    return Finding(max(asked, number), number, found)


def _missing(at: datetime) -> QuerySet:
    """Tasks for owners that stand, of open proposals, for which nobody here is to follow up."""
    asked_for = Outcome.objects.filter(
        kind=CREATE_TASK, unwanted_at=None, undo_of=None, promised_at__lte=at - WITHIN,
        params__has_key="due_at",
    )  # fmt: skip
    standing = asked_for.exclude(state=State.CANCELLED).exclude(proposal__state__in=CLOSED)
    # Where two contracts ask for one kind, the later one's is the one that stands.
    theirs = FollowUp.objects.filter(
        Q(state="open") | Q(signal=OuterRef("signal")),
        proposal=OuterRef("proposal"), kind=OuterRef("name"),
    )  # fmt: skip
    return standing.exclude(forced__made__isnull=False).exclude(Exists(theirs))


def _without(missing: QuerySet) -> Iterator[Failing]:
    for one in missing.select_related("proposal").order_by("pk")[:KEPT]:
        yield Failing.proposal(one.proposal, "Its task is asked for, but nobody here follows up.")


def _late(at: datetime) -> Iterator[Failing]:
    """Overdue by more business time than there was for it."""
    overdue = FollowUp.objects.overdue(at=at).filter(due_at__lt=Value(at) - _SLA)
    rows = overdue.select_related("proposal", "owner__team", "stands_in_for__team")
    found = list(rows.order_by("due_at", "pk"))
    hours = calendars.hours_of_each(_whose(one).team for one in found)
    for one in found:
        late = business_time.between(one.due_at, at, hours[_whose(one).team_id])
        if late > timedelta(minutes=one.within):
            why = f"{one.owner.name}'s {one.label.lower()} is {words.span(late)} overdue."
            yield Failing.proposal(one.proposal, why)


def _whose(one: FollowUp) -> User:
    return one.stands_in_for or one.owner


CHECK = Check(
    "follow-up-behaviour", "Follow-up behaviour",
    "Whatever a contract wants followed up has a follow-up here, done before it is twice as late "
    "as it may be.",
    "Open follow-ups, and tasks for owners of 5 minutes without one; failing are those, and "
    "follow-ups that are overdue by more business time than there was for them.",
    timedelta(minutes=5), look,
    "Ask the owner, or give the proposal to somebody who has time; where many are late, see "
    "whether the SLA of that kind can be kept.",
    grave_from=10,
)  # fmt: skip
