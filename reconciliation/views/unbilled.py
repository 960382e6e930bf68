"""Signed against invoiced: the list, its loop, the acts of a person, and the queue's part of it."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors import adopting
from connectors.adopting import CannotLink
from meshline import instant
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import csv_export, sitting
from meshline.web.access import back_from, done, refusal, requires
from meshline.web.requests import Request
from proposals.contracts.approvals import Decided
from proposals.contracts.by_hand import CannotPromise
from proposals.models import Proposal
from proposals.steering import NotNow
from reconciliation import (
    invoicing,
    sized_paging,
    unbilled,
    unbilled_filters,
    unbilled_loop,
    unbilled_showing,
)  # fmt: skip
from reconciliation.invoicing import CannotInvoice

LIST, LOOP = "reconciliation:signed-against-invoiced", "reconciliation:unbilled-loop"
# What verbs say no with, beside a reason that is none.
_NOES = (CannotInvoice, CannotLink, CannotPromise, Decided, NotNow)
# The largest few stand on the loop's page; the list has all of them.
NEXT = 10


@require_safe
@requires(Permission.SEE_CHECKS)
def unbilled_list(request: Request) -> HttpResponse:
    """Every signed proposal that is not, or otherwise, invoiced, the largest first."""
    asked = unbilled_filters.asked(request)
    masked = unbilled_showing.masks(request.user)
    page = sized_paging.page(asked.rows, request, is_masked=masked)
    totals = unbilled.totals(asked.rows)
    context = {
        "filter": asked,
        "page": page,
        "rows": unbilled_showing.seen_by(page.items, request.user, at=_now(request)),
        "sums": unbilled_showing.sums(totals, request.user),
        "count": sum(one.count for one in totals),
        "tabs": _tabs(LIST),
        "export_url": f"{reverse('reconciliation:export-unbilled')}?{request.GET.urlencode()}",
        "export_refusal": refusal_for(request.user, Permission.EXPORT_QUEUE),
        "exports_own": scope(request.user, Permission.EXPORT_QUEUE) is Scope.OWN,
    }
    part = request.htmx and not request.htmx.history_restore_request
    name = "reconciliation/_unbilled.html" if part else "reconciliation/unbilled.html"
    return render(request, name, context)


@require_safe
@requires(Permission.SEE_CHECKS)
def loop(request: Request) -> HttpResponse:
    """The week's progress, what comes next, and what was settled by whom and how."""
    at = _now(request)
    seen = Proposal.objects.visible_to(request.user).select_related("owner__team")
    found = unbilled.rows(seen)
    masked = unbilled_showing.masks(request.user)
    following = unbilled.by_size(found, is_masked=masked)[:NEXT]
    context = {
        "loop": unbilled_loop.of(request.user, at=at),
        "rows": unbilled_showing.seen_by(following, request.user, at=at),
        "is_masked": masked,
        "tabs": _tabs(LOOP),
    }
    return render(request, "reconciliation/unbilled_loop.html", context)


@require_POST
@requires(Permission.EXPORT_QUEUE)
def export(request: Request) -> HttpResponseBase:
    """Exactly what the filter shows as CSV, as far as this person may take it along."""
    asked = unbilled_filters.asked(request)
    if faults := csv_export.faults_of(asked.form):
        return refusal(request, faults, status=422)
    rows = unbilled.by_size(asked.rows)
    if request.scope is Scope.OWN:
        rows = rows.filter(owner=request.user)
    return csv_export.send(
        request,
        rows,
        whole=unbilled.rows(Proposal.objects.select_related("owner__team")),
        name="signed-against-invoiced",
        columns=unbilled_showing.COLUMNS,
        asked=unbilled_filters.of_rows(request),
        write=lambda chunks: unbilled_showing.cells(chunks, request.user, at=instant.now()),
    )


@require_safe
@requires(Permission.SEE_CHECKS)
def in_the_queue(request: Request) -> HttpResponse:
    """What is signed and not invoiced, as the queue's header shows it."""
    found = unbilled.rows(Proposal.objects.visible_to(request.user))
    totals = unbilled.totals(found)
    context = {
        "sums": unbilled_showing.sums(totals, request.user),
        "count": sum(one.count for one in totals),
    }
    return render(request, "reconciliation/_signed_not_invoiced.html", context)


@require_POST
@requires(Permission.SEE_CHECKS)
def create(request: Request, proposal_id: int) -> HttpResponse:
    """Have its invoice made, by whatever there is to make it."""
    _seen(request, proposal_id)
    try:
        said = invoicing.create(
            proposal_id=proposal_id, reason=request.POST.get("reason", ""), by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except ValueError as error:
        return refusal(request, error, status=422)
    except _NOES as error:
        return refusal(request, error)
    return done(request, said, back_from(request))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DECIDE_VALUE)
def link(request: Request, proposal_id: int) -> HttpResponse:
    """Choose among the invoices that billing has and nobody linked."""
    _seen(request, proposal_id)
    row = unbilled.one(proposal_id)
    if row is None:
        return done(request, "It is invoiced as it was signed by now.", LIST)
    if request.method != "POST":
        return _choose(request, row)
    try:
        said = invoicing.link(
            proposal_id=proposal_id, invoice=request.POST.get("invoice", "")[:200],
            reason=request.POST.get("reason", ""), by=request.user, at=instant.now(),
        )  # fmt: skip
    except ValueError as error:
        return _choose(request, row, said=str(error), status=422)
    except _NOES as error:
        return _choose(request, row, said=str(error), status=409)
    return done(request, said, _list_from(request))


# --- Underneath ------------------------------------------------------------------------------
def _choose(request: Request, row: Any, *, said: str = "", status: int = 200) -> HttpResponse:
    kept, back = adopting.books(), _list_from(request)
    words = " ".join(request.GET.get("q", "").replace("\0", "").split())[:200]
    [shown] = unbilled_showing.seen_by([row], request.user, at=_now(request))
    found = adopting.unlinked(row, expected=row.open_amount, kept=kept, words=words) if kept else []
    context = {
        "shown": shown, "books": kept, "found": found, "words": words, "said": said,
        "refusal": shown.link_refusal,
        "back": back,
        "link_url": f"{request.path}?{urlencode({'back': back})}",
        "differs_refusal": refusal_for(request.user, Permission.OVERRIDE_PROPOSAL),
    }  # fmt: skip
    return render(request, "reconciliation/link_invoice.html", context, status=status)


def _list_from(request: Request) -> str:
    """The list as the person left it, with what they had asked for."""
    pages = (request.GET.get("back"), request.headers.get("Referer"))
    named = (sitting.safe_page(request, one) for one in pages)
    home = reverse(LIST)
    return next((one for one in named if one.partition("?")[0] == home), home)


def _seen(request: Request, proposal_id: int) -> Proposal:
    return get_object_or_404(Proposal.objects.visible_to(request.user), pk=proposal_id)


def _now(request: Request) -> Any:
    return request.now or instant.now()


def _tabs(current: str) -> list[dict[str, Any]]:
    named = [("What is missing", LIST), ("Seven days", LOOP)]
    return [
        {"label": label, "url": reverse(name), "current": name == current} for label, name in named
    ]
