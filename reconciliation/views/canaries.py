"""The canaries: how each path stands and went, trying one now, switching it, and how often."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, Scope, refusal_for
from meshline.web import paging
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from reconciliation import canaries as verbs
from reconciliation import canary_showing
from reconciliation.canaries import CanaryError
from reconciliation.canary_forms import RhythmForm, SwitchForm
from reconciliation.models.canaries import Canary

HISTORY, LINES = 25, 20


@require_safe
@requires(Permission.SEE_CHECKS)
def canaries(request: Request) -> HttpResponse:
    """Every path, what is broken first."""
    found = Canary.objects.select_related("connection").order_by("connection__name", "pk")
    context = {"standings": canary_showing.standings(found), **_refusals(request)}
    return render(request, "reconciliation/canaries.html", context)


@require_safe
@requires(Permission.SEE_CHECKS)
def canary(request: Request, slug: str) -> HttpResponse:
    """One path: its legs, each time it was tried, and who changed it."""
    return _show(request, _find(slug))


@require_POST
@requires(Permission.RUN_CHECK)
def run(request: Request, slug: str) -> HttpResponse:
    found = _find(slug)
    sentence = "It is tried within a few seconds."
    return _do(request, found, sentence, lambda facts: verbs.run_now(**facts))


@require_POST
@requires(Permission.TUNE_CHECKS)
def switch(request: Request, slug: str) -> HttpResponse:
    """On where it is off, off where it is on: as its button said."""
    found, form = _find(slug), SwitchForm(request.POST)
    on = request.POST.get("on") == "1"
    if not form.is_valid():
        return _show(request, found, status=422, switch_form=form)
    sentence = "It is tried again from now on." if on else "It is tried no more."
    reason = form.cleaned_data["reason"]
    return _do(request, found, sentence, lambda facts: verbs.switch(on=on, reason=reason, **facts))


@require_POST
@requires(Permission.TUNE_CHECKS)
def rhythm(request: Request, slug: str) -> HttpResponse:
    found, form = _find(slug), RhythmForm(request.POST)
    if not form.is_valid():
        return _show(request, found, status=422, rhythm_form=form)
    asked = form.cleaned_data
    sentence = "It is tried in that rhythm from now on."
    return _do(request, found, sentence, lambda facts: verbs.set_rhythm(**asked, **facts))


def _do(
    request: Request, found: Canary, sentence: str, act: Callable[[dict[str, Any]], Any]
) -> HttpResponse:
    slug = found.connection.slug
    try:
        act({"slug": slug, "by": request.user, "at": instant.now()})
    except CanaryError as error:
        return refusal(request, error)
    return done(request, sentence, reverse("reconciliation:canary", args=[slug]))


def _show(
    request: Request, found: Canary, *, status: int = 200, **forms: forms.Form
) -> HttpResponse:
    page = paging.page(found.probes.all(), request, size=HISTORY)
    kept = {"fast": found.fast, "slow": found.slow}
    context = {
        "standing": canary_showing.standing(found),
        "page": page,
        "history": canary_showing.history(page.items),
        "switch_form": SwitchForm(auto_id="id_switch_%s"),
        "rhythm_form": RhythmForm(initial=kept, auto_id="id_rhythm_%s"),
        "trail": _trail(request, found),
        **_refusals(request),
        **forms,
    }
    return render(request, "reconciliation/canary.html", context, status=status)


def _trail(request: Request, found: Canary) -> list[timeline.Entry]:
    lines = TrailLine.objects.filter(subject_kind="canary", subject_id=str(found.pk))
    newest = lines.newest_first()[:LINES]
    opens = trail_filters.opens(request.user)
    return timeline.read(newest, masked=request.scope is Scope.MASKED, opens=opens)


def _refusals(request: Request) -> dict[str, str]:
    return {
        "run_refusal": refusal_for(request.user, Permission.RUN_CHECK),
        "tune_refusal": refusal_for(request.user, Permission.TUNE_CHECKS),
    }


def _find(slug: str) -> Canary:
    rows = Canary.objects.select_related("connection")
    return get_object_or_404(rows, connection__slug=slug)
