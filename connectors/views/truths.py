"""Whose word counts, of each move and field; a change is previewed, then proposals follow."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors.truth_forms import TruthForm
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.policy import drafts, sources_of_truth
from meshline.policy.models import SourceOfTruth
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.tolerance import EXACT, Tolerance
from meshline.policy.truth import How, Truth
from meshline.web import seen
from meshline.web.access import done, refusal, requires, see_other
from meshline.web.requests import Request
from proposals import contradictions, truth_words, whose_word
from proposals.authority import RECORD
from proposals.truth_words import Row
from proposals.whose_word import Change

AGAIN = "Publish again to make it as you chose it."


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def truths(request: Request) -> HttpResponse:
    """Every move and field, its authority, and how that wins."""
    context = {
        "rows": truth_words.table(),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }
    return render(request, "connectors/truths.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_OPERATING_MODEL)
def truth(request: Request, record: str, name: str) -> HttpResponse:
    """Agree on one of them: a choice in the URL is previewed, what was previewed is published. Who
    is asked to be the second person reads that alone."""
    row = _row(record, name)
    if request.method != "POST" and _is_asked(name, request.user):
        return _show(request, TruthForm(None, row=row, now=_now(name), near=_near(name)))
    permissions.check(request.user, Permission.CHANGE_OPERATING_MODEL)
    if request.method == "POST":
        return _agree(request, TruthForm(request.POST, row=row, now=_now(name), near=_near(name)))
    form = TruthForm(_chosen(request), row=row, now=_now(name), near=_near(name))
    context = _previewed(request, form) if form.is_valid() else {}
    return _show(request, form, status=422 if form.errors else 200, **context)


@require_safe
@requires(Permission.CHANGE_OPERATING_MODEL)
def preview(request: Request, record: str, name: str) -> HttpResponse:
    """The part of the page that says what the choice so far would do. Writes nothing."""
    form = TruthForm(request.GET, row=_row(record, name), now=_now(name), near=_near(name))
    context = {"form": form} | (_previewed(request, form) if form.is_valid() else {})
    if form.errors:
        return render(request, "connectors/_truth_preview.html", context, status=422)
    response = render(request, "connectors/_truth_preview.html", context)
    response.headers["HX-Replace-Url"] = _page_of(form)
    return response


@require_POST
@requires(Permission.SEE_OPERATING_MODEL)
def publish_asked(request: Request, record: str, name: str) -> HttpResponse:
    """As the second person, put into force what somebody asked for."""
    row = _row(record, name)
    if not _is_asked(name, request.user):
        permissions.check(request.user, Permission.CHANGE_OPERATING_MODEL)
    try:
        changed = whose_word.publish_asked(
            name=row.name, revision=_revision(request), by=request.user, at=instant.now()
        )
    except ModelError as error:
        return refusal(request, error)
    return done(request, truth_words.agreed_now(name, changed), "connectors:truths")


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def discard_asked(request: Request, record: str, name: str) -> HttpResponse:
    """Nobody asks for it any more; what is agreed stays."""
    row = _row(record, name)
    try:
        drafts.discard(
            kind=sources_of_truth.KIND, slug=row.name, revision=_revision(request),
            by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return refusal(request, error)
    page = reverse("connectors:truth", args=[record, name])
    return done(request, "It is thrown away; what is agreed stays.", page)


# --- Underneath ------------------------------------------------------------------------------
def _row(record: str, name: str) -> Row:
    row = truth_words.row(name) if record == RECORD else None
    if row is None:
        raise Http404
    return row


def _chosen(request: Request) -> QueryDict | None:
    """The choice that the URL says; None where it says none."""
    return request.GET if {"how", "connection"} & set(request.GET) else None


def _page_of(form: TruthForm) -> str:
    """The page that shows what this choice would do."""
    page = reverse("connectors:truth", args=["proposal", form.row.name])
    return f"{page}?{urlencode(form.choice)}"


def _agreed_row(name: str) -> SourceOfTruth | None:
    return SourceOfTruth.objects.filter(record_kind=RECORD, field=name).first()


def _now(name: str) -> Truth:
    """As agreed, or as it is by itself."""
    row = _agreed_row(name)
    if row:
        return Truth(How(row.how), row.connection)
    return Truth(How.RECENT if name in whose_word.GROUPS else How.ALWAYS)


def _near(name: str) -> Tolerance:
    """What passes as equal as it is agreed."""
    row = _agreed_row(name)
    return row.tolerance if row else EXACT


def _agree(request: Request, form: TruthForm) -> HttpResponse:
    if not form.is_valid():
        return _show(request, form, status=422)
    if request.POST.get("previewed") != form.mark:
        return see_other(_page_of(form))
    return _publish(request, form)


def _publish(request: Request, form: TruthForm) -> HttpResponse:
    name = form.row.name
    if sources_of_truth.why_second(name):
        return _ask(request, form)
    try:
        changed = whose_word.publish(
            name=name, agreed=form.agreed, tolerance=form.passes,
            seen=seen.read(request.POST.get("seen", "")), by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return _show(request, form, stale=error, status=409, **_previewed(request, form))
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show(request, form, status=422)
    return done(request, truth_words.agreed_now(name, changed), "connectors:truths")


def _ask(request: Request, form: TruthForm) -> HttpResponse:
    """What takes two waits for the second one."""
    name = form.row.name
    try:
        whose_word.ask(
            name=name, agreed=form.agreed, seen=seen.read(request.POST.get("seen", "")),
            by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return _show(request, form, stale=error, status=409, **_previewed(request, form))
    except ModelError as error:
        form.add_error(None, str(error))
        return _show(request, form, status=422)
    page = reverse("connectors:truth", args=[RECORD, name])
    return done(request, "It waits for a second person to publish it.", page)


def _previewed(request: Request, form: TruthForm) -> dict[str, Any]:
    """What the choice would do; a refusal lands on the form."""
    name, agreed = form.row.name, form.agreed
    try:
        found = whose_word.preview(name=name, agreed=agreed)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return {}
    return {
        "would": truth_words.would(name, agreed, found),
        "silence": truth_words.silence(name, agreed, found),
        "why_second": sources_of_truth.why_second(name),
        "changes": [_change(name, one) for one in found.first],
        "more": max(found.changes, found.asked) > len(found.first),
        "masked": scope(request.user, Permission.SEE_PROPOSALS) is Scope.MASKED,
    }


def _change(name: str, one: Change) -> dict[str, Any]:
    return {
        "proposal": one.proposal,
        "now": contradictions.in_words(name, one.now),
        "then": contradictions.in_words(name, one.then),
        "is_asked": one.is_asked,
    }


def _revision(request: Request) -> int:
    """The revision that was seen, as the buttons say it."""
    said = request.POST.get("revision", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def _is_asked(name: str, user: User) -> bool:
    """Whether somebody asks this person, who changes nothing else, to be the second one."""
    if not refusal_for(user, Permission.CHANGE_OPERATING_MODEL):
        return False
    draft = sources_of_truth.asked(name)
    return draft is not None and not drafts.refusal_for_second(draft, user)


def _waiting(name: str, user: User) -> dict[str, Any] | None:
    """What somebody asks for, and why this person is not the second one."""
    draft = sources_of_truth.asked(name)
    if draft is None:
        return None
    agreed = Truth(How(draft.content["how"]), draft.content["connection"])
    return {
        "draft": draft,
        "who": truth_words.who(agreed.connection, name),
        "now": truth_words.who(_now(name).connection, name),
        "refusal": drafts.refusal_for_second(draft, user),
    }


def _show(
    request: Request, form: TruthForm, *, status: int = 200, stale: Stale | None = None,
    **context: Any,
) -> HttpResponse:  # fmt: skip
    """The form; `seen` is what is agreed now, unless it was chosen over something older."""
    given = request.POST.get("seen", "")
    row = _agreed_row(form.row.name)
    now = stale.now if stale else sources_of_truth.facts(row)
    context |= {
        "form": form,
        "row": form.row,
        "seen": given if given and not stale else seen.keep(now),
        "stale": _meanwhile(form.row.name, stale, row) if stale else None,
        "why_second": sources_of_truth.why_second(form.row.name),
        "waiting": _waiting(form.row.name, request.user),
        "may_change": not refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }
    return render(request, "connectors/truth_form.html", context, status=status)


def _meanwhile(name: str, stale: Stale, row: SourceOfTruth | None) -> dict[str, Any]:
    lines = TrailLine.objects.filter(
        subject_kind="sourceoftruth", subject_id=str(row.pk if row else 0)
    )
    before, after = (truth_words.as_agreed(name, said) for said in (stale.seen, stale.now))
    change = {"before": before, "after": after}
    return {"line": lines.newest_first().first(), "change": change, "again": AGAIN}
