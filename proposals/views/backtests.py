"""The backtest as a part that asks for its own continuation; as a plain form all of it at once."""

from typing import Any

from django.core import signing
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from meshline import instant
from meshline.people import permissions
from meshline.people.permissions import Permission, Scope
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.models import Proposal
from proposals.routing import backtest, rulebook, rules
from proposals.routing.backtest import Tally
from proposals.views.routing import number_in

_SALT = "proposals.backtest"
# So many rows are shown; the numbers count all.
MOST_SHOWN = 100


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def run(request: Request) -> HttpResponse:
    """The next part of what the draft would have made of the last events."""
    draft = rulebook.draft()
    if draft is None or draft.revision != number_in(request.POST.get("revision", "")):
        return _show(request, {"is_stale": True, "draft": draft}, status=409)
    rule_set, now = rules.read(draft.content), instant.now()
    if request.htmx:
        tally = _carried(request.POST.get("tally", "")) or backtest.begin(at=now)
        if not tally.is_over:
            tally = backtest.go_on(rule_set, tally, now=now)
    else:
        tally = backtest.whole(rule_set, now=now)
    found = backtest.summary(rule_set, tally)
    context = {
        "draft": draft,
        "tally": tally,
        "summary": found,
        "others": found.others[:MOST_SHOWN],
        "carried": ""
        if tally.is_over
        else signing.dumps(tally.as_json(), salt=_SALT, compress=True),
        "seen": _seen(request, found.others),
    }
    return _show(request, context)


def _show(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    name = "_routing_backtest" if request.htmx else "routing_backtest"
    return render(request, f"proposals/{name}.html", context, status=status)


def _carried(text: str) -> Tally | None:
    """A tally as the part before left it; None where it is none of ours."""
    try:
        return Tally(**signing.loads(text, salt=_SALT, max_age=3600))
    except (signing.BadSignature, TypeError, ValueError):
        return None


def _seen(request: Request, others: list[backtest.Other]) -> set[int]:
    """The proposals that this person may open."""
    if permissions.scope(request.user, Permission.SEE_PROPOSALS) is Scope.ALL:
        return {one.proposal.pk for one in others if one.proposal}
    visible = Proposal.objects.visible_to(request.user)
    ids = [one.proposal.pk for one in others if one.proposal]
    return set(visible.filter(pk__in=ids).values_list("pk", flat=True))
