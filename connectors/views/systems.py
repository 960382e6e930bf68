"""The systems as the operating model sees them: who plays which part, who sends and who receives,
what is agreed about each, and who answers for its health."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from connectors import connections as verbs
from connectors import inventory, parts
from connectors.connections import SettingError, Stale
from connectors.forms import AgreedForm, PartForm
from connectors.models import Connection
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import operating_model, processes, raci, raci_sets, roles
from meshline.policy.operating_model import ModelError
from meshline.web import seen
from meshline.web.access import done, requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_CONNECTIONS)
def systems(request: Request) -> HttpResponse:
    """Parts, emitters and consumers, from the live configuration."""
    context = {
        "inventory": inventory.take(at=request.now or instant.now()),
        "refusals": {
            "part": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
            "agree": refusal_for(request.user, Permission.AGREE_ON_CONNECTION),
        },
    }
    return render(request, "connectors/systems.html", context)


# --- Changing --------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def part(request: Request, name: str) -> HttpResponse:
    """Which connection plays a part; what somebody else changed meanwhile is shown."""
    if name not in parts.known():
        raise Http404
    now = roles.connection_for(name)
    form = PartForm(request.POST or None, now=now, fitting=parts.fitting(name))
    if request.method != "POST" or not form.is_valid():
        return _show_part(request, name, form)
    was = seen.read(request.POST.get("seen", "")).get("connection")
    try:
        parts.play(
            part=name, slug=form.cleaned_data["connection"], by=request.user, at=instant.now(),
            seen=was if was is not None else "\0",
        )  # fmt: skip
    except operating_model.Stale as error:
        return _show_part(request, name, form, stale=error)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show_part(request, name, form)
    played = form.cleaned_data["connection"] or "nothing"
    return done(request, f"{inventory.label(name)} is {played} now.", "connectors:systems")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.AGREE_ON_CONNECTION)
def agree(request: Request, slug: str) -> HttpResponse:
    """Owner, tier and rhythm of one connection."""
    found = get_object_or_404(Connection.objects.select_related("owner"), slug=slug)
    form = AgreedForm(request.POST or None, connection=found)
    if request.method != "POST" or not form.is_valid():
        return _show_agreed(request, form, found)
    asked = form.cleaned_data
    version = asked.pop("version") or 0
    try:
        verbs.agree(slug=slug, **asked, version=version, by=request.user, at=instant.now())
    except Stale:
        return _show_changed(request, found)
    except SettingError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show_agreed(request, form, found)
    return done(request, f"What is agreed about {found.name} is saved.", "connectors:systems")


# --- Who answers for their health ------------------------------------------------------------
@require_safe
@requires(Permission.SEE_CONNECTIONS)
def health_owners(request: Request) -> HttpResponse:
    """Who answers for each connection's health now: a page, and a part of the owners' page."""
    context = {
        "rows": _health(request.now or instant.now()),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }
    is_part = request.htmx and not request.htmx.history_restore_request
    name = "_health_owners" if is_part else "health_owners"
    return render(request, f"connectors/{name}.html", context)


def _health(at: datetime) -> list[dict[str, Any]]:
    own = {rows[0].process: rows[0].effective_from for rows in raci_sets.everything(at=at)}
    return [_health_of(one, own, at) for one in Connection.objects.order_by("name", "pk")]


def _health_of(one: Connection, own: dict[str, datetime], at: datetime) -> dict[str, Any]:
    process = processes.of_connection(one.slug)
    last = own.get(process)
    return {
        "connection": one,
        "process": process,
        "accountable": raci.accountable_for(process, at=at),
        "responsible": raci.responsible_for(process, at=at),
        "has_own": last is not None,
        "planned": last if last and last > at else None,
    }


# --- Underneath ------------------------------------------------------------------------------
def _show_part(
    request: Request, name: str, form: PartForm, *, stale: operating_model.Stale | None = None
) -> HttpResponse:
    now = {"connection": roles.connection_for(name)}
    given = request.POST.get("seen", "")
    context = {
        "form": form,
        "part": inventory.part(name),
        "why_second": parts.why_second(name),
        "seen": given if given and not stale else seen.keep(now),
        "stale": _meanwhile(stale, "systemrole", name) if stale else None,
    }
    status = 409 if stale else 422 if form.errors else 200
    return render(request, "connectors/part_form.html", context, status=status)


def _show_agreed(
    request: Request,
    form: AgreedForm,
    found: Connection,
    *,
    now: list[tuple[str, Any]] | None = None,
) -> HttpResponse:
    context = {"form": form, "connection": found, "now": now}
    status = 409 if now is not None else 422 if form.errors else 200
    return render(request, "connectors/agreed_form.html", context, status=status)


def _show_changed(request: Request, found: Connection) -> HttpResponse:
    """What was typed is kept; beside it stands what is so now, and saving again is a decision."""
    typed = request.POST.copy()
    found.refresh_from_db()
    typed["version"] = str(found.version)
    form = AgreedForm(typed, connection=found)
    form.is_valid()
    now = [
        (str(form.fields[name].label or name.capitalize()), getattr(found, name))
        for name in ("owner", "tier", "expected_every")
        if form.cleaned_data.get(name) != getattr(found, name)
    ]
    return _show_agreed(request, form, found, now=now)


def _meanwhile(stale: operating_model.Stale, kind: str, pk: str) -> dict[str, Any]:
    lines = TrailLine.objects.filter(subject_kind=kind, subject_id=pk).newest_first()
    return {"line": lines.first(), "change": {"before": stale.seen, "after": stale.now}}
