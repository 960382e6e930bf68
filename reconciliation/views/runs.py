"""Runs: all of them with what is open per connection, one with its progress, and asking for one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from connectors.models import Connection
from meshline import instant
from meshline.people.permissions import Permission, Scope
from meshline.web import paging
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from reconciliation import apart, concluding, run_showing, trend
from reconciliation import runs as verbs
from reconciliation.models import Run
from reconciliation.runs import RunError


@require_safe
@requires(Permission.SEE_RUNS)
def runs(request: Request) -> HttpResponse:
    """What is open per connection, the last thirty days, and every run, the newest first."""
    at = request.now or instant.now()
    days = trend.of(at=at)
    page = paging.page(Run.objects.select_related("connection", "asked_by"), request, size=25)
    waits = run_showing.waits(page.items, request.user, at=at)
    context = {
        "standings": run_showing.standings(request.user, at=at),
        "days": days,
        "highest": max(day.found for day in days),
        "apart_formula": apart.FORMULA,
        "page": page,
        "rows": [(run_showing.seen(one, request.user), waits.get(one.pk)) for one in page.items],
        "masked": request.scope is not Scope.ALL,
    }
    return render(request, "reconciliation/runs.html", context)


@require_safe
@requires(Permission.SEE_RUNS)
def run(request: Request, run_id: int) -> HttpResponse:
    """One run; to htmx its part, asked for again while it is on its way."""
    return _show(request, _find(run_id))


@require_POST
@requires(Permission.RUN_RECONCILIATION)
def start(request: Request, slug: str) -> HttpResponse:
    get_object_or_404(Connection, slug=slug)
    scope = Run.Scope.ALL if request.POST.get("scope") == "all" else Run.Scope.RECENT
    at = instant.now()
    try:
        made = verbs.ask(slug=slug, scope=scope, by=request.user, at=at)
    except RunError as error:
        return refusal(request, error)
    page = reverse("reconciliation:run", args=[made[0].pk])
    if all(one.asked_at != at for one in made):
        return done(request, "It is being compared already.", page, level=messages.INFO)
    return done(request, "It is compared now.", page)


@require_POST
@requires(Permission.RUN_RECONCILIATION)
def cancel(request: Request, run_id: int) -> HttpResponse:
    _find(run_id)
    try:
        verbs.cancel(run_id=run_id, by=request.user, at=instant.now())
    except RunError as error:
        return refusal(request, error)
    return _told(request, run_id, "Cancelled. Nothing of it is reported.")


@require_POST
@requires(Permission.ACCEPT_DIVERGENCE)
def confirm(request: Request, run_id: int) -> HttpResponse:
    """They are really gone."""
    _find(run_id)
    reason = request.POST.get("reason", "").replace("\0", "")[:4000]
    try:
        concluding.confirm(run_id=run_id, reason=reason, by=request.user, at=instant.now())
    except RunError as error:
        return refusal(request, error)
    return _told(request, run_id, "What is gone is reported as missing now.")


def _find(run_id: int) -> Run:
    rows = Run.objects.select_related("connection", "asked_by")
    return get_object_or_404(rows, pk=run_id)


def _told(request: Request, run_id: int, sentence: str) -> HttpResponse:
    return done(request, sentence, reverse("reconciliation:run", args=[run_id]))


def _show(request: Request, found: Run) -> HttpResponse:
    waits = run_showing.waits([found], request.user, at=request.now or instant.now())
    context = {
        "seen": run_showing.seen(found, request.user),
        "run": found,
        "reading": waits.get(found.pk),
        "refusals": run_showing.refusals(found, request.user),
    }
    whole = not request.htmx or request.htmx.history_restore_request
    return render(request, f"reconciliation/{'run' if whole else '_run'}.html", context)
