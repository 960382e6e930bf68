"""The dashboards: how everything does, and follow-up, what coordination costs, a week of it."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions import numbers as queue
from exceptions.figures import Number as OfTickets
from exceptions.models import Ticket, TicketQuerySet
from meshline import instant
from meshline.people.permissions import Permission, Scope, may, refusal_for, scope
from meshline.policy import called
from meshline.web import csv_export
from meshline.web.access import refusal, requires
from meshline.web.requests import Request
from proposals.states import State
from reconciliation import (
    charts,
    debts,
    delta,
    files,
    following,
    late_follow_ups,
    measuring,
    modes,
    objectives,
    rolling,
    seeing,
)
from reconciliation.asking import Asked, encoded, rows_url
from reconciliation.legs import STAGES
from reconciliation.measuring import Series
from reconciliation.numbers import (
    before_owner,
    event_delivery,
    events,
    first_follow_up,
    own_part,
    way_legs,
)
from reconciliation.numbers.number import Number
from reconciliation.owing import Debtors
from reconciliation.seeing import Cell

DELIVERY, FOLLOW_UP, OWN = event_delivery.NUMBER, first_follow_up.NUMBER, own_part.NUMBER
TILES = [DELIVERY, FOLLOW_UP, OWN, before_owner.NUMBER, events.NUMBER]
BOARDS = [
    ("dashboards", "How it does"), ("follow-up", "Follow-up"), ("debt", "Coordination debt"),
    ("review", "Weekly review"), ("objectives", "Objectives"),
]  # fmt: skip


# --- The pages -------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_DASHBOARDS)
def overview(request: Request) -> HttpResponse:
    """Golden signals, the clock in sum, failure modes, and each path and connection."""
    asked = _asked(request)
    context = shell(request, asked, "dashboards") | _whole(request, asked)
    return render(request, "reconciliation/dashboards.html", context)


@require_safe
@requires(Permission.SEE_DASHBOARDS)
def follow_up(request: Request) -> HttpResponse:
    """For who leads a team: how soon people are contacted, by whom, and what waits."""
    asked = _asked(request)
    context = shell(request, asked, "follow-up") | _follow_up(request, asked)
    return render(request, "reconciliation/follow_up.html", context)


@require_safe
@requires(Permission.SEE_DASHBOARDS)
def debt(request: Request) -> HttpResponse:
    """What people must do by hand, how long it takes them, and what keeps coming back."""
    asked = _asked(request)
    context = shell(request, asked, "debt") | _debt(request, asked)
    return render(request, "reconciliation/debt.html", context)


@require_safe
@requires(Permission.SEE_DASHBOARDS)
def review(request: Request) -> HttpResponse:
    """All of it on one page that prints well: a week, unless the URL says otherwise."""
    asked = _asked(request)
    context = shell(request, asked, "review") | _whole(request, asked)
    context |= _follow_up(request, asked) | _debt(request, asked)
    return render(request, "reconciliation/review.html", context)


@require_POST
@requires(Permission.EXPORT_DASHBOARDS)
def export(request: Request) -> HttpResponseBase:
    """Every number as CSV, whole and by what tells it apart, each with the way to its rows."""
    asked = _asked(request)
    if faults := csv_export.faults_of(asked.form):
        return refusal(request, faults, status=422)
    rows = list(files.rows(asked, as_of=rolling.as_of()))
    csv_export.note(
        "dashboards.exported", by=request.user, at=asked.at, asked=asked.words, rows=len(rows)
    )
    return csv_export.answer("dashboards", files.COLUMNS, rows, at=asked.at)


# --- Underneath ------------------------------------------------------------------------------
def _asked(request: Request) -> Asked:
    return Asked.of(request, request.now or instant.now())


def shell(request: Request, asked: Asked, here: str) -> dict[str, Any]:
    """What every dashboard shows around its numbers."""
    tabs = [
        {"label": label, "url": _tab(name, asked), "current": name == here}
        for name, label in BOARDS
    ]
    return {
        "asked": asked,
        "tabs": tabs,
        "as_of": rolling.as_of(),
        "baseline": seeing.baseline_for(asked.within),
        "export_url": f"{reverse('reconciliation:export-dashboards')}?{asked.query}",
        "export_refusal": refusal_for(request.user, Permission.EXPORT_DASHBOARDS),
        "sees_queue": may(request.user, Permission.SEE_QUEUE),
    }


def _tab(name: str, asked: Asked) -> str:
    url = reverse(f"reconciliation:{name}")
    return url if name == "objectives" else f"{url}?{asked.query}"


def _whole(request: Request, asked: Asked) -> dict[str, Any]:
    promised = objectives.promises()
    numbers = [events.NUMBER, DELIVERY, FOLLOW_UP]
    return {
        "tiles": seeing.tiles(TILES, asked, seeing.baseline_for(asked.within)),
        "delta": delta.now(request.user) if may(request.user, Permission.SEE_RUNS) else None,
        "delta_formula": delta.FORMULA,
        "is_masked": scope(request.user, Permission.SEE_RUNS) is Scope.MASKED,
        "legs": _legs(asked),
        "trends": [_trend(one, asked, promised) for one in (DELIVERY, FOLLOW_UP)],
        "modes": modes.of(_tickets(request, asked), _queue_url(asked)),
        "parts": [
            ("By path", seeing.table(numbers, asked, "path", _paths(), promised=promised)),
            ("By connection", seeing.table(numbers, asked, "source", dict(called.names()))),
        ],
    }


def _legs(asked: Asked) -> dict[str, Any]:
    """The clock in sum: every leg, and that they are the total."""
    numbers = [*way_legs.NUMBERS, OWN]
    found = measuring.measure([*numbers, FOLLOW_UP], asked.within)
    total, debtors = found.of(FOLLOW_UP), Debtors(at=asked.at)
    rows = [
        {
            "cell": Cell(found.of(number), rows_url(number.name, asked.within)),
            "label": stage.leg,
            "sum": measuring.span(found.of(number).total),
            "share": round(100 * found.of(number).total / total.total) if total.total else 0,
            "debtor": debtors.of(stage),
        }
        for stage, number in zip(STAGES, numbers, strict=True)
    ]
    begins, stretches = 0.0, []
    for number, row in zip(numbers, rows, strict=True):
        length = found.of(number).total
        look = "own" if number is OWN else ""
        title = f"{row['label']}: {row['sum']}"
        stretches.append(charts.Stretch(begins, length, look, title))
        begins += length
    return {
        "rows": rows,
        "total": Cell(total, rows_url(FOLLOW_UP.name, asked.within)),
        "sum": measuring.span(total.total),
        "chart": charts.waterfall(stretches),
    }


def _trend(number: Number, asked: Asked, promised: objectives.Promises) -> dict[str, Any]:
    """A number step by step; across it what is promised of the path of which most is."""
    series: Series = measuring.series(number, asked.within)
    titles = [f"{at:%d %b %H:%M}: {one.text}, n {one.n}" for at, one in series]
    path, promise = objectives.strictest(number, promised) or ("", None)
    chart = charts.columns(
        [one.value for _, one in series], titles, top=100.0 if number is DELIVERY else None,
        target=promise.target if promise else None, marks=[one.p95 for _, one in series],
    )  # fmt: skip
    return {
        "number": number,
        "chart": chart,
        "top": measuring.told(number, chart.top),
        "promise": promise,
        "promised_for": _paths().get(path, path),
        "rows": seeing.as_rows(series),
    }


def _follow_up(request: Request, asked: Asked) -> dict[str, Any]:
    missed = late_follow_ups.of(request.user, asked, team=_chosen_team(asked))
    return following.of(request.user, asked) | {"missed": missed}


def _debt(request: Request, asked: Asked) -> dict[str, Any]:
    found = modes.of(_tickets(request, asked), _queue_url(asked))
    baseline = seeing.baseline_for(asked.within)
    return {
        "debt_tiles": seeing.tiles(debts.NUMBERS, asked, baseline),
        "debt_paths": seeing.table(debts.NUMBERS[1:], asked, "path", _paths()),
        "debt_effort": debts.effort(found.minutes, asked),
        "causes": debts.causes(found.causes, request.user, _queue_url(asked)),
    }


def _paths() -> dict[str, str]:
    return {state.value: state.label for state in State}


# --- The queue's own -------------------------------------------------------------------------
def _tickets(request: Request, asked: Asked) -> queue.Numbers:
    return queue.of(_seen(request, asked), asked.days, at=asked.at)


def _seen(request: Request, asked: Asked) -> TicketQuerySet:
    seen = Ticket.objects.visible_to(request.user)
    team = _chosen_team(asked)
    return seen if team is None else seen.filter(team=team)


def _chosen_team(asked: Asked) -> int | None:
    """Whoever sees their team's tickets alone need not choose it."""
    chosen = asked.words.get("team", "")
    return asked.within.team if chosen == str(asked.within.team) else None


def _queue_url(asked: Asked) -> modes.UrlOf:
    team = _chosen_team(asked)

    def url_of(number: OfTickets) -> str:
        words = {**number.words, **({} if team is None else {"team": team})}
        return f"{reverse('exceptions:queue')}?{encoded(words)}"

    return url_of
