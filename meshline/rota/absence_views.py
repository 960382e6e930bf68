"""Who is out, now and next; being out oneself, and planning it for others."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.models import Absence, OnCallShift, User
from meshline.people.permissions import Permission, may, refusal_for
from meshline.policy.operating_model import ModelError, Stale
from meshline.rota import absences as verbs
from meshline.rota import showing, wording
from meshline.rota.absence_forms import AbsenceForm
from meshline.web import paging, seen
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

TABS = {"coming": "Now and coming", "over": "Over"}


# --- To read ---------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def absences(request: Request) -> HttpResponse:
    """Everybody who is out or will be; with `?tab=over` who was."""
    at, over = _now(request), request.GET.get("tab") == "over"
    rows = Absence.objects.select_related("user__team", "stand_in")
    rows = rows.filter(ends_at__lte=at) if over else rows.not_over(at)
    page = paging.page(rows, request, by="-ends_at" if over else "starts_at")
    context = {
        "page": page,
        "rows": showing.rows_of(page.items, request.user, at=at),
        "over": over,
        "tabs": [
            {"label": label, "url": f"?tab={name}", "current": over == (name == "over")}
            for name, label in TABS.items()
        ],
        "refusal": refusal_for(request.user, Permission.PLAN_ABSENCE),
        "may_see_people": may(request.user, Permission.SEE_PEOPLE),
    }
    return render(request, "rota/absences.html", context)


# --- To plan ---------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.PLAN_ABSENCE)
def plan_own(request: Request) -> HttpResponse:
    """I am out."""
    return _plan(request, request.user, "people:profile")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.PLAN_ABSENCE)
def plan(request: Request, user_id: int) -> HttpResponse:
    """For somebody else."""
    user = get_object_or_404(User.objects.active(), pk=user_id)
    if reason := verbs.refusal(request.user, user):
        return refusal(request, reason, status=403)
    return _plan(request, user, _page_of(request.user, user))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.PLAN_ABSENCE)
def absence(request: Request, absence_id: int) -> HttpResponse:
    """Move or extend it, or name another stand-in."""
    found, at = _found(request, absence_id), instant.now()
    if reason := verbs.refusal(request.user, found.user):
        return refusal(request, reason, status=403)
    begun = found.starts_at <= at
    form = AbsenceForm(_sent(request), user=found.user, absence=found, begun=begun)
    if request.method != "POST" or not form.is_valid():
        return _show(request, form, found.user, found, status=422 if form.errors else 200)
    try:
        verbs.change(
            absence_id=found.pk, by=request.user, at=at,
            seen=seen.read(request.POST.get("seen", "")), **form.asked,
        )  # fmt: skip
    except Stale as error:
        now = _found(request, absence_id)
        return _show(request, form, found.user, now, stale=error, status=409)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show(request, form, found.user, found, status=422)
    return done(request, "The absence is saved.", _page_of(request.user, found.user))


@require_POST
@requires(Permission.PLAN_ABSENCE)
def end(request: Request, absence_id: int) -> HttpResponse:
    found = _found(request, absence_id)
    try:
        verbs.end(absence_id=found.pk, by=request.user, at=instant.now())
    except ModelError as error:
        return refusal(request, error)
    said = f"{found.user.name} is back; their open work returns within a minute."
    return done(request, said, _page_of(request.user, found.user))


@require_POST
@requires(Permission.PLAN_ABSENCE)
def cancel(request: Request, absence_id: int) -> HttpResponse:
    found = _found(request, absence_id)
    try:
        verbs.cancel(absence_id=found.pk, by=request.user, at=instant.now())
    except ModelError as error:
        return refusal(request, error)
    return done(request, "The absence is cancelled.", _page_of(request.user, found.user))


# --- Underneath ------------------------------------------------------------------------------
def _now(request: Request) -> datetime:
    return request.now or instant.now()


def _sent(request: Request) -> Any:
    """What was sent, if anything was: an empty form is one all the same."""
    return request.POST if request.method == "POST" else None


def _found(request: Request, absence_id: int) -> Absence:
    return get_object_or_404(Absence.objects.select_related("user", "stand_in"), pk=absence_id)


def _page_of(reader: User, user: User) -> str:
    if reader == user:
        return reverse("people:profile")
    if may(reader, Permission.SEE_PEOPLE):
        return reverse("people:person", args=[user.pk])
    return reverse("absences:absences")


def _plan(request: Request, user: User, to: str) -> HttpResponse:
    form = AbsenceForm(_sent(request), user=user)
    if request.method != "POST" or not form.is_valid():
        return _show(request, form, user, None, status=422 if form.errors else 200)
    try:
        made = verbs.plan(user=user, by=request.user, at=instant.now(), **form.asked)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show(request, form, user, None, status=422)
    who = "You are" if user == request.user else f"{user.name} is"
    said = f"{who} out {wording.span(made.starts_at, made.ends_at)}."
    if number := _shifts(user, made.starts_at, made.ends_at).count():
        times = "A shift falls" if number == 1 else f"{number} shifts fall"
        said += f" {times} into it: look at the rota."
    return done(request, said, to)


def _shifts(user: User, starts_at: datetime, ends_at: datetime) -> QuerySet:
    found = OnCallShift.objects.filter(user=user).between(starts_at, ends_at)
    return found.select_related("team").order_by("starts_at")


def _show(
    request: Request, form: AbsenceForm, user: User, found: Absence | None, *, status: int,
    stale: Stale | None = None,
) -> HttpResponse:  # fmt: skip
    at, given = _now(request), request.POST.get("seen", "")
    kept = given if given and not stale else seen.keep(verbs.facts(found) if found else {})
    context = {
        "form": form,
        "person": user,
        "absence": found,
        "row": showing.rows_of([found], request.user, at=at)[0] if found else None,
        "shifts": _shifts(user, found.starts_at, found.ends_at) if found else (),
        "back": _page_of(request.user, user),
        "seen": kept,
        "stale": _meanwhile(stale, found) if stale and found else None,
    }
    return render(request, "rota/absence.html", context, status=status)


def _meanwhile(stale: Stale, found: Absence) -> dict[str, Any]:
    lines = TrailLine.objects.filter(subject_kind="absence", subject_id=str(found.pk))
    sides = {"before": stale.seen, "after": stale.now}
    change = {
        side: {name: timeline.readable(value) for name, value in facts.items()}
        for side, facts in sides.items()
    }
    return {"line": lines.newest_first().first(), "change": change}
