"""Escalation in the browser: what is agreed in sentences, and changing it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from exceptions import escalation_terms
from exceptions.escalation_forms import EscalationForm
from exceptions.escalation_terms import COUNTS, NAMES, PERCENTS, SPANS
from exceptions.models import Escalation
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import spans
from meshline.policy.operating_model import Facts, ModelError, Stale
from meshline.web import seen
from meshline.web.access import done, requires
from meshline.web.requests import Request

_SPOKEN = {NAMES[name] for name in SPANS}


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def escalation(request: Request) -> HttpResponse:
    """Who is told when, and who gets it, in sentences; with who changed it last."""
    row = escalation_terms.in_force()
    context = {
        "row": row,
        "said": {name: _words(name, getattr(row, name)) for name in NAMES},
        "line": _last_line(),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }
    return render(request, "exceptions/escalation.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def change(request: Request) -> HttpResponse:
    form = EscalationForm(request.POST or None, row=escalation_terms.in_force())
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form, status=422 if form.errors else 200)
    was = seen.read(request.POST.get("seen", ""))
    try:
        row = escalation_terms.change(
            form.cleaned_data, by=request.user, at=instant.now(), seen=was
        )
    except Stale as error:
        return _show_form(request, form, stale=error, status=409)
    except ModelError as error:
        form.add_error(error.field, str(error))
        return _show_form(request, form, status=422)
    sentence = f"Version {row.version} of the escalation is in force, for open tickets as well."
    return done(request, sentence, "exceptions:escalation")


# --- Underneath ------------------------------------------------------------------------------
def _show_form(
    request: Request, form: EscalationForm, *, status: int = 200, stale: Stale | None = None
) -> HttpResponse:
    """The form; `seen` is what stands there now, unless it was typed over something older."""
    given = request.POST.get("seen", "")
    facts = stale.now if stale else escalation_terms.facts(escalation_terms.in_force())
    context = {
        "form": form,
        "seen": given if given and not stale else seen.keep(facts),
        "stale": _meanwhile(stale) if stale else None,
    }
    return render(request, "exceptions/escalation_form.html", context, status=status)


def _meanwhile(stale: Stale) -> dict[str, Any]:
    change = {"before": _spoken(stale.seen), "after": _spoken(stale.now)}
    return {"line": _last_line(), "change": change}


def _spoken(facts: Facts) -> Facts:
    return {name: spans.words(one) if name in _SPOKEN else one for name, one in facts.items()}


def _words(name: str, value: int) -> str:
    if name in SPANS:
        return spans.words(value)
    if name in COUNTS:
        return str(value)
    return f"{value} %" if name in PERCENTS else f"{value} day{'s' * (value != 1)}"


def _last_line() -> TrailLine | None:
    subject = Escalation._meta.model_name
    return TrailLine.objects.filter(subject_kind=subject, subject_id="1").newest_first().first()
