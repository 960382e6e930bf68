"""What keeps coming back: counted from what happened, week by week; nothing is changed here."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from exceptions.kinds import KINDS, PERMANENT_FIX
from exceptions.models import Escalation, Occurrence, PermanentFix, Reopening, Ticket
from exceptions.rechecking import CLAIMS_NOTHING
from meshline.policy.models import Company

# Rates are told of so long before something is fixed for good.
BEFORE = timedelta(weeks=4)
WEEK = timedelta(weeks=1)

# A ticket of a cause opened, opened again, or one more thing hung on it.
_CAUSES = """
WITH happened AS (
    SELECT ticket_id, at FROM exceptions_occurrence WHERE at >= %(since)s AND at <= %(at)s
    UNION ALL
    SELECT ticket_id, at FROM exceptions_reopening
    WHERE came_back AND at >= %(since)s AND at <= %(at)s
)
SELECT max(t.id) FROM happened h JOIN exceptions_ticket t ON t.id = h.ticket_id
WHERE t.kind <> %(kind)s
GROUP BY t.cause
HAVING count(DISTINCT date_trunc('week', h.at AT TIME ZONE %(zone)s)) >= %(weeks)s
ORDER BY 1
"""
# A person resolved it in this way, also where it came back since.
_FIXES = """
WITH answered AS (
    SELECT id AS ticket_id, resolution FROM exceptions_ticket
    WHERE status = 'resolved' AND resolved_by_id IS NOT NULL
      AND resolved_at >= %(since)s AND resolved_at <= %(at)s
    UNION ALL
    SELECT ticket_id, resolution FROM exceptions_reopening
    WHERE came_back AND resolved_by_id IS NOT NULL
      AND at >= %(since)s AND resolved_at >= %(since)s AND resolved_at <= %(at)s
)
SELECT max(t.id), a.resolution FROM answered a JOIN exceptions_ticket t ON t.id = a.ticket_id
WHERE t.kind <> %(kind)s AND a.resolution <> ALL(%(nothing)s)
GROUP BY t.kind, t.contract, t.step, t.failure, a.resolution
HAVING count(*) >= %(times)s
ORDER BY count(*) DESC, 1
"""


@dataclass(frozen=True)
class Again:
    """Trouble that keeps coming back: of one cause, or put right by hand in one way.

    `last` is its last ticket; where it is known only by what a permanent fix is about, there is
    none.
    """

    kind: str
    contract: str
    step: str
    failure: str
    cause: str = ""
    resolution: str = ""
    last: int = 0

    @property
    def key(self) -> str:
        """What tells it from all others, in one line."""
        parts = (self.cause, self.kind, self.contract, self.step, self.failure, self.resolution)
        return "\x1f".join((self.cause,) if self.cause else parts)

    @property
    def words(self) -> str:
        """Such as "Delivery failed (signed, invoice, rejected)"."""
        parts = ", ".join(filter(None, (self.contract, self.step, self.failure)))
        label = KINDS[self.kind].label if self.kind in KINDS else self.kind
        return f"{label} ({parts})" if parts else label

    @property
    def pattern(self) -> dict[str, str]:
        return {
            "kind": self.kind, "contract": self.contract, "step": self.step,
            "failure": self.failure,
        }  # fmt: skip

    def tickets(self, prefix: str = "") -> Q:
        """Its tickets; `prefix` leads from another row to them."""
        own = {"cause": self.cause} if self.cause else self.pattern
        return Q(**{f"{prefix}{name}": value for name, value in own.items()})


@dataclass(frozen=True)
class Rate:
    """How often it happened in a time: a ticket opened, or opened again."""

    times: int
    over: timedelta

    @property
    def a_week(self) -> float | None:
        """Of less than a week nobody can say."""
        return self.times / (self.over / WEEK) if self.over >= WEEK else None


# --- What is found ----------------------------------------------------------------------------
def causes(agreed: Escalation, *, at: datetime) -> list[Again]:
    """Causes that came back in so many of the last weeks as is agreed."""
    zone, weeks = _zone(), agreed.recurs_in_weeks
    given = {"since": since_week(agreed, at=at), "at": at, "zone": zone.key, "weeks": weeks}
    found = _rows(_CAUSES, given)
    return [about(ticket) for ticket, *_ in found]


def fixes(agreed: Escalation, *, at: datetime) -> list[Again]:
    """What people put right in one way so often within some days as is agreed."""
    since, nothing = at - timedelta(days=agreed.same_fix_within), [*map(str, CLAIMS_NOTHING)]
    given = {"since": since, "at": at, "times": agreed.same_fix_times, "nothing": nothing}
    found = _rows(_FIXES, given)
    return [replace(about(row), cause="", resolution=how) for row, how in found]


def about(ticket: Ticket) -> Again:
    """The trouble of this ticket, by its cause."""
    return Again(
        ticket.kind, ticket.contract, ticket.step, ticket.failure, cause=ticket.cause,
        last=ticket.pk,
    )  # fmt: skip


def of_fix(fix: PermanentFix) -> Again:
    """What a permanent fix is about."""
    return Again(fix.kind, fix.contract, fix.step, fix.failure, fix.cause, fix.resolution)


# --- How often ----------------------------------------------------------------------------------
def since_week(agreed: Escalation, *, at: datetime) -> datetime:
    """The beginning of the first of the last weeks; weeks begin on a Monday of the company's."""
    day = at.astimezone(_zone()).date()
    first = day - timedelta(days=day.weekday(), weeks=agreed.recurs_of_weeks - 1)
    return _midnight(first)


