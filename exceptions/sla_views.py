"""SLAs in the browser: each with what it governs; a change is previewed, then it moves tickets.

They live with the queue, whose kinds and severities they name and whose deadlines they move.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from exceptions import deadlines, metrics
from exceptions.kinds import KINDS, Severity
from exceptions.sla_forms import SlaForm
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import operating_model, spans
from meshline.policy.models import Sla
from meshline.policy.operating_model import Facts, ModelError, Stale
from meshline.policy.sla import Terms
from meshline.web import seen
from meshline.web.access import done, requires, see_other
from meshline.web.requests import Request

DEFAULT_STAYS = "The default of a severity stays; change its times instead."
GONE = "Somebody removed this SLA meanwhile; its tickets have the default of their severity."
PUBLISH_AGAIN = "Publish again to make it as you typed it."
REMOVE_AGAIN = "Remove it again if you still want to."
_ORDER = [severity.value for severity in Severity]


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def slas(request: Request) -> HttpResponse:
    """Every SLA in words, with the open tickets under it."""
    reason = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    rows = sorted(Sla.objects.all(), key=lambda row: (_place(row.severity), row.kind))
    governed = metrics.open_by_sla(rows)
    context = {
        "rows": [_row(row, governed[row.pk], reason) for row in rows],
        "refusal": reason,
    }
    return render(request, "exceptions/slas.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def add(request: Request) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def change(request: Request, sla_id: int) -> HttpResponse:
    row = Sla.objects.filter(pk=sla_id).first()
    return _edit(request, row) if row else _gone(request)


@require_safe
@requires(Permission.CHANGE_OPERATING_MODEL)
def preview(request: Request) -> HttpResponse:
    """The part of the form that says what the times typed so far would do. Writes nothing."""
    of = request.GET.get("of", "")
    row = get_object_or_404(Sla, pk=of) if of.isascii() and of.isdigit() and len(of) < 19 else None
    form = SlaForm(request.GET, row=row)
    context = _previewed(request, form) if form.is_valid() else {}
    status = 422 if form.errors else 200
    return render(request, "exceptions/_sla_preview.html", {"form": form, **context}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def remove(request: Request, sla_id: int) -> HttpResponse:
    """Ask first, with what it would move; then its tickets fall under their default."""
    row = Sla.objects.filter(pk=sla_id).first()
    if row is None:
        return _gone(request)
    if request.method != "POST":
        return _ask_to_remove(request, row)
    was = seen.read(request.POST.get("seen", ""))
    try:
        moved = deadlines.withdraw(
            kind=row.kind, severity=row.severity, seen=was, by=request.user, at=instant.now()
        )
    except Stale as error:
        return _ask_to_remove(request, row, stale=error, status=409)
    except ModelError as error:
        return _ask_to_remove(request, row, error=str(error), status=422)
    return done(request, f"{_name(row)} is removed. {_moved(moved)}", "exceptions:slas")


# --- Underneath: changing --------------------------------------------------------------------
def _edit(request: Request, row: Sla | None) -> HttpResponse:
    """Publish what was previewed; anything else is previewed first."""
    form = SlaForm(request.POST or None, row=row)
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form, status=422 if form.errors else 200)
    if "publish" in request.POST and request.POST.get("previewed") == form.mark:
        return _publish(request, form)
    context = _previewed(request, form)
    return _show_form(request, form, status=422 if form.errors else 200, **context)


def _publish(request: Request, form: SlaForm) -> HttpResponse:
    try:
        moved = deadlines.publish(
            kind=form.kind_name, severity=form.severity, agreed=form.agreed,
            seen=seen.read(request.POST.get("seen", "")), by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return _show_form(request, form, stale=error, status=409)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show_form(request, form, status=422)
    terms = _terms(form.agreed)
    return done(request, f"{_title(form)} {terms}. {_moved(moved)}", "exceptions:slas")


def _previewed(request: Request, form: SlaForm) -> dict[str, Any]:
    """What the form's times would do; a refusal lands on the form."""
    try:
        found = deadlines.preview(
            kind=form.kind_name, severity=form.severity, agreed=form.agreed,
            at=request.now or instant.now(),
        )  # fmt: skip
    except ModelError as error:
        form.add_error(error.field, str(error))
        return {}
    row = form.row
    is_new = row is None or (row.ack_within, row.fix_within) != (
        form.agreed.ack_within, form.agreed.fix_within,
    )  # fmt: skip
    return {
        "preview": found,
        "terms": _terms(form.agreed),
        "may_publish": is_new or found.moved > 0,
    }


