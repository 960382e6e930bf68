"""Drafting a mapping: write it, test it on a real message, backtest it, publish it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors import looking, mapping, mapping_trial, mappings
from connectors.mapping import Mapped, MappingError
from connectors.mapping_forms import MappingForm, PayloadForm, PublishForm
from connectors.mapping_trial import CannotTest
from connectors.mappings import KIND, WrongMapping
from connectors.views.mappings import Place, number_in, published_since, rights, sees_masked
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people import permissions
from meshline.people.permissions import Permission, Scope, may, scope
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

GONE = "Somebody published, changed or discarded this draft meanwhile."
# So many messages are offered, and so many differences shown; the numbers count all.
MOST_RECENT, MOST_SHOWN = 15, 100


# --- Writing ------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def edit(request: Request, slug: str) -> HttpResponse:
    """Show the form; change its rows; or keep what it says in the draft."""
    place = Place.find(request, slug)
    typed = request.POST if request.method == "POST" else None
    form = MappingForm(place.emitter, mapped=_begun(place), data=typed)
    if typed is None:
        return _show_form(request, place, form)
    if asked := typed.get("act", ""):
        form.act(asked)
        return _show_form(request, place, form)
    return _keep(request, place, form)


def _keep(request: Request, place: Place, form: MappingForm) -> HttpResponse:
    read = form.read()
    if read is None:
        return _show_form(request, place, form, status=422)
    try:
        mappings.save_draft(
            connection=place.connection, content=read.as_json(),
            based_on=number_in(request.POST.get("based_on", "")), revision=_revision(request),
            by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_form(request, Place.find(request, place.connection.slug), form, status=409)
    except WrongMapping as error:
        form.refuse(str(error), error.part, error.row)
        return _show_form(request, place, form, status=422)
    return done(
        request, "It is in the draft. Nothing has changed yet: test it, then publish it.",
        place.page("mapping-draft"),
    )  # fmt: skip


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def discard(request: Request, slug: str) -> HttpResponse:
    place = Place.find(request, slug)
    try:
        drafts.discard(
            kind=KIND, slug=slug, revision=_revision(request), by=request.user, at=instant.now()
        )
    except Stale:
        return refusal(request, GONE)
    return done(request, "The draft is thrown away.", place.url)


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def submit(request: Request, slug: str) -> HttpResponse:
    """Ask for somebody to publish it."""
    place = Place.find(request, slug)
    try:
        made = mappings.submit(
            connection=place.connection, revision=_revision(request), by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale:
        return refusal(request, GONE)
    except ModelError as error:
        return refusal(request, error)
    who = "Who may be the second person" if made.takes_two else "A manager"
    return done(request, f"{who} sees that it is ready.", place.page("mapping-draft"))


# --- Trying -------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def test(request: Request, slug: str) -> HttpResponse:
    """What a real message or a pasted payload tells, in force and by the draft."""
    place = Place.find(request, slug)
    form = PayloadForm(request.POST if request.method == "POST" else None)
    names, by = _tried_by(place)
    context: dict[str, Any] = {"place": place, "form": form, "names": names, "draft": place.draft}
    try:
        if form.is_bound and form.is_valid():
            pasted = form.cleaned_data["payload"]
            context["tried"] = mapping_trial.of_payload(place.connection, pasted, by)
        elif "message" in request.GET:
            context |= _message_tried(request, place, by)
    except CannotTest as error:
        context["trouble"] = str(error)
    context["recent"] = _messages(request, place).order_by("-pk")[:MOST_RECENT]
    status = 422 if "trouble" in context or form.errors else 200
    return render(request, "connectors/mapping_test.html", context, status=status)


def _message_tried(request: Request, place: Place, by: list[Mapped]) -> dict[str, Any]:
    """A real message, beside what came: that is a look at raw bytes, and is written down."""
    message = _messages(request, place).filter(pk=place.message).first()
    if message is None:
        raise Http404
    masked = sees_masked(request)
    if not masked:
        looking.note(message, by=request.user, at=instant.now())
    tried = mapping_trial.of_message(message, by, masked=masked)
    sight = looking.sight(bytes(message.payload), masked=masked)
    return {"message": message, "sight": sight, "tried": [tried]}


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def backtest(request: Request, slug: str) -> HttpResponse:
    """What the draft would have made of the last messages; as a page, or as a part.

    Who is to sign it and may not read all messages reads the same of all of them, masked.
    """
    place = Place.find(request, slug)
    _check_reads(request, place)
    draft = place.draft
    may_see = scope(request.user, Permission.SEE_PAYLOADS) in (Scope.ALL, Scope.MASKED)
    context: dict[str, Any] = {"place": place, "draft": draft, "may_see_messages": may_see}
    if draft:
        messages = _messages(request, place) if may_see else looking.of(place.connection)
        found = mapping_trial.backtest(
            messages, place.mapped, mapping.read(draft.content), masked=sees_masked(request)
        )
        shown = found.differences[:MOST_SHOWN]
        context |= {"found": found, "differences": shown}
    name = "_mapping_backtest" if request.htmx else "mapping_backtest"
    return render(request, f"connectors/{name}.html", context)


# --- Publishing -----------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_OPERATING_MODEL)
def publish(request: Request, slug: str) -> HttpResponse:
    """What would change, and what the last messages would become; then it is in force."""
    place = Place.find(request, slug)
    _check_reads(request, place)
    form = PublishForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _show_publish(request, place, form)
    if reason := mappings.refusal_to_publish(place.connection, place.draft, request.user):
        return refusal(request, reason, status=403)
    if not form.is_valid():
        return _show_publish(request, place, form, status=422)
    try:
        made = mappings.publish(
            connection=place.connection, revision=_revision(request),
            seen=number_in(request.POST.get("seen", "")), note=form.cleaned_data["note"],
            by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_publish(request, Place.find(request, slug), form, status=409)
    except ModelError as error:
        form.add_error(None, str(error))
        return _show_publish(request, place, form, status=422)
    return done(request, f"Version {made.number} is in force.", _onward(request, place))


# --- Underneath -----------------------------------------------------------------------------------
def _check_reads(request: Request, place: Place) -> None:
    """Who drafts reads the draft, and whoever was asked to publish it. Raises NotAllowed."""
    draft, user = place.draft, request.user
    if draft is None or mappings.refusal_to_publish(place.connection, draft, user):
        permissions.check(user, Permission.DRAFT_OPERATING_MODEL)


def _onward(request: Request, place: Place) -> str:
    """The mapping's page, or the approvals for who sees no connections."""
    if may(request.user, Permission.SEE_CONNECTIONS):
        return place.url
    return reverse("proposals:approvals")


