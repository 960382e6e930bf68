"""Follow-ups: a person's own list and a team's, and what is done from a row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission, Scope
from meshline.web import csv_export, paging
from meshline.web.access import back_from, done, refusal, requires, say
from meshline.web.requests import Request
from proposals import follow_ups
from proposals.filters import FollowUpFilter
from proposals.forms import CompleteForm, RescheduleForm, UndoForm
from proposals.lifecycle import Conflict
from proposals.models import FollowUp, Proposal
from proposals.states import MoveError

PAGE_SIZE = 50
_SHOWN = (
    "proposal", "owner", "stands_in_for", "contract", "outcome", "moved_by", "ended_by",
)  # fmt: skip
# Where a row stands that has no column for its proposal: on that proposal's own page.
ON_PROPOSAL = "proposal"
COLUMNS = (
    "follow-up", "proposal", "title", "connection", "document", "what", "owner", "team", "since",
    "due at", "state", "ended at", "ended by", "how", "note", "first touch at", "first touch",
)  # fmt: skip
OVERDUE, TODAY, NEXT = "Overdue", "Today", "Next"


@dataclass(frozen=True)
class Row:
    """A follow-up as one person sees it, with its forms and why it is not theirs to do."""

    one: FollowUp
    section: str
    refusal: str
    complete_form: CompleteForm
    reschedule_form: RescheduleForm
    on: str = ""

    @property
    def id(self) -> str:
        return f"follow-up-{self.one.pk}"

    @property
    def query(self) -> str:
        """What the answer to an act must know of where this row stands."""
        return f"?{urlencode({'on': self.on})}" if self.on else ""


# --- To read ---------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def follow_up_list(request: Request) -> HttpResponse:
    seen = FollowUp.objects.visible_to(request.user)
    narrowed = FollowUpFilter(request.GET or None, queryset=seen, request=request)
    found, at = narrowed.qs, request.now or instant.now()
    page = paging.page(found.select_related(*_SHOWN), request, PAGE_SIZE, by=narrowed.order)
    ends = _end_of_today(at)
    context = {
        "filter": narrowed,
        "page": page,
        "sections": _sections([_row(one, request.user, at, ends) for one in page.items]),
        "counts": _counts(found, at, ends),
        "masked": request.scope is Scope.MASKED,
        "is_own": request.scope is Scope.OWN,
        "export_url": f"{reverse('proposals:export-follow-ups')}?{request.GET.urlencode()}",
        "export_refusal": permissions.refusal_for(request.user, Permission.EXPORT_QUEUE),
        "exports_own": permissions.scope(request.user, Permission.EXPORT_QUEUE) is Scope.OWN,
    }
    is_part = request.htmx and not request.htmx.history_restore_request
    name = "_follow_ups" if is_part else "follow_ups"
    return render(request, f"proposals/{name}.html", context)


@require_POST
@requires(Permission.EXPORT_QUEUE)
def export(request: Request) -> HttpResponseBase:
    """Exactly what the filter shows as CSV, as far as this person may take it along."""
    seen = FollowUp.objects.visible_to(request.user)
    narrowed = FollowUpFilter(request.GET or None, queryset=seen, request=request)
    if faults := csv_export.faults_of(narrowed.form):
        return refusal(request, faults, status=422)
    rows = narrowed.qs.order_by(narrowed.order, "pk")
    if request.scope is Scope.OWN:
        rows = rows.filter(owner=request.user)
    return csv_export.send(
        request, rows, whole=FollowUp.objects.select_related("proposal", "owner__team"),
        name="follow-ups", columns=COLUMNS, asked=csv_export.asked_of(narrowed.form),
        write=lambda chunks: (_cells(one) for chunk in chunks for one in chunk),
    )  # fmt: skip


def rows_of(proposal: Proposal, user: User, at: datetime) -> list[Row]:
    """What is open of one proposal, soonest first, and what was, newest first."""
    rows = FollowUp.objects.of(proposal).select_related(*_SHOWN).order_by("due_at", "pk")
    found = [_row(one, user, at, _end_of_today(at), on=ON_PROPOSAL) for one in rows]
    ended = [row for row in reversed(found) if not row.one.is_open]
    return [row for row in found if row.one.is_open] + ended


# --- To do -----------------------------------------------------------------------------------
@require_POST
@requires(Permission.FOLLOW_UP)
def complete(request: Request, follow_up_id: int) -> HttpResponse:
    one = _seen(request, follow_up_id)
    form = CompleteForm(request.POST, auto_id=f"done-{one.pk}-%s")

    def verb() -> FollowUp:
        return follow_ups.complete(
            follow_up_id=one.pk, by=request.user, at=instant.now(), **form.cleaned_data
        )

    return _act(request, one, form, verb, "Completed.", can_undo=True)


@require_POST
@requires(Permission.FOLLOW_UP)
def undo(request: Request, follow_up_id: int) -> HttpResponse:
    """Take back what one completed a moment ago."""
    one = _seen(request, follow_up_id)
    form = UndoForm(request.GET)

    def verb() -> FollowUp:
        return follow_ups.undo(
            follow_up_id=one.pk, by=request.user, at=instant.now(), **form.cleaned_data
        )

    return _act(request, one, form, verb, "Taken back: it is open again.")


@require_POST
@requires(Permission.FOLLOW_UP)
def reschedule(request: Request, follow_up_id: int) -> HttpResponse:
    one = _seen(request, follow_up_id)
    form = RescheduleForm(request.POST, auto_id=f"move-{one.pk}-%s")

    def verb() -> FollowUp:
        return follow_ups.reschedule(
            follow_up_id=one.pk, by=request.user, at=instant.now(), **form.cleaned_data
        )

    return _act(request, one, form, verb, "It is due then.")


# --- Underneath ------------------------------------------------------------------------------
def _cells(one: FollowUp) -> list[Any]:
    proposal = one.proposal
    return [
        one.pk, proposal.pk, proposal.title, proposal.source, proposal.external_id, one.label,
        one.owner.name, one.owner.team.name if one.owner.team else "", one.since, one.due_at,
        one.state, one.ended_at, one.ended_by_label, one.how, one.note, one.first_touch_at,
        one.first_touch,
    ]  # fmt: skip


def _act(
    request: Request, one: FollowUp, form: forms.Form, verb: Callable[[], FollowUp],
    sentence: str, *, can_undo: bool = False,
) -> HttpResponse:  # fmt: skip
    """Do it, and answer with the row as it is now; a no with what was typed."""
    if not form.is_valid():
        return _refuse(request, one, form, "", 422)
    try:
        changed = verb()
    except (Conflict, MoveError) as error:
        return _refuse(request, one, form, str(error), 409)
    except NotAllowed as error:
        return _refuse(request, one, form, str(error), 403)
    except ValueError as error:
        form.add_error(None, str(error))
        return _refuse(request, one, form, "", 422)
    undo_url = ""
    if can_undo:
        query = urlencode({"version": changed.version, "on": request.GET.get("on", "")})
        undo_url = f"{reverse('proposals:undo-follow-up', args=[one.pk])}?{query}"
    if not request.htmx:
        return done(request, sentence, back_from(request), undo=undo_url)
    return say(request, _row_part(request, one.pk), sentence, undo=undo_url)


def _refuse(
    request: Request, one: FollowUp, form: forms.Form, sentence: str, status: int
) -> HttpResponse:
    if not request.htmx:
        return refusal(request, sentence or _said_by(form), status)
    # What is no longer so is not offered once more.
    again = None if sentence else form
    response = _row_part(request, one.pk, again, status)
    if sentence:
        said = {"sentence": sentence, "tone": "danger", "out_of_band": True}
        response.write(render_to_string("web/_message.html", said, request))
    return response


def _row_part(
    request: Request, pk: int, form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    one = _seen(request, pk)
    at = request.now or instant.now()
    on = ON_PROPOSAL if request.GET.get("on") == ON_PROPOSAL else ""
    context = {
        "row": _row(one, request.user, at, _end_of_today(at), form=form, on=on),
        "masked": permissions.scope(request.user, Permission.SEE_PROPOSALS) is Scope.MASKED,
    }
    return render(request, "proposals/_follow_up.html", context, status=status)


def _seen(request: Request, pk: int) -> FollowUp:
    """The follow-up, if this person sees it; otherwise there is none."""
    rows = FollowUp.objects.visible_to(request.user).select_related(*_SHOWN)
    return get_object_or_404(rows, pk=pk)


def _row(
    one: FollowUp, user: User, at: datetime, ends: datetime, *, form: forms.Form | None = None,
    on: str = "",
) -> Row:  # fmt: skip
    complete_form = CompleteForm(initial={"version": one.version}, auto_id=f"done-{one.pk}-%s")
    reschedule_form = RescheduleForm(
        initial={"version": one.version, "due_at": one.due_at}, auto_id=f"move-{one.pk}-%s"
    )
    return Row(
        one=one,
        section=_section(one, at, ends),
        refusal=follow_ups.refusal(one, user),
        complete_form=form if isinstance(form, CompleteForm) else complete_form,
        reschedule_form=form if isinstance(form, RescheduleForm) else reschedule_form,
        on=on,
    )


def _section(one: FollowUp, at: datetime, ends: datetime) -> str:
    if not one.is_open:
        return one.get_state_display()
    if one.due_at < at:
        return OVERDUE
    return TODAY if one.due_at < ends else NEXT


def _sections(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """The rows under their headings, in the order in which they stand."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.section, []).append(row)
    return list(found.items())


def _counts(found: QuerySet, at: datetime, ends: datetime) -> dict[str, int]:
    """How many each heading has in all, on whatever page its rows are."""
    is_open, later = Q(state="open"), Q(due_at__gte=at)
    return found.aggregate(
        Overdue=Count("pk", filter=is_open & ~later),
        Today=Count("pk", filter=is_open & later & Q(due_at__lt=ends)),
        Next=Count("pk", filter=is_open & Q(due_at__gte=max(at, ends))),
        Completed=Count("pk", filter=Q(state="completed")),
        Cancelled=Count("pk", filter=Q(state="cancelled")),
    )


def _end_of_today(at: datetime) -> datetime:
    """Midnight in the reader's zone."""
    here = timezone.localtime(at)
    return (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _said_by(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def context_of(proposal: Proposal, user: User, at: datetime) -> dict[str, Any]:
    """What a proposal's page shows of its follow-ups."""
    return {"follow_ups": rows_of(proposal, user, at)}