def weeks(again: Again, *, since: datetime, at: datetime) -> list[date]:
    """The Mondays of the weeks in which it happened."""
    days = {moment.astimezone(_zone()).date() for moment in _moments(again, since, at)}
    return sorted({day - timedelta(days=day.weekday()) for day in days})


def came_back(again: Again, *, since: datetime, at: datetime) -> int:
    """How many times it happened after that moment."""
    return len(_moments(again, since, at))


def by_hand(again: Again, *, since: datetime, at: datetime) -> int:
    """How many times a person put it right in its one way from that moment on."""
    how = {"resolution": again.resolution, "resolved_by__isnull": False}
    span = {"resolved_at__gt": since, "resolved_at__lte": at}
    still = Ticket.objects.resolved().filter(again.tickets(), **how, **span)
    before = Reopening.objects.filter(again.tickets("ticket__"), came_back=True, **how, **span)
    return still.count() + before.count()


def rate(again: Again, *, start: datetime, end: datetime) -> Rate:
    """How often a ticket of it opened, or opened again, between two moments."""
    opened = Ticket.objects.filter(again.tickets(), opened_at__gte=start, opened_at__lt=end)
    reopened = Reopening.objects.filter(
        again.tickets("ticket__"), came_back=True, at__gte=start, at__lt=end
    )
    return Rate(opened.count() + reopened.count(), max(end - start, timedelta()))


# --- Underneath -------------------------------------------------------------------------------
def _moments(again: Again, since: datetime, at: datetime) -> list[datetime]:
    """When something of it happened after one moment and until another; what opened a ticket
    again hangs on it as well, and happened once."""
    span: dict[str, Any] = {"at__gt": since, "at__lte": at}
    mine = again.tickets("ticket__")
    hung = Occurrence.objects.filter(mine, **span).order_by().values_list("ticket", "at")
    reopened = Reopening.objects.filter(mine, came_back=True, **span).order_by()
    return [moment for _, moment in {*hung, *reopened.values_list("ticket", "at")}]


def _rows(statement: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a statement finds; its first column is a ticket, which is fetched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"kind": PERMANENT_FIX, **given})
        found = cursor.fetchall()
    tickets = Ticket.objects.in_bulk([pk for pk, *_ in found])
    return [(tickets[pk], *rest) for pk, *rest in found]


def _zone() -> ZoneInfo:
    return ZoneInfo(Company.objects.values_list("zone", flat=True).get())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day), _zone())
