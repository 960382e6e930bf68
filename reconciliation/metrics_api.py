"""The dashboards' numbers, for scripts."""

from datetime import datetime, timedelta
from typing import Annotated

from django.urls import reverse
from ninja import Query, Router, Schema

from exceptions import numbers as queue
from exceptions.days import Period
from exceptions.figures import Number as OfTickets
from exceptions.models import Ticket
from meshline import instant
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, may
from meshline.web.requests import Request
from meshline.web.rest import words
from meshline.web.rest.finding import moment
from meshline.web.rest.refusals import scope_of
from meshline.web.rest.shapes import Moment, answers
from meshline.web.rest.words import Number
from reconciliation import delta, files, measuring, rolling
from reconciliation.asking import NO_TEAM, RANGES, USUAL, encoded, rows_url
from reconciliation.measuring import Measured
from reconciliation.numbers.table import NUMBERS
from reconciliation.passages import hour_of
from reconciliation.rollups import HOUR, Within

router = Router(tags=["metrics"])


class MetricsAsked(Schema):
    """From one hour to another (each cut to its beginning), of a team's events or of all."""

    model_config = words.Asked.model_config
    since: words.Since = None
    until: words.Since = None
    team: Annotated[int | None, Number()] = None


class MetricShape(Schema):
    """A number: its `value` (a span in seconds, a share in percent), of how many rows, and the page
    with exactly those. `low` and `high` are where the true value lies in 95 of 100 cases."""

    name: str
    label: str
    value: float | None
    unit: str
    p95: float | None
    low: float | None
    high: float | None
    n: int
    exact: bool
    formula: str
    rows: str


class MetricsShape(Schema):
    since: Moment
    until: Moment
    as_of: Moment | None
    items: list[MetricShape]


@router.get("", response=answers(MetricsShape), operation_id="metrics")
def metrics(request: Request, asked: Query[MetricsAsked]) -> MetricsShape:
    """Every golden signal and number over these hours; the last seven days, unless it says so."""
    reach = scope_of(request, Permission.SEE_DASHBOARDS)
    at = instant.now()
    since, until = _hours(asked, at)
    team = (request.user.team_id or NO_TEAM) if reach is Scope.TEAM else asked.team
    within = Within(since, until, team)
    found = measuring.measure(NUMBERS.values(), within)
    items = [_shape(found.of(number), within) for number in NUMBERS.values()]
    if may(request.user, Permission.SEE_RUNS):
        items.append(_delta(request.user))
    if may(request.user, Permission.SEE_QUEUE):
        items += _of_tickets(request.user, within, asked.team, at)
    return MetricsShape(since=since, until=until, as_of=rolling.as_of(), items=items)


def _hours(asked: MetricsAsked, at: datetime) -> tuple[datetime, datetime]:
    """Whole hours, and at least one."""
    until = hour_of(moment(asked.until)) if asked.until else hour_of(at) + HOUR
    since = hour_of(moment(asked.since)) if asked.since else until - RANGES[USUAL] * HOUR
    return since, max(until, since + HOUR)


def _shape(one: Measured, within: Within) -> MetricShape:
    number, (low, high) = one.number, one.certain or (None, None)
    return MetricShape(
        name=number.name, label=number.label, value=files.rounded(one.value),
        unit=number.unit_of_value, p95=files.rounded(one.p95), low=files.rounded(low),
        high=files.rounded(high), n=one.n, exact=one.is_exact, formula=number.formula,
        rows=rows_url(number.name, within),
    )  # fmt: skip


def _delta(user: User) -> MetricShape:
    """How it stands now, whatever hours are asked for."""
    one = delta.now(user)
    return MetricShape(
        name=delta.NAME, label=delta.LABEL, value=one.found, unit="differences", p95=None,
        low=None, high=None, n=one.whole, exact=True, formula=delta.FORMULA, rows=one.url,
    )  # fmt: skip


# --- The queue's own -------------------------------------------------------------------------
_OF_TICKETS = {
    "open-exceptions": (queue.OPEN, "Tickets that are not resolved now."),
    "time-to-acknowledge": (
        f"{queue.ACKNOWLEDGED}: median",
        "The median, in business time, of what was acknowledged for the first time in these days.",
    ),
    "time-to-resolve": (
        f"{queue.RESOLVED}: median",
        "The median, in business time, of what was resolved in these days and is not open again.",
    ),
}


def _of_tickets(user: User, within: Within, team: int | None, at: datetime) -> list[MetricShape]:
    """What the queue counts itself, in the whole days that these hours lie in."""
    seen = Ticket.objects.visible_to(user)
    seen = seen if team is None else seen.filter(team=team)
    last = within.until - timedelta(seconds=1)
    found = queue.of(seen, Period(within.since.date(), last.date()), at=at)
    return [
        _ticket_shape(name, label, found.whole.numbers[label], formula)
        for name, (label, formula) in _OF_TICKETS.items()
    ]


def _ticket_shape(name: str, label: str, one: OfTickets, formula: str) -> MetricShape:
    value = one.value
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    unit = "tickets" if name == "open-exceptions" else "seconds"
    return MetricShape(
        name=name, label=label, value=files.rounded(seconds), unit=unit, p95=None, low=None,
        high=None, n=one.rows, exact=True, formula=formula,
        rows=f"{reverse('exceptions:queue')}?{encoded(one.words)}",
    )  # fmt: skip
