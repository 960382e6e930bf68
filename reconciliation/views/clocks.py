"""The clock of a record: each of its events as a waterfall, and who owes which leg."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline import instant
from meshline.people.permissions import Permission, may
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.models import Proposal
from proposals.states import State
from reconciliation import charts, measuring, stamps
from reconciliation.charts import Chart, Stretch
from reconciliation.legs import Clock, Leg
from reconciliation.owing import Debtor, Debtors
from reconciliation.stamps import Event

# A record with more events shows its newest; they are all on its story.
MOST = 20


@dataclass(frozen=True)
class Row:
    """A leg in words: how long it took or takes, how much of the whole, and who owes it."""

    leg: Leg
    took: str
    share: int
    debtor: Debtor


@dataclass(frozen=True)
class Shown:
    """One event as it is shown."""

    event: Event
    path: str
    clock: Clock
    rows: list[Row]
    chart: Chart
    total: str
    own: str
    before_owner: str


@require_safe
@requires(Permission.SEE_PROPOSALS)
def clock(request: Request, record: str) -> HttpResponse:
    """The clock of one record: its newest event as a part of its page, all of them on this one."""
    proposal = _find(request, record)
    at = request.now or instant.now()
    events = list(stamps.of([proposal.pk], at=at))
    is_part = bool(request.htmx) and not request.htmx.history_restore_request
    debtors = Debtors(at=at)
    shown = [_shown(event, debtors, at) for event in events[: 1 if is_part else MOST]]
    context = {
        "proposal": proposal, "record": record, "shown": shown, "at": at,
        "more": len(events) - len(shown),
        "may_see_trail": may(request.user, Permission.SEE_TRAIL),
    }  # fmt: skip
    name = "_clock" if is_part else "clock"
    return render(request, f"reconciliation/{name}.html", context)


def _find(request: Request, record: str) -> Proposal:
    kind, _, pk = record.partition(":")
    if kind != "proposal" or not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        raise Http404
    found = Proposal.objects.visible_to(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _shown(event: Event, debtors: Debtors, at: datetime) -> Shown:
    clock = event.clock(at=at)
    own = clock.own_part
    return Shown(
        event=event,
        path=State(event.path).label,
        clock=clock,
        rows=[_row(leg, clock.total, debtors.of(leg.stage, event.source)) for leg in clock.legs],
        chart=charts.waterfall([_stretch(leg, clock) for leg in clock.legs]),
        total=_span(clock.total),
        own=_span(own) if own is not None else "",
        before_owner=_span(clock.before_owner),
    )


def _row(leg: Leg, total: timedelta, debtor: Debtor) -> Row:
    took = _span(leg.took) if leg.took is not None else ""
    share = round(100 * leg.took / total) if leg.took is not None and total else 0
    return Row(leg, took, share, debtor)


def _stretch(leg: Leg, clock: Clock) -> Stretch | None:
    if leg.began is None or leg.took is None:
        return None
    begins = (leg.began - clock.began).total_seconds()
    look = "open" if leg.is_open else "own" if leg is clock.legs[-1] else ""
    return Stretch(begins, leg.took.total_seconds(), look, f"{leg.stage.leg}: {_span(leg.took)}")


def _span(length: timedelta) -> str:
    return measuring.span(length.total_seconds())
