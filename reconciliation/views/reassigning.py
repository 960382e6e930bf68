"""Giving what waits to somebody else: first what it would do, then that."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from meshline import instant
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission, refusal_for
from meshline.web.access import done, requires
from meshline.web.forms import reason_field
from meshline.web.requests import Request
from proposals import forms as proposal_forms
from proposals import handing_on
from proposals.lifecycle import Conflict
from proposals.models import Proposal
from proposals.states import MoveError
from reconciliation import following
from reconciliation.asking import Asked


class ReassignForm(forms.Form):
    """Whom to give them to, and why."""

    owner = proposal_forms.PersonChoice(
        User.objects.none(), label="New owner", empty_label="Choose somebody"
    )
    reason = reason_field()

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = proposal_forms.candidates(by)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REASSIGN_PROPOSAL)
def reassign(request: Request) -> HttpResponse:
    """The chosen records with their owners; then, who gets them and what they have by now."""
    given = request.POST if request.method == "POST" else request.GET
    chosen = _chosen(request, given.getlist("record"))
    if not chosen:
        return _show(request, chosen, None, error="Choose at least one record first.", status=422)
    if "owner" not in given:
        return _show(request, chosen, ReassignForm(by=request.user))
    form = ReassignForm(given, by=request.user)
    if not form.is_valid():
        return _show(request, chosen, form, status=422)
    if "give" not in given or request.method != "POST":
        return _show(request, chosen, form, to=form.cleaned_data["owner"])
    return _give(request, chosen, form)


def _give(request: Request, chosen: list[Proposal], form: ReassignForm) -> HttpResponse:
    owner, versions = form.cleaned_data["owner"], _versions(request)
    seen = {one.pk: versions.get(one.pk, -1) for one in chosen}
    try:
        handing_on.give(
            seen, owner=owner, reason=form.cleaned_data["reason"], by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except (Conflict, MoveError) as error:
        return _show(request, _fresh(chosen), form, to=owner, error=str(error), status=409)
    except NotAllowed as error:
        return _show(request, chosen, form, to=owner, error=str(error), status=403)
    count = f"{len(chosen)} records" if len(chosen) > 1 else str(chosen[0])
    return done(request, f"Gave {count} to {owner.name}.", reverse("reconciliation:follow-up"))


def _show(
    request: Request, chosen: list[Proposal], form: ReassignForm | None, *,
    to: User | None = None, error: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    asked = Asked.of(request, request.now or instant.now())
    team = asked.within.team
    rows = [
        {"proposal": one,
         "refusal": refusal_for(request.user, Permission.REASSIGN_PROPOSAL, owner=one.owner),
         "stays": to is not None and one.owner_id == to.pk}
        for one in chosen
    ]  # fmt: skip
    waits = following.waiting(team, to.pk).count() if to else 0
    moved = sum(not row["stays"] for row in rows)
    context = {
        "rows": rows, "form": form, "to": to, "error": error, "waits": waits,
        "waits_then": waits + moved, "moved": moved,
    }  # fmt: skip
    return render(request, "reconciliation/reassign.html", context, status=status)


def _chosen(request: Request, given: list[str]) -> list[Proposal]:
    ids = [int(one) for one in given[: handing_on.MOST] if one.isdecimal() and len(one) < 19]
    seen = Proposal.objects.visible_to(request.user).filter(pk__in=ids)
    return list(seen.select_related("owner").order_by("pk"))


def _fresh(chosen: list[Proposal]) -> list[Proposal]:
    ids = [one.pk for one in chosen]
    return list(Proposal.objects.filter(pk__in=ids).select_related("owner").order_by("pk"))


def _versions(request: Request) -> dict[int, int]:
    """In which version each was seen, as in "17.3"."""
    pairs = (one.partition(".") for one in request.POST.getlist("seen")[: handing_on.MOST])
    return {
        int(pk): int(version)
        for pk, _, version in pairs
        if pk.isdecimal() and version.isdecimal() and len(pk) < 19 and len(version) < 10
    }
