"""Who answers for what, and the company itself: to read for everybody, to change for managers.

The owners of a process are changed in the queue's rooms, whose tickets go with them.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, may, refusal_for
from meshline.policy import operating_model, raci, raci_showing
from meshline.policy.models import Company
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.processes import PROCESSES, known
from meshline.policy.raci_forms import FIRST, LAST, AsOfForm, CompanyForm
from meshline.web import seen
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request


# --- Owners ----------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def owners(request: Request) -> HttpResponse:
    """Each process: who is named, and who that is, now or at the moment that is asked for."""
    now = request.now or instant.now()
    form = AsOfForm(request.GET or None)
    asked = form.cleaned_data["at"] if form.is_valid() else None
    context = {
        "form": form,
        "asked": asked,
        "is_past": bool(asked and asked < now),
        "processes": raci_showing.processes(asked or now),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
        "may_see_connections": may(request.user, Permission.SEE_CONNECTIONS),
    }
    return render(request, "policy/owners.html", context, status=422 if form.errors else 200)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def cancel(request: Request, name: str) -> HttpResponse:
    """Call off what is planned for one moment."""
    _check_is_one(name)
    try:
        operating_model.cancel_raci(
            process=name, effective_from=_moment(request.POST.get("effective_from", "")),
            by=request.user, at=instant.now(), seen=seen.read(request.POST.get("seen", "")),
        )  # fmt: skip
    except ModelError as error:
        return refusal(request, error)
    page = reverse("exceptions:change-owners", args=[name])
    return done(request, "The planned change is called off.", page)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def remove(request: Request, name: str) -> HttpResponse:
    """Take away owners of a process that does without owners of its own."""
    _check_is_one(name)
    if name in PROCESSES:
        return refusal(request, raci_showing.ASKED_FOR)
    was = seen.read(request.POST.get("seen", ""))
    try:
        operating_model.remove_raci(process=name, by=request.user, at=instant.now(), seen=was)
    except Stale as error:
        return refusal(request, error)
    return done(request, f"{known(name).label} has no owners any more.", "owners:owners")


# --- The company -----------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_OPERATING_MODEL)
def company(request: Request) -> HttpResponse:
    """Name, zone and fallback owner; who may not change them reads why."""
    found = get_object_or_404(Company.objects.select_related("fallback_owner"))
    reason = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    if request.method == "POST" and reason:
        return refusal(request, reason, status=403)
    form = CompanyForm(request.POST or None, company=found)
    if request.method != "POST" or not form.is_valid():
        return _show_company(request, found, form, reason, status=422 if form.errors else 200)
    try:
        operating_model.set_company(
            **form.cleaned_data, by=request.user, at=instant.now(),
            seen=seen.read(request.POST.get("seen", "")),
        )  # fmt: skip
    except Stale as error:
        return _show_company(request, found, form, reason, stale=error, status=409)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show_company(request, found, form, reason, status=422)
    return done(request, "The company is saved.", "owners:company")


# --- Underneath ------------------------------------------------------------------------------
def _check_is_one(name: str) -> None:
    """A process that is asked for, or that has or had owners; nothing else is one."""
    if not raci_showing.is_one(name):
        raise Http404


def _moment(text: str) -> datetime:
    """A planned set's beginning, as its page named it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not FIRST <= moment.year <= LAST:
        raise ModelError("Nothing is planned for that moment.", "effective_from")
    return moment.astimezone(UTC)


def _show_company(
    request: Request, found: Company, form: CompanyForm, reason: str, *, status: int,
    stale: Stale | None = None,
) -> HttpResponse:  # fmt: skip
    now = stale.now if stale else operating_model.company_facts(found)
    context = {
        "company": found,
        "form": form,
        "refusal": reason,
        "seen": _seen(request, now, stale),
        "stale": _meanwhile(stale, Q(subject_kind="company")) if stale else None,
        "fallback": raci.fallback(at=request.now or instant.now()),
    }
    return render(request, "policy/company.html", context, status=status)


def _seen(request: Request, now: dict[str, Any], stale: Stale | None) -> str:
    """What the form was filled in against: kept over a correction, renewed once it was shown."""
    given = request.POST.get("seen", "")
    return given if given and not stale else seen.keep(now)


def _meanwhile(stale: Stale, about: Q) -> dict[str, Any]:
    line = TrailLine.objects.filter(about).newest_first().first()
    return {"line": line, "change": seen.between(stale.seen, stale.now)}
