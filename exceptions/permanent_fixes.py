"""What keeps coming back becomes one ticket for whoever owns the process: to be fixed for good.

Such a ticket is proven by time. It comes back when its trouble does within the time in which any
ticket reopens; what happens later counts anew, and may lead to another one that follows it.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.urls import reverse

from exceptions import escalation_terms, recurring, reopening, troubles
from exceptions.kinds import PERMANENT_FIX
from exceptions.models import Escalation, PermanentFix, Ticket
from exceptions.rechecking import CLAIMS_NOTHING
from exceptions.recurring import BEFORE, Again
from exceptions.states import Status
from exceptions.troubles import Trouble
from meshline.audit.actors import part
from meshline.policy.models import Company

LEARNER = part("learning", "The look for what keeps coming back")
# So many of its tickets stand in the evidence.
NAMED = 20


def look(*, at: datetime) -> Iterator[Ticket]:
    """Open what is to be fixed for good, one transaction each; and see whether what was fixed
    holds. Looking again changes nothing."""
    agreed = escalation_terms.in_force()
    resolved = PermanentFix.objects.filter(ticket__status=Status.RESOLVED)
    for fix in resolved.filter(ticket__is_unverified=True).select_related("ticket"):
        if changed := _look_back(fix, agreed, at):
            yield changed
    for find in (recurring.causes, recurring.fixes):
        for again in find(agreed, at=at):
            if opened := _open(again, agreed, at):
                yield opened


def open_for(ticket: Ticket) -> Q:
    """Which permanent fixes are about the trouble of this ticket."""
    return _covers(recurring.about(ticket))


# --- What was fixed ---------------------------------------------------------------------------
@transaction.atomic
def _look_back(fix: PermanentFix, agreed: Escalation, at: datetime) -> Ticket | None:
    """It opens again if its trouble came back soon, and is proven if it did not."""
    ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=fix.ticket_id)
    if ticket.is_unresolved or ticket.resolved_at is None:
        return None
    again, since = recurring.of_fix(fix), ticket.resolved_at
    times = recurring.came_back(again, since=since, at=at)
    if times and ticket.resolution not in CLAIMS_NOTHING and reopening.is_near(ticket, at=at):
        why = f"It was resolved ({ticket.resolution}), and {_happened(times)} since."
        return _write(again, _last(again), why, since, at)
    if not times and at - since >= timedelta(days=agreed.reopens_within):
        because = f"It did not happen again in {agreed.reopens_within} days."
        troubles.settle(
            subject=_subject(again), because=because, by=LEARNER, at=at, kinds={PERMANENT_FIX}
        )
        return ticket
    return None


# --- What keeps coming back -------------------------------------------------------------------
@transaction.atomic
def _open(again: Again, agreed: Escalation, at: datetime) -> Ticket | None:
    """One ticket, unless one is open for it; what an earlier one answered for counts no more."""
    # One at a time: two troubles may be covered by one fix.
    Company.objects.select_for_update(of=("self",)).get()
    others = PermanentFix.objects.filter(_covers(again))
    if others.exclude(ticket__status=Status.RESOLVED).exists():
        return None
    answered = others.aggregate(at=Max("ticket__resolved_at"))["at"]
    judge = _as_cause if again.cause else _as_fix
    since, why = judge(again, agreed, answered, at)
    last = Ticket.objects.get(pk=again.last)
    return _write(again, last, why, since, at) if why else None


def _as_cause(
    again: Again, agreed: Escalation, answered: datetime | None, at: datetime
) -> tuple[datetime, str]:
    """From when on it counts, and why it is to be fixed for good; empty where it is not."""
    since = max(filter(None, (recurring.since_week(agreed, at=at), answered)))
    weeks = len(recurring.weeks(again, since=since, at=at))
    if weeks < agreed.recurs_in_weeks:
        return since, ""
    return since, f"The same cause in {weeks} of the last {agreed.recurs_of_weeks} weeks."


def _as_fix(
    again: Again, agreed: Escalation, answered: datetime | None, at: datetime
) -> tuple[datetime, str]:
    """The same for what people put right in one way."""
    days = agreed.same_fix_within
    since = max(filter(None, (at - timedelta(days=days), answered)))
    times = recurring.by_hand(again, since=since, at=at)
    if times < agreed.same_fix_times:
        return since, ""
    return since, f"Resolved by hand as “{again.resolution}” {times} times within {days} days."


# --- Underneath -------------------------------------------------------------------------------
def _write(again: Again, last: Ticket, why: str, since: datetime, at: datetime) -> Ticket:
    """Its ticket, opened or opened again, with what it is about."""
    # No connection: its clocks would stand still while that is down, when there is most to do.
    trouble = Trouble(
        kind=PERMANENT_FIX, cause=_subject(again), subject=_subject(again),
        title=f"Keeps coming back: {again.words}",
        reason=why, evidence=_evidence(again, last, since, at),
        process=last.falls_under, led_from=f"ticket:{last.pk}",
    )  # fmt: skip
    ticket = troubles.open_ticket(trouble, by=LEARNER, at=at)
    about = {**again.pattern, "cause": again.cause, "resolution": again.resolution}
    PermanentFix.objects.update_or_create(ticket=ticket, defaults=about)
    return ticket


def _evidence(again: Again, last: Ticket, since: datetime, at: datetime) -> dict[str, Any]:
    before = recurring.rate(again, start=at - BEFORE, end=at)
    mine = Ticket.objects.filter(again.tickets(), last_seen_at__gte=since).order_by("-pk")
    weeks = recurring.weeks(again, since=since, at=at)
    return {
        "weeks beginning": ", ".join(day.isoformat() for day in weeks),
        "tickets": ", ".join(f"#{pk}" for pk in mine.values_list("pk", flat=True)[:NAMED]),
        "tickets in the 4 weeks before": before.times,
        "connection": last.connection,
        "last ticket page": reverse("exceptions:ticket", args=[last.pk]),
    }


def _covers(again: Again) -> Q:
    """Which permanent fixes are about this: of its cause, or of a fix by hand of what is alike."""
    alike = Q(**again.pattern)
    return Q(cause=again.cause) | (alike & Q(cause="")) if again.cause else alike


def _last(again: Again) -> Ticket:
    return Ticket.objects.filter(again.tickets()).latest("pk")


def _subject(again: Again) -> str:
    return f"permanent-fix:{hashlib.sha256(again.key.encode()).hexdigest()[:16]}"


def _happened(times: int) -> str:
    return "it happened again" if times == 1 else f"it happened {times} times"