def _show_form(
    request: Request, form: SlaForm, *, status: int = 200, stale: Stale | None = None,
    **context: Any,
) -> HttpResponse:  # fmt: skip
    """The form; `seen` is what stands there now, unless it was typed over something older."""
    given = request.POST.get("seen", "")
    kept = given if given and not stale else seen.keep(_facts(form, stale))
    context |= {"form": form, "row": form.row, "seen": kept, "title": "Add an SLA"}
    if form.row:
        context |= {"title": _name(form.row)}
    if stale:
        context["stale"] = _meanwhile(stale, form.row or _own(form)) | {"again": PUBLISH_AGAIN}
        context |= _previewed(request, form)
    return render(request, "exceptions/sla_form.html", context, status=status)


def _ask_to_remove(
    request: Request, row: Sla, *, status: int = 200, stale: Stale | None = None, error: str = ""
) -> HttpResponse:
    default = deadlines.default_of(row.severity)
    row.refresh_from_db()
    context = {
        "row": row,
        "title": _name(row),
        "now": _terms(Terms(row.ack_within, row.fix_within)),
        "terms": _terms(default),
        "refusal": "" if row.kind else DEFAULT_STAYS,
        "error": error,
        "seen": seen.keep(operating_model.sla_facts(row)),
        "stale": _meanwhile(stale, row) | {"again": REMOVE_AGAIN} if stale else None,
        "preview": deadlines.preview(
            kind=row.kind, severity=row.severity, agreed=default, at=request.now or instant.now()
        ),
    }
    return render(request, "exceptions/sla_remove.html", context, status=status)


def _gone(request: Request) -> HttpResponse:
    messages.error(request, GONE)
    return see_other(reverse("exceptions:slas"))


# --- Underneath: in words ----------------------------------------------------------------------
def _row(row: Sla, open_tickets: int, reason: str) -> dict[str, Any]:
    kind = KINDS.get(row.kind)
    return {
        "sla": row,
        "kind": kind.label if kind else row.kind,
        "ack": spans.words(row.ack_within),
        "fix": spans.words(row.fix_within),
        "open": open_tickets,
        "is_unused": bool(row.kind) and (kind is None or kind.severity != row.severity),
        "remove_refusal": reason or ("" if row.kind else DEFAULT_STAYS),
    }


def _place(severity: str) -> int:
    return _ORDER.index(severity) if severity in _ORDER else len(_ORDER)


def _name(row: Sla) -> str:
    kind = KINDS.get(row.kind)
    of = (kind.label if kind else row.kind) or "Default"
    return f"{of}, {row.severity}"


def _title(form: SlaForm) -> str:
    return f"{_name(form.row or Sla(kind=form.kind_name, severity=form.severity))}:"


def _terms(agreed: Terms) -> str:
    within = spans.words(agreed.fix_within)
    return f"acknowledged within {spans.words(agreed.ack_within)}, fixed within {within}"


def _moved(tickets: int) -> str:
    if not tickets:
        return "No open ticket had to move."
    return "1 open ticket moved." if tickets == 1 else f"{tickets} open tickets moved."


def _facts(form: SlaForm, stale: Stale | None) -> Facts:
    return stale.now if stale else operating_model.sla_facts(form.row)


def _own(form: SlaForm) -> Sla | None:
    return Sla.objects.filter(kind=form.kind_name, severity=form.severity).first()


def _meanwhile(stale: Stale, row: Sla | None) -> dict[str, Any]:
    """Who changed it, and what: from what was seen to what is so now."""
    lines = TrailLine.objects.filter(subject_kind="sla", subject_id=str(row.pk if row else 0))
    return {
        "line": lines.newest_first().first(),
        "change": seen.between(_spoken(stale.seen), _spoken(stale.now)),
    }


def _spoken(facts: Facts) -> dict[str, str]:
    return {name: spans.words(value) for name, value in facts.items() if name.endswith("within")}
