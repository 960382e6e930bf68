"""Is the operating model whole? The map of all paths, one path, and the lints."""

from collections import Counter

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline import instant
from meshline.people.permissions import Permission
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.states import State
from reconciliation import drawing, gathering, lints, showing, workflow_map
from reconciliation.lints.lint import Grade


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def paths(request: Request) -> HttpResponse:
    """Every path with what it lacks."""
    at = request.now or instant.now()
    found = workflow_map.every(at=at)
    context = {"paths": [showing.path_for(path, request.user) for path in found], "at": at}
    return render(request, "reconciliation/paths.html", context)


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def path(request: Request, state: str) -> HttpResponse:
    """One path: drawn, and as tables that say the same."""
    if state not in set(State):
        raise Http404
    at = request.now or instant.now()
    seen = showing.path_for(workflow_map.one(State(state), at=at), request.user)
    order = list(State)
    place = order.index(State(state))
    context = {
        "seen": seen,
        "at": at,
        "box_width": drawing.COLUMN,
        "box_height": drawing.HEIGHT,
        "before": order[place - 1] if place else None,
        "after": order[place + 1] if place + 1 < len(order) else None,
    }
    return render(request, "reconciliation/path.html", context)


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def all_lints(request: Request) -> HttpResponse:
    """All that is not as it should be; `?grade=` only one grade of it."""
    at = request.now or instant.now()
    found = lints.every(gathering.facts(at=at))
    asked = request.GET.get("grade", "")
    shown = [lint for lint in found if lint.grade == asked] if asked in set(Grade) else found
    context = {
        "lints": showing.lints_for(shown, request.user),
        "tabs": _tabs(Counter(lint.grade for lint in found), asked),
        "is_narrowed": bool(found) and not shown,
        "at": at,
    }
    return render(request, "reconciliation/lints.html", context)


def _tabs(numbers: Counter, asked: str) -> list[dict]:
    named = [("All", "", numbers.total())] + [
        (label, grade.value, numbers[grade])
        for label, grade in (
            ("Gaps", Grade.ERROR), ("Warnings", Grade.WARNING), ("Notes", Grade.NOTE)
        )
    ]  # fmt: skip
    return [
        {
            "label": label, "url": f"?grade={grade}" if grade else "?", "count": number,
            "current": grade == (asked if asked in set(Grade) else ""),
        }
        for label, grade, number in named
    ]  # fmt: skip
