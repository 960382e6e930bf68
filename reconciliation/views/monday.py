"""The Monday checklist: all weeks, one week beside another, running it now, and signing it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import calendars
from meshline.web import paging
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from reconciliation import evidence, monday, monday_weeks
from reconciliation.evidence import Row
from reconciliation.models.mondays import MondayItem, MondayList
from reconciliation.monday import AlreadySigned, LookedAnew
from reconciliation.monday_forms import SignForm
from reconciliation.monday_items import ITEMS

TONES = {"holds": "ok", "fails": "warn", "unknown": "neutral"}
# Of what came, went and stayed the first so many are named.
NAMED = 20


@dataclass(frozen=True)
class Beside:
    """What of an item is new against another week, gone, and there still; the first few of each."""

    new: list[Row]
    gone: list[Row]
    still: int
    more: int


@dataclass(frozen=True)
class Shown:
    """An item before one person's eyes."""

    item: MondayItem
    label: str
    says: str
    remedy: str
    rows: list[Row]
    beside: Beside | None
    field: Any = None

    @property
    def tone(self) -> str:
        return TONES[self.item.state]


@require_safe
@requires(Permission.SEE_CHECKS)
def weeks(request: Request) -> HttpResponse:
    """Every week there is, the newest first."""
    counted = {
        state: Count("items", filter=Q(items__state=state)) for state in MondayItem.State.values
    }
    rows = MondayList.objects.select_related("signed_by").annotate(**counted)
    page = paging.page(rows, request, size=26, by="-week")
    context = {
        "page": page,
        "debt_from": monday_weeks.DEBT_FROM,
        "run_refusal": refusal_for(request.user, Permission.RUN_CHECK),
    }
    return render(request, "reconciliation/mondays.html", context)


@require_safe
@requires(Permission.SEE_CHECKS)
def week(request: Request, week: str) -> HttpResponse:
    """One week, with its evidence, beside the one before or another; printable."""
    kept = _find(week)
    monday.open_list(kept, by=request.user, at=instant.now())
    return _show(request, kept)


@require_POST
@requires(Permission.RUN_CHECK)
def run(request: Request) -> HttpResponse:
    try:
        kept = monday.run(by=request.user, at=instant.now())
    except AlreadySigned as error:
        return refusal(request, error)
    return done(request, "Looked through now.", reverse("reconciliation:monday-week",
                                                        args=[kept.week]))  # fmt: skip


@require_POST
@requires(Permission.SIGN_MONDAY)
def sign(request: Request, week: str) -> HttpResponse:
    kept = _find(week)
    form = SignForm(list(ITEMS), request.POST)
    if not form.is_valid():
        return _show(request, kept, form, status=422)
    try:
        monday.sign(
            week=week, seen=form.cleaned_data["seen"], minutes=form.cleaned_data["minutes"],
            note=form.cleaned_data["note"],
            notes=form.notes, by=request.user, at=instant.now(),
        )  # fmt: skip
    except AlreadySigned as error:
        return refusal(request, error)
    except LookedAnew as error:
        messages.error(request, str(error))
        kept = _find(week)
        return _show(request, kept, form.of_now(kept.looked_at), status=409)
    return done(request, "It is signed, and kept as it is.", request.path.removesuffix("sign/"))


# --- Underneath ------------------------------------------------------------------------------
def _find(week: str) -> MondayList:
    # The database takes no NUL in a text, not even to say that there is none like it.
    asked = week[:8].replace("\0", "")
    found = MondayList.objects.select_related("signed_by").filter(week=asked).first()
    if found is None or found.week != week:
        raise Http404
    return found


def _show(
    request: Request, kept: MondayList, form: SignForm | None = None, *, status: int = 200
) -> HttpResponse:
    kept.refresh_from_db(fields=["opened_at"])
    others = MondayList.objects.exclude(pk=kept.pk).order_by("-week")
    against = _against(request, kept)
    if form is None and not kept.is_signed:
        minutes = monday_weeks.suggested(kept.opened_at, request.now or instant.now())
        told = {"minutes": minutes, "seen": kept.looked_at.isoformat()}
        form = SignForm(list(ITEMS), initial=told)
    hours = calendars.hours_of(None)
    context = {
        "kept": kept,
        "form": form,
        "items": list(_items(request, kept, against, form)),
        "against": against,
        "others": list(others.values_list("week", flat=True)[:52]),
        "sign_refusal": refusal_for(request.user, Permission.SIGN_MONDAY),
        "run_refusal": refusal_for(request.user, Permission.RUN_CHECK),
        "is_this_week": kept.week == monday_weeks.named(request.now or instant.now(), hours),
        "is_debt": bool(kept.minutes and kept.minutes > monday_weeks.DEBT_FROM),
        "debt_from": monday_weeks.DEBT_FROM,
    }
    return render(request, "reconciliation/monday.html", context, status=status)


def _against(request: Request, kept: MondayList) -> MondayList | None:
    """The week that is asked for, else the one before."""
    asked = request.GET.get("against", "")[:8].replace("\0", "")
    others = MondayList.objects.exclude(pk=kept.pk)
    if asked and (named := others.filter(week=asked).first()):
        return named
    return others.filter(week__lt=kept.week).order_by("-week").first()


def _items(
    request: Request, kept: MondayList, against: MondayList | None, form: SignForm | None
) -> Iterator[Shown]:
    then = {one.name: one for one in against.items.all()} if against else {}
    for one in kept.items.all():
        known = ITEMS.get(one.name)
        yield Shown(
            one,
            known.label if known else one.name,
            known.says if known else "",
            known.remedy if known else "",
            evidence.seen_by(one.rows, request.user),
            _beside(request, then[one.name], one) if one.name in then else None,
            form.of(one.name) if form and known else None,
        )


def _beside(request: Request, then: MondayItem, now: MondayItem) -> Beside:
    change = monday_weeks.compared(then.rows, now.rows)
    new, gone = (evidence.seen_by(rows, request.user) for rows in (change.new, change.gone))
    more = max(0, len(new) - NAMED) + max(0, len(gone) - NAMED)
    return Beside(new[:NAMED], gone[:NAMED], len(change.still), more)