def _revision(request: Request) -> int:
    """The draft's revision that was seen: in the form, or in the address of a button."""
    return number_in(request.POST.get("revision", request.GET.get("revision", "")))


def _messages(request: Request, place: Place) -> Any:
    seen = looking.visible(request.user).filter(connection=place.connection)
    return seen.select_related("connection")


def _begun(place: Place) -> Mapped:
    draft = place.draft
    return mapping.read(draft.content) if draft else place.mapped


def _tried_by(place: Place) -> tuple[list[str], list[Mapped]]:
    """What is in force, and the draft beside it."""
    name = f"In force: version {place.number}" if place.live else "In force: built in"
    names, by = [name], [place.mapped]
    if draft := place.draft:
        names, by = [*names, "The draft"], [*by, mapping.read(draft.content)]
    return names, by


def _show_form(
    request: Request, place: Place, form: MappingForm, *, status: int = 200
) -> HttpResponse:
    """The form; where somebody was faster, what they did, over what is so by now."""
    draft, is_stale = place.draft, status == 409
    seen = _revision(request), number_in(request.POST.get("based_on", ""))
    now = (draft.revision if draft else 0), place.number
    revision, based_on = now if is_stale or request.method != "POST" else seen
    context = {
        "place": place,
        "form": form,
        "draft": draft,
        "revision": revision,
        "based_on": based_on,
        "at_revision": f"?revision={now[0]}&{place.came_with}".rstrip("&"),
        "is_stale": is_stale,
        "stale": _meanwhile(place, draft, seen[0]) if is_stale else None,
        "since": published_since(place, seen[1]) if is_stale else _moved(place, draft),
        "change": place.difference(place.mapped, _begun(place)) if draft else None,
        **place.lines(place.mapped),
        **rights(request),
        "no_publish": mappings.refusal_to_publish(place.connection, draft, request.user),
        **_asking(place, draft),
    }
    part = "_mapping_rows" if request.htmx and "act" in request.POST else "mapping_form"
    return render(request, f"connectors/{part}.html", context, status=status)


def _asking(place: Place, draft: Draft | None) -> dict[str, str]:
    """Who is asked to publish the draft, and why nobody is."""
    if draft is None or not mappings.why_second(place.connection, mapping.read(draft.content)):
        return {"asks": "Ask a manager to publish", "no_asking": ""}
    return {"asks": "Ask a second person to publish", "no_asking": drafts.refusal_to_ask(draft)}


def _moved(place: Place, draft: Draft | None) -> dict[str, Any] | None:
    """What was published since the draft was begun."""
    return published_since(place, draft.based_on) if draft else None


def _show_publish(
    request: Request, place: Place, form: PublishForm, *, status: int = 200
) -> HttpResponse:
    draft, is_stale = place.draft, status == 409
    context = {
        "place": place,
        "form": form,
        "draft": draft,
        "revision": draft.revision if draft else 0,
        "change": place.difference(place.mapped, _begun(place)) if draft else None,
        "since": _moved(place, draft)
        or published_since(place, number_in(request.POST.get("seen", str(place.number)))),
        "stale": _meanwhile(place, draft, _revision(request)) if is_stale else None,
        "is_gone": is_stale and draft is None,
        **rights(request),
        "no_publish": mappings.refusal_to_publish(place.connection, draft, request.user),
        "why_second": mappings.why_second(place.connection, _begun(place)) if draft else "",
    }
    context["onward"] = onward = _onward(request, place)
    context["onward_label"] = "See the mapping in force" if onward == place.url else "Approvals"
    no_draft = context["no_draft"]
    context["back"] = reverse("proposals:approvals") if no_draft else place.page("mapping-draft")
    context["back_label"] = "Approvals" if no_draft else "Draft of the mapping"
    return render(request, "connectors/mapping_publish.html", context, status=status)


def _meanwhile(place: Place, draft: Draft | None, seen: int) -> dict[str, Any] | None:
    """Who changed the draft since revision `seen`, and what is different; None where nothing is."""
    if draft is None or draft.revision == seen:
        return None
    lines = TrailLine.objects.filter(
        subject_kind="draft", subject_id=str(draft.pk), what=f"{KIND}.drafted"
    ).order_by("pk")
    old = place.mapped
    if seen and (line := lines[seen - 1 : seen].first()):
        old = _read(line.after.get("content")) or old
    change = place.difference(old, mapping.read(draft.content))
    return {"line": lines.last(), "change": change}


def _read(content: Any) -> Mapped | None:
    try:
        return mapping.read(content)
    except MappingError:
        return None
