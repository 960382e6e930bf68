"""What a number of a dashboard is of: exactly its rows."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline import instant, masking
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope
from meshline.policy import called
from meshline.web import paging
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.models import Proposal
from proposals.states import State
from reconciliation import following, measuring, rolling
from reconciliation.asking import Asked, rows_asked
from reconciliation.models import Passage
from reconciliation.numbers.number import CUTS, How, Number
from reconciliation.numbers.table import NUMBERS

TONES = {"in-time": "ok", "late": "danger", "open": "info", "off": "neutral"}
_LONGEST = 80


@dataclass(frozen=True)
class Row:
    """One event before one person's eyes."""

    passage: Passage
    title: str
    # Empty where this person may not open it.
    url_id: int | None
    path: str
    measured: str
    tone: str


@require_safe
@requires(Permission.SEE_DASHBOARDS)
def rows(request: Request, number: str) -> HttpResponse:
    """The rows of a number in some hours, as many as it says it is of."""
    if number not in NUMBERS:
        raise Http404
    found = NUMBERS[number]
    within = rows_asked(request, request.now or instant.now())
    chosen = found.rows(within.since, within.until)
    if within.team is not None:
        chosen = chosen.filter(team=within.team)
    narrowed = _narrowed(request)
    chosen = chosen.filter(**{CUTS[cut]: value for cut, value in narrowed.items()})
    related = chosen.select_related("proposal", "owner", "team")
    page = paging.page(related, request, by="-began_at")
    context = {
        "number": found, "within": within, "narrowed": _in_words(narrowed), "page": page,
        "rows": _rows(request, found, page.items), "n": chosen.count(), "as_of": rolling.as_of(),
        "is_measured": found.how in (How.SPAN, How.MEAN),
    }  # fmt: skip
    return render(request, "reconciliation/rows.html", context)


@require_safe
@requires(Permission.SEE_DASHBOARDS)
def waiting(request: Request) -> HttpResponse:
    """Records that no person touched yet, whole or somebody's."""
    asked = Asked.of(request, request.now or instant.now())
    owner = _whole_number(request.GET.get("owner", ""))
    chosen = following.waiting(asked.within.team, owner)
    page = paging.page(chosen.select_related("proposal__owner"), request, by="began_at")
    context = {
        "page": page, "n": chosen.count(),
        "waiting": following.shown(page.items, request.user, asked.at),
        "owner": User.objects.filter(pk=owner).first() if owner else None,
    }  # fmt: skip
    return render(request, "reconciliation/waiting.html", context)


def _narrowed(request: Request) -> dict[str, Any]:
    """What the URL tells the rows apart by; an owner is a number."""
    given = {cut: request.GET.get(cut, "")[:_LONGEST] for cut in CUTS if CUTS[cut]}
    given = {cut: value for cut, value in given.items() if value and "\0" not in value}
    if "owner" in given:
        given["owner"] = str(_whole_number(given["owner"]) or 0)
    return given


def _in_words(narrowed: dict[str, Any]) -> list[str]:
    names = {"path": lambda one: State(one).label, "source": lambda one: called.names()[one],
             "tier": str.capitalize, "owner": _name}  # fmt: skip
    return [_said(names[cut], value) for cut, value in narrowed.items()]


def _said(name: Any, value: str) -> str:
    try:
        return str(name(value))
    except (KeyError, ValueError):
        return value


def _name(pk: str) -> str:
    found = User.objects.filter(pk=pk).first()
    return found.name if found else "Nobody"


def _rows(request: Request, number: Number, passages: list[Passage]) -> list[Row]:
    masked = request.scope is Scope.MASKED
    ids = [one.proposal_id for one in passages]
    seen = Proposal.objects.visible_to(request.user).filter(pk__in=ids)
    may_open = set(seen.values_list("pk", flat=True))
    return [_row(number, one, may_open, masked=masked) for one in passages]


def _row(number: Number, one: Passage, may_open: set[int], *, masked: bool) -> Row:
    title = masking.words(str(one.proposal)) if masked else str(one.proposal)
    value = getattr(one, number.column) if number.column else None
    if number.how is How.SPAN and value is not None:
        value = value.total_seconds()
    return Row(
        one, title, one.proposal_id if one.proposal_id in may_open else None,
        State(one.path).label, measuring.told(number, value) if number.column else "",
        TONES[one.verdict],
    )  # fmt: skip


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
