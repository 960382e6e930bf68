"""Changing who answers for a process: which open tickets would go along is seen before they do.

It lives with the queue, whose tickets go with it; reading who answers is the ground's own page.
"""

import hashlib
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from exceptions import owners
from exceptions.owners import Preview
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import operating_model, raci, raci_sets, raci_showing
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.processes import PROCESSES, in_words, known
from meshline.policy.raci_forms import OwnersForm
from meshline.web import seen, words
from meshline.web.access import done, requires
from meshline.web.errors import denied
from meshline.web.requests import Request


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_OPERATING_MODEL)
def change(request: Request, name: str) -> HttpResponse:
    """Who answers for a process: everybody reads it. Managers name others, now or from a later
    moment on; what would move tickets is shown first, and what somebody else changed meanwhile."""
    form = _form(request, name)
    if reason := refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL):
        return _show(request, name, form) if request.method != "POST" else denied(request, reason)
    if request.method != "POST" or not form.is_valid():
        return _show(request, name, form)
    try:
        would = _would(request, name, form, seen.read(request.POST.get("seen", "")))
        if "preview" in request.POST or (would.moves and not _was_seen(request, form, would)):
            return _show(request, name, form, would=would)
        moved = owners.publish(
            _change(name, form), with_open="move" in request.POST, by=request.user,
            at=instant.now(), seen=seen.read(request.POST.get("seen", "")),
        )  # fmt: skip
    except Stale as error:
        return _show(request, name, form, stale=error)
    except ModelError as error:
        _refuse(form, error)
        return _show(request, name, form)
    return done(request, _saved(name, form.cleaned_data["effective_from"], moved), "owners:owners")


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def preview(request: Request, name: str) -> HttpResponse:
    """The part of the form that says what it would do as chosen so far. Writes nothing."""
    form = _form(request, name)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            context |= _previewed(request, form, _would(request, name, form))
        except ModelError as error:
            _refuse(form, error)
    status = 422 if form.errors else 200
    return render(request, "exceptions/_owners_preview.html", context, status=status)


# --- Underneath ------------------------------------------------------------------------------
def _form(request: Request, name: str) -> OwnersForm:
    if not raci_showing.is_one(name):
        raise Http404
    rows = raci_sets.in_force(name, at=request.now or instant.now())
    return OwnersForm(request.POST or None, rows=rows)


def _change(name: str, form: OwnersForm) -> owners.Change:
    return owners.Change(name, form.holders, form.cleaned_data["effective_from"])


def _would(
    request: Request, name: str, form: OwnersForm, was: operating_model.Facts | None = None
) -> Preview:
    return owners.preview(_change(name, form), by=request.user, at=instant.now(), seen=was)


def _mark(form: OwnersForm, would: Preview) -> str:
    return hashlib.sha256(f"{form.mark}{would.mark}".encode()).hexdigest()[:32]


def _was_seen(request: Request, form: OwnersForm, would: Preview) -> bool:
    return request.POST.get("previewed") == _mark(form, would)


def _previewed(request: Request, form: OwnersForm, would: Preview) -> dict[str, Any]:
    """Open tickets go along unless that was taken away from a preview."""
    return {
        "would": would,
        "mark": _mark(form, would),
        "goes_along": "move" in request.POST or "previewed" not in request.POST,
    }


def _refuse(form: OwnersForm, error: ModelError) -> None:
    form.add_error(error.field if error.field in form.fields else None, str(error))


def _saved(name: str, moment: datetime | None, moved: list[tuple[User, int]]) -> str:
    said = f"The owners of {in_words(name)} are saved"
    if moment:
        return f"{said}: they change on {words.absolute(moment)}."
    gone = ", ".join(f"{number} to {user.name}" for user, number in moved)
    return f"{said}. Open tickets went along: {gone}." if gone else f"{said}."


def _show(
    request: Request, name: str, form: OwnersForm, *, stale: Stale | None = None,
    would: Preview | None = None,
) -> HttpResponse:  # fmt: skip
    at = request.now or instant.now()
    now = stale.now if stale else operating_model.raci_facts(name, at=at)
    given = request.POST.get("seen", "")
    context = {
        "about": known(name),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
        "form": form,
        "seen": given if given and not stale else seen.keep(now),
        "seen_now": seen.keep(now),
        "stale": _meanwhile(name, stale) if stale else None,
        "accountable": raci.accountable_for(name, at=at),
        "responsible": raci.responsible_for(name, at=at),
        "named": raci_showing.Here(at).set_of(raci_sets.in_force(name, at=at)),
        "planned": raci_showing.planned(name, at=at),
        "earlier": raci_showing.earlier(name, at=at),
        "remove_refusal": raci_showing.ASKED_FOR if name in PROCESSES else "",
        "has_own": bool(raci_sets.in_force(name, at=at)),
        **(_previewed(request, form, would) if would else {}),
    }
    status = 409 if stale else 422 if form.errors else 200
    return render(request, "exceptions/owners_form.html", context, status=status)


def _meanwhile(name: str, stale: Stale) -> dict[str, Any]:
    """Who changed it, and what: of a set that is gone, only its words are left."""
    is_its = Q(after__process=name) | Q(before__process=name)
    lines = TrailLine.objects.filter(is_its, subject_kind="raciassignment")
    before, after = (raci_showing.in_words(said) for said in (stale.seen, stale.now))
    return {"line": lines.newest_first().first(), "change": seen.between(before, after)}
