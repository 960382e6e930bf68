"""A contract is written in the browser: every save is a draft, checked as if it were published."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from meshline import instant
from meshline.people.permissions import Permission
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web import condition_forms
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals.contracts import meanwhile, publishing, terms, versions
from proposals.contracts.conditions import FIELDS
from proposals.contracts.forms import Writing, kinds
from proposals.contracts.publishing import KIND
from proposals.contracts.terms import SLUG, Content
from proposals.models import Contract

_SAVED = "The draft is saved. Nothing has changed yet: test it, then publish it."


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def new(request: Request) -> HttpResponse:
    """A contract that is not there yet."""
    typed = request.POST if request.method == "POST" else None
    writing = Writing(publishing.known(), is_new=True, data=typed)
    return _write(request, writing, "")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def edit(request: Request, slug: str) -> HttpResponse:
    """Go on with its draft, or begin one from what is in force."""
    head, draft = _of(slug)
    typed = request.POST if request.method == "POST" else None
    # Whose draft was discarded meanwhile keeps what they typed.
    if typed is None and head is None and draft is None:
        raise Http404
    writing = Writing(
        publishing.known(), is_new=False, data=typed, content=_begun(head, draft),
        based_on=_based_on(head, draft), revision=draft.revision if draft else 0,
        note=draft.note if draft else "",
    )  # fmt: skip
    return _write(request, writing, slug)


# --- Underneath ------------------------------------------------------------------------------
def _write(request: Request, writing: Writing, slug: str) -> HttpResponse:
    if request.method != "POST" or writing.is_being_built(request.POST):
        return _show(request, writing, slug)
    if not writing.is_valid:
        return _show(request, writing, slug, status=422)
    asked = writing.form.cleaned_data
    name = slug or asked["slug"]
    # A new one has seen nothing of its name.
    seen = {key: asked[key] if slug else 0 for key in ("based_on", "revision")}
    try:
        publishing.save(
            slug=name, content=writing.content, note=asked["note"], **seen, by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        if slug:
            return _meanwhile(request, writing, slug, error)
        writing.refuse("There is a contract of that name.", "slug")
        return _show(request, writing, slug, status=422)
    except ModelError as error:
        writing.refuse(str(error), error.field)
        return _show(request, writing, slug, status=422)
    return done(request, _SAVED, reverse("proposals:contract", args=[name]))


def _meanwhile(request: Request, writing: Writing, slug: str, error: Stale) -> HttpResponse:
    """Somebody was faster: what they did, and the form once more over what is so now."""
    head, draft = _of(slug)
    data = request.POST.copy()
    data["based_on"] = str(head.version if head else 0)
    data["revision"] = str(draft.revision if draft else 0)
    again = Writing(writing.known, is_new=False, data=data)
    stale = meanwhile.told(slug, error)
    if head is None and draft is None:
        stale["again"] = "The draft is gone. Save again to begin it anew, as you typed it."
    return _show(request, again, slug, status=409, stale=stale)


def _show(
    request: Request, writing: Writing, slug: str, *, status: int = 200, stale: Any = None
) -> HttpResponse:
    is_new = "slug" in writing.form.fields
    is_gone = stale is not None and "again" in stale
    context = {
        "writing": writing,
        "form": writing.form,
        "slug": slug,
        "title": "A new contract" if is_new else f"Change “{publishing.name_of(slug)}”",
        "stale": stale,
        "fields": FIELDS,
        "joins": condition_forms.JOINS,
        "cel": condition_forms.CEL,
        "kinds": kinds(),
        "places": terms.PLACES,
        "most": len(writing.outcomes) >= terms.MOST_OUTCOMES,
        "back": reverse("proposals:contracts")
        if is_new or is_gone
        else reverse("proposals:contract", args=[slug]),
    }
    return render(request, "proposals/contract_form.html", context, status=status)


def _of(slug: str) -> tuple[Contract | None, Draft | None]:
    """The newest version and the draft of a contract, as far as they are there."""
    if not SLUG.fullmatch(slug):
        raise Http404
    return Contract.objects.head(slug), drafts.of(KIND, slug)


def _begun(head: Contract | None, draft: Draft | None) -> Content:
    if draft and draft.content != publishing.RETIRE:
        return draft.content
    return versions.terms_of(head).content if head else {}


def _based_on(head: Contract | None, draft: Draft | None) -> int:
    if draft:
        return draft.based_on
    return head.version if head else 0
