"""Who answers for what, and the company itself: to read for everybody, to change for managers."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import operating_model, raci
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.processes import PROCESSES, known
from meshline.policy.raci_forms import CompanyForm, OwnersForm
from meshline.web import seen
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

LETTERS = ["accountable", "responsible", "consulted", "informed"]
ASKED_FOR = "Meshline asks for this process; name other owners instead."


# --- Owners ----------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def owners(request: Request) -> HttpResponse:
    """Each process: who is named, and who that is right now, with the reason."""
    at = request.now or instant.now()
    context = {
        "processes": _processes(at),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }
    return render(request, "policy/owners.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def process(request: Request, name: str) -> HttpResponse:
    """Change who answers for one process; what somebody else changed meanwhile is shown."""
    rows = _rows_of(name)
    form = OwnersForm(request.POST or None, rows=rows)
    if request.method != "POST" or not form.is_valid():
        return _show_owners(request, name, form, status=422 if form.errors else 200)
    try:
        operating_model.set_raci(
            process=name, holders=form.holders, by=request.user, at=instant.now(),
            seen=seen.read(request.POST.get("seen", "")),
        )  # fmt: skip
    except Stale as error:
        return _show_owners(request, name, form, stale=error, status=409)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show_owners(request, name, form, status=422)
    return done(request, f"The owners of {known(name).label.lower()} are saved.", "owners:owners")


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def remove(request: Request, name: str) -> HttpResponse:
    """Take away owners of a process that no part of Meshline asks for."""
    _rows_of(name)
    if name in PROCESSES:
        return refusal(request, ASKED_FOR)
    operating_model.remove_raci(process=name, by=request.user, at=instant.now())
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
def _processes(at: datetime) -> list[dict[str, Any]]:
    """The known ones in their order, then whatever else has owners."""
    present = set(User.objects.present(at).values_list("pk", flat=True))
    rows = RaciAssignment.objects.select_related("user", "team").order_by("process", "pk")
    named: dict[str, dict[str, list]] = {name: defaultdict(list) for name in PROCESSES}
    for row in rows:
        named.setdefault(row.process, defaultdict(list))[row.letter].append(_named(row, present))
    return [
        {
            "about": known(name),
            "is_known": name in PROCESSES,
            "letters": [(letter, by[letter]) for letter in LETTERS],
            "accountable": raci.accountable_for(name, at=at),
            "responsible": raci.responsible_for(name, at=at),
        }
        for name, by in named.items()
    ]


def _named(row: RaciAssignment, present: set[int]) -> dict[str, Any]:
    """A holder, and how they stand: "", "out" or "inactive"."""
    if row.user is None:
        return {"team": row.team, "state": ""}
    state = "" if row.user_id in present else "out" if row.user.is_active else "inactive"
    return {"user": row.user, "state": state}


def _rows_of(name: str) -> list[RaciAssignment]:
    """A process that is asked for, or that has owners; nothing else is one."""
    # PostgreSQL cannot even be asked for a name with a NUL in it.
    if "\0" in name:
        raise Http404
    found = RaciAssignment.objects.filter(process=name)
    rows = list(found.select_related("user", "team").order_by("pk"))
    if not rows and name not in PROCESSES:
        raise Http404
    return rows


def _show_owners(
    request: Request, name: str, form: OwnersForm, *, status: int, stale: Stale | None = None
) -> HttpResponse:
    about, at = known(name), request.now or instant.now()
    now = stale.now if stale else operating_model.raci_facts(name)
    context = {
        "about": about,
        "form": form,
        "seen": _seen(request, now, stale),
        "stale": _meanwhile(stale, "raciassignment", _first(name)) if stale else None,
        "accountable": raci.accountable_for(name, at=at),
        "responsible": raci.responsible_for(name, at=at),
        "remove_refusal": ASKED_FOR if name in PROCESSES else "",
    }
    return render(request, "policy/process.html", context, status=status)


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
        "stale": _meanwhile(stale, "company", found.pk) if stale else None,
        "fallback": raci.fallback(at=request.now or instant.now()),
    }
    return render(request, "policy/company.html", context, status=status)


def _seen(request: Request, now: dict[str, Any], stale: Stale | None) -> str:
    """What the form was filled in against: kept over a correction, renewed once it was shown."""
    given = request.POST.get("seen", "")
    return given if given and not stale else seen.keep(now)


def _meanwhile(stale: Stale, kind: str, pk: int) -> dict[str, Any]:
    lines = TrailLine.objects.filter(subject_kind=kind, subject_id=str(pk)).newest_first()
    return {"line": lines.first(), "change": {"before": stale.seen, "after": stale.now}}


def _first(name: str) -> int:
    """The row that the process's last line on the trail is about."""
    rows = RaciAssignment.objects.filter(process=name).order_by("pk")
    return rows.values_list("pk", flat=True).first() or 0
