"""Differences: the list, one side by side, and what a person does about them."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.messages import INFO, SUCCESS
from django.db.models import Count, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from connectors.models import Connection
from meshline import instant
from meshline.people.permissions import Permission, Scope, refusal_for
from meshline.web import paging
from meshline.web.access import done, refusal, requires, see_other
from meshline.web.requests import Request
from proposals.steering import NotNow
from reconciliation import accepting, adding_up, divergence_showing, fixing, groups, run_showing
from reconciliation import many as in_bulk
from reconciliation.filters import DivergenceFilter
from reconciliation.fixing import FixError
from reconciliation.forms import AcceptForm, EditForm
from reconciliation.kinds import KINDS, Field
from reconciliation.many import ACCEPT, ACTS, Asks, Wanted
from reconciliation.models import Divergence, Run, Side

_SHOWN_GROUPS = 12
# The form for all stands beside no other of its kind.
_ALL = "id_all_%s"
# In the session: what was asked about first, and what was typed and refused.
_ASKS, _TYPED = "divergences-asks", "divergences-typed"
_DID = {
    Side.OURS: "Asked for {:,} of them: ours is written there.",
    Side.THEIRS: "Asked for {:,} of them: theirs is taken here.",
    ACCEPT: "Accepted {:,} of them.",
}
_LEVEL = {Side.OURS: INFO, Side.THEIRS: INFO, ACCEPT: SUCCESS}


@require_safe
@requires(Permission.SEE_RUNS)
def divergences(request: Request) -> HttpResponse:
    """What differs, grouped at the head, the newest first."""
    asked = _asked(request, request.GET)
    whole = not request.htmx or request.htmx.history_restore_request
    page = paging.page(asked.qs.select_related("connection", "proposal"), request)
    number = asked.qs.count()
    context = {
        "filter": asked,
        "page": page,
        "rows": divergence_showing.rows(page.items, request.user),
        "groups": _groups(asked.qs),
        "number": number,
        "masked": request.scope is Scope.MASKED,
        "accept_form": _typed(request) if whole else AcceptForm(auto_id=_ALL),
        "refusals": _refusals(request, asked.qs) if page.items else {},
        "words": asked.words,
        **({} if page.items else _compared(request)),
    }
    name = "divergences" if whole else "_divergences"
    return render(request, f"reconciliation/{name}.html", context)


@require_safe
@requires(Permission.SEE_RUNS)
def group(request: Request, slug: str, kind: str, sort: str, field: str) -> HttpResponse:
    """The differences of a ticket, as a filter."""
    words = {"connection": slug, "kind": kind, "sort": sort, "field": field}
    return redirect(f"{reverse('reconciliation:divergences')}?{urlencode(words)}")


@require_safe
@requires(Permission.SEE_RUNS)
def divergence(request: Request, divergence_id: int) -> HttpResponse:
    """Both sides, who should win, and what can be done; to htmx whether it can still be undone."""
    found = _find(request, divergence_id)
    if request.htmx and not request.htmx.history_restore_request:
        return _offer(request, found)
    return _show(request, found)


@require_POST
@requires(Permission.FIX_DIVERGENCE)
def take(request: Request, divergence_id: int, side: str) -> HttpResponse:
    found = _find(request, divergence_id)
    if side not in (Side.OURS, Side.THEIRS):
        return refusal(request, "Take ours or theirs.", status=422)
    try:
        fixing.take(divergence_id=found.pk, side=side, by=request.user, at=instant.now())
    except (FixError, NotNow) as error:
        return refusal(request, error)
    return _did(request, found, "It is being fixed: gone once both sides were read as equal.")


@require_POST
@requires(Permission.FIX_DIVERGENCE)
def edit(request: Request, divergence_id: int) -> HttpResponse:
    found = _find(request, divergence_id)
    form = EditForm(_field(found), request.POST)
    if not form.is_valid():
        return _show(request, found, edit_form=form, status=422)
    try:
        fixing.edit(
            divergence_id=found.pk, value=form.cleaned_data["value"], by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except FixError as error:
        if not error.field:
            return refusal(request, error)
        form.add_error(error.field, str(error))
        return _show(request, found, edit_form=form, status=422)
    return _did(request, found, "It is said here now, and being fixed.")


@require_POST
@requires(Permission.FIX_DIVERGENCE)
def undo(request: Request, divergence_id: int) -> HttpResponse:
    found = _find(request, divergence_id)
    try:
        undone = fixing.undo(divergence_id=found.pk, by=request.user, at=instant.now())
    except FixError as error:
        return refusal(request, error)
    page = reverse("reconciliation:divergence", args=[found.pk])
    return done(request, f"Undone. It is {undone.get_state_display().lower()} again.", page)


@require_POST
@requires(Permission.ACCEPT_DIVERGENCE)
def accept(request: Request, divergence_id: int) -> HttpResponse:
    found, form = _find(request, divergence_id), AcceptForm(request.POST)
    if not form.is_valid():
        return _show(request, found, accept_form=form, status=422)
    try:
        accepting.accept(
            divergence_id=found.pk, reason=form.cleaned_data["reason"],
            until=form.cleaned_data["until"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except FixError as error:
        if not error.field:
            return refusal(request, error)
        form.add_error(error.field, str(error))
        return _show(request, found, accept_form=form, status=422)
    page = reverse("reconciliation:divergence", args=[found.pk])
    return done(request, "Accepted. It is open again after that day.", page)


@require_POST
@requires(Permission.FIX_DIVERGENCE)
def many(request: Request) -> HttpResponse:
    """The same with all that the filter shows; a large number is asked about first.

    Each answer is a page of its own to go to: going back asks for nothing twice.
    """
    words = request.POST.get("words", "")[:1000]
    asked = _asked(request, QueryDict(words))
    try:
        wanted = _wanted(request, words)
        number = in_bulk.do(
            asked.qs, wanted, shown=_number(request), by=request.user, at=instant.now(),
            confirmed=request.POST.get("confirmed") == "yes",
        )  # fmt: skip
    except Asks as error:
        kept = {"sentence": str(error), "number": error.number, "given": _given(request)}
        request.session[_ASKS] = kept
        return see_other(reverse("reconciliation:divergences-really"))
    except FixError as error:
        if not error.field:
            return refusal(request, error)
        request.session[_TYPED] = {**_given(request), "field": error.field, "error": str(error)}
        return see_other(f"{reverse('reconciliation:divergences')}?{words}")
    request.session.pop(_ASKS, None)
    page = f"{reverse('reconciliation:divergences')}?{words}"
    return done(request, _DID[wanted.act].format(number), page, level=_LEVEL[wanted.act])


@require_safe
@requires(Permission.FIX_DIVERGENCE)
def really(request: Request) -> HttpResponse:
    """So many at once: yes or no."""
    asks = request.session.get(_ASKS)
    if asks is None:
        return redirect("reconciliation:divergences")
    return render(request, "reconciliation/divergences_asks.html", {"asks": asks})


# --- Underneath ------------------------------------------------------------------------------
def _find(request: Request, divergence_id: int) -> Divergence:
    seen = Divergence.objects.visible_to(request.user)
    related = ("connection", "proposal", "first_run", "last_run", "accepted_by", "fixed_by")
    return get_object_or_404(seen.select_related(*related, "outcome"), pk=divergence_id)


def _asked(request: Request, words: QueryDict) -> DivergenceFilter:
    seen = Divergence.objects.visible_to(request.user)
    return DivergenceFilter(words, queryset=seen, request=request)


def _compared(request: Request) -> dict[str, Any]:
    """Whether nothing to be seen means anything: what was compared yet, and what was not."""
    at = request.now or instant.now()
    return {
        "was_compared": Run.objects.conclusive().exists(),
        "uncompared": run_showing.uncompared(request.user, at=at),
    }


def _groups(rows: QuerySet[Divergence]) -> list[dict[str, Any]]:
    """The largest groups among them: what differs, how many, and the way to exactly those."""
    counted = rows.order_by().values("connection", "kind", "sort", "field")
    largest = counted.annotate(number=Count("pk")).order_by("-number")[:_SHOWN_GROUPS]
    found: list[dict[str, Any]] = [dict(row) for row in largest]
    named = Connection.objects.in_bulk([row["connection"] for row in found])
    return [_group(row, named[row["connection"]]) for row in found]


def _group(row: dict[str, Any], there: Connection) -> dict[str, Any]:
    one = Divergence(connection=there, kind=row["kind"], sort=row["sort"], field=row["field"])
    words = [there.slug, row["kind"], row["sort"], row["field"] or groups.WHOLE]
    return {
        "title": groups.title(one), "number": row["number"],
        "url": reverse("reconciliation:group", args=words),
    }  # fmt: skip


def _refusals(request: Request, rows: QuerySet[Divergence]) -> dict[str, str]:
    """Why not, for each act on all of these; empty: go ahead."""
    fixes = refusal_for(request.user, Permission.FIX_DIVERGENCE)
    return {
        **{side: fixes or in_bulk.refusal(rows, side) for side in (Side.OURS, Side.THEIRS)},
        "accept": refusal_for(request.user, Permission.ACCEPT_DIVERGENCE),
    }


def _wanted(request: Request, words: str) -> Wanted:
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise FixError("Say what is to be done: ours, theirs or accept.")
    if act != ACCEPT:
        return Wanted(act, words)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        field, faults = next(iter(form.errors.items()))
        raise FixError(" ".join(map(str, faults)), field=field)
    return Wanted(act, words, form.cleaned_data["reason"], form.cleaned_data["until"])


def _given(request: Request) -> dict[str, str]:
    """What was asked for and typed, as it came."""
    names = ("words", "shown", "act", "reason", "until")
    return {name: request.POST.get(name, "").replace("\0", "")[:1000] for name in names}


def _typed(request: Request) -> AcceptForm:
    """The form for all; after a refusal with what was typed, and the reason at its field."""
    typed = request.session.pop(_TYPED, None)
    if typed is None:
        return AcceptForm(auto_id=_ALL)
    form = AcceptForm(typed, auto_id=_ALL)
    if form.is_valid():
        form.add_error(typed["field"], typed["error"])
    return form


def _number(request: Request) -> int:
    said = request.POST.get("shown", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def _did(request: Request, found: Divergence, sentence: str) -> HttpResponse:
    # To undo it is offered by the page: only there it goes as soon as it was carried.
    return done(request, sentence, reverse("reconciliation:divergence", args=[found.pk]))


def _offer(request: Request, found: Divergence) -> HttpResponse:
    """The button stays as it is, with the focus it has, or goes; once nothing is on its way any
    more, the page shows old news, and that is said."""
    if fixing.is_undoable(found, request.user, at=instant.now()):
        return HttpResponse(status=204)
    context = {"one": found, "is_watched": _is_on_its_way(found), "stands": ""}
    if not context["is_watched"]:
        context["stands"] = f"It is {found.get_state_display().lower()} now"
    return render(request, "reconciliation/_undo.html", context)


def _is_on_its_way(found: Divergence) -> bool:
    return found.state == Divergence.State.FIXING


def _field(found: Divergence) -> Field | None:
    return KINDS[found.kind].field(found.field)


def _show(
    request: Request, found: Divergence, *, accept_form: AcceptForm | None = None,
    edit_form: EditForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    (seen,) = divergence_showing.rows([found], request.user)
    stands = "" if seen.refusals[Side.EDITED] else seen.said or seen.ours
    context = {
        "seen": seen,
        "one": found,
        "unsure": divergence_showing.unsure(seen),
        "answered": divergence_showing.answered(found, request.user),
        "ladder": divergence_showing.ladder(found.proposal, request.user),
        "places": divergence_showing.places(found),
        "parts": adding_up.parts(found, request.user),
        "runs": divergence_showing.found_by(found),
        "accept_form": accept_form or AcceptForm(),
        "edit_form": edit_form or EditForm(_field(found), initial={"value": stands}),
        "accepted_through": accepting.last_day(found),
        "is_undoable": fixing.is_undoable(found, request.user, at=instant.now()),
        "is_watched": _is_on_its_way(found),
    }
    return render(request, "reconciliation/divergence.html", context, status=status)
