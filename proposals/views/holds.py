"""Putting a proposal on hold and lifting that; and from which amount on it happens by itself."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import high_value
from meshline.policy.models import Company
from meshline.policy.operating_model import ModelError, Stale
from meshline.web import seen
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals import holds
from proposals.forms import HoldForm, LiftForm
from proposals.hold_kinds import label
from proposals.models import Hold, Proposal
from proposals.threshold_forms import ThresholdsForm
from proposals.views.proposals import act_on, refuse, said_by, seen_by


# --- One proposal ----------------------------------------------------------------------------
@require_POST
@requires(Permission.HOLD_PROPOSAL)
def hold(request: Request, proposal_id: int) -> HttpResponse:
    found = seen_by(request, proposal_id)
    form = HoldForm(request.POST)
    if not form.is_valid():
        return refuse(request, found, "hold", form, said_by(form), 422)
    asked = form.cleaned_data

    def held() -> Hold:
        return holds.put(
            proposal_id=found.pk, kind=asked["kind"], reason=asked["reason"], by=request.user,
            at=instant.now(),
        )  # fmt: skip

    sentence = f"It is on hold now: {label(asked['kind']).lower()}. Nothing goes out for it."
    return act_on(request, found, "hold", form, held, sentence)


@require_POST
@requires(Permission.HOLD_PROPOSAL)
def lift(request: Request, proposal_id: int) -> HttpResponse:
    found = seen_by(request, proposal_id)
    form = LiftForm(request.POST)
    if not form.is_valid():
        return refuse(request, found, "lift", form, said_by(form), 422)
    asked = form.cleaned_data
    if not Hold.objects.filter(pk=asked["hold"], proposal=found).exists():
        raise Http404

    def lifted() -> Hold:
        return holds.lift(
            hold_id=asked["hold"], reason=asked["reason"], by=request.user, at=instant.now()
        )

    return act_on(request, found, "lift", form, lifted, "The hold is lifted.")


# --- The thresholds --------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_OPERATING_MODEL)
def thresholds(request: Request) -> HttpResponse:
    """From which amount on; who may not change it reads why."""
    reason = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    if request.method == "POST" and reason:
        return refusal(request, reason, status=403)
    now = _now()
    form = ThresholdsForm(request.POST if request.method == "POST" else None, kept=now)
    if request.method != "POST" or not form.is_valid():
        return _show(request, form, reason, status=422 if form.errors else 200)
    try:
        high_value.set_thresholds(
            form.wanted, seen=seen.read(request.POST.get("seen", "")), by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return _show(request, form, reason, stale=error, status=409)
    except ModelError as error:
        form.refuse(error.field, str(error))
        return _show(request, form, reason, status=422)
    return done(request, "The thresholds are saved, for what comes in from now on.",
                "proposals:hold-thresholds")  # fmt: skip


def _show(
    request: Request, form: ThresholdsForm, reason: str, *, status: int, stale: Stale | None = None
) -> HttpResponse:
    now = stale.now if stale else _now()
    given = request.POST.get("seen", "")
    context: dict[str, Any] = {
        "form": form,
        "refusal": reason,
        "seen": given if given and not stale else seen.keep(now),
        "stale": _meanwhile(stale) if stale else None,
        "above": _above(),
        "held": Proposal.objects.exclude(hold="").count(),
    }
    return render(request, "proposals/hold_thresholds.html", context, status=status)


def _now() -> dict[str, str]:
    return dict(Company.objects.values_list("high_value", flat=True).get())


def _above() -> list[tuple[str, int]]:
    """How many proposals are worth as much now, by threshold."""
    return [
        (
            f"{amount:,f} {currency}",
            Proposal.objects.filter(currency=currency, amount__gte=amount).count(),
        )
        for currency, amount in high_value.thresholds().items()
    ]


def _meanwhile(stale: Stale) -> dict[str, Any]:
    lines = TrailLine.objects.filter(what="high-value.changed").newest_first()
    return {"line": lines.first(), "change": {"before": stale.seen, "after": stale.now}}
