"""The checks: all of them, one with what fails and how it came out before, and running it now."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions.models import Ticket
from meshline import instant
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import paging
from meshline.web.access import back_from, done, refusal, requires
from meshline.web.requests import Request
from meshline.web.words import span
from reconciliation import checking, evidence, tuning
from reconciliation.checks.check import Check
from reconciliation.checks.table import CHECKS
from reconciliation.evidence import Row
from reconciliation.models import CheckResult
from reconciliation.tuning import TuningError
from reconciliation.tuning_forms import TuningForm

TONES = {"ok": "ok", "warning": "warn", "error": "danger", "unknown": "neutral"}
HISTORY = 25


@dataclass(frozen=True)
class Standing:
    """A check, and how it came out last; nothing before it first looked."""

    check: Check
    last: CheckResult | None

    @property
    def tone(self) -> str:
        return TONES[self.last.state] if self.last else "neutral"

    @property
    def word(self) -> str:
        return self.last.get_state_display() if self.last else "Not looked yet"

    @property
    def every(self) -> str:
        minutes = int(self.check.every.total_seconds() // 60)
        if minutes == 1:
            return "every minute"
        if minutes == 60:
            return "every hour"
        return f"every {minutes} minutes" if minutes < 60 else f"every {span(self.check.every)}"


@require_safe
@requires(Permission.SEE_CHECKS)
def checks(request: Request) -> HttpResponse:
    """All checks, what does not hold first."""
    latest = {one.name: one for one in CheckResult.objects.last_of_each()}
    standings = [Standing(check, latest.get(check.name)) for check in tuning.agreed()]
    grave = list(TONES)[::-1]
    standings.sort(key=lambda one: grave.index(one.last.state) if one.last else len(grave))
    context = {"standings": standings, "refusal": _refusal(request)}
    return render(request, "reconciliation/checks.html", context)


@require_safe
@requires(Permission.SEE_CHECKS)
def check(request: Request, name: str) -> HttpResponse:
    """One check: how it looks, what fails now, and how it came out before."""
    return _show(request, name)


def _show(
    request: Request, name: str, *, form: TuningForm | None = None, status: int = 200
) -> HttpResponse:
    found = _find(name)
    page = paging.page(CheckResult.objects.filter(name=name), request, size=HISTORY)
    last = CheckResult.objects.of(name).first()
    context = {
        "standing": Standing(found, last),
        "rows": _rows(last, request.user),
        "more": max(0, last.failing - len(last.rows)) if last else 0,
        "page": page,
        "history": [Standing(found, one) for one in page.items],
        "tickets": Ticket.objects.visible_to(request.user)
        .unresolved()
        .filter(cause=f"check:{name}"),
        "refusal": _refusal(request),
        "tuning_form": form or TuningForm(initial=_numbers(found)),
        "tune_refusal": refusal_for(request.user, Permission.TUNE_CHECKS),
        "hides_some": scope(request.user, Permission.SEE_CHECKS) is Scope.TEAM,
    }
    return render(request, "reconciliation/check.html", context, status=status)


@require_POST
@requires(Permission.RUN_CHECK)
def run(request: Request, name: str) -> HttpResponse:
    result = checking.run(_find(name), by=request.user)
    said = {"ok": "It holds.", "unknown": "Nothing is known of it."}
    sentence = said.get(result.state, f"{result.failing} of {result.asked} do not hold.")
    return done(request, sentence, back_from(request))


@require_POST
@requires(Permission.TUNE_CHECKS)
def tune(request: Request, name: str) -> HttpResponse:
    """Other numbers for it, from now on."""
    found, form = _find(name), TuningForm(request.POST)
    if not form.is_valid():
        return _show(request, name, form=form, status=422)
    try:
        checking.tune(
            name=found.name, every=form.every, grave_from=form.cleaned_data["grave_from"],
            reason=form.cleaned_data["reason"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except TuningError as error:
        return refusal(request, error)
    to = reverse("reconciliation:check", args=[name])
    return done(request, "It goes by these numbers from now on.", to)


def _find(name: str) -> Check:
    if name not in CHECKS:
        raise Http404
    return tuning.of(name)


def _numbers(check: Check) -> dict[str, int]:
    return {"minutes": int(check.every.total_seconds() // 60), "grave_from": check.grave_from}


def _refusal(request: Request) -> str:
    return refusal_for(request.user, Permission.RUN_CHECK)


def _rows(result: CheckResult | None, user: User) -> list[Row]:
    """What fails, as far as this person may see the records it concerns."""
    return evidence.seen_by(result.rows if result else [], user)
