"""A contract is written in the browser: every save is a draft, checked as if it were published."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals import differences, publishing, terms, versions
from proposals.contract_forms import Writing, kinds
from proposals.models import Contract
from proposals.publishing import KIND
from proposals.terms import SLUG, Content, Terms

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
    try:
        publishing.save(
            slug=name, content=writing.content, note=asked["note"], based_on=asked["based_on"],
            revision=asked["revision"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return _meanwhile(request, writing, name, error)
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
    again = Writing(writing.known, is_new="slug" in writing.form.fields, data=data)
    stale = {"line": _last_line(head, draft), "change": _change(request, slug, draft, error)}
    return _show(request, again, slug, status=409, stale=stale)


def _change(request: Request, slug: str, draft: Draft | None, error: Stale) -> dict[str, Any]:
    """From what was seen to what is so now: of the version in force, or of the draft."""
    if "version" in error.seen:
        seen, now = error.seen["version"], error.now["version"]
        return differences.between(_version(slug, seen), _version(slug, now))
    theirs = terms.kept(draft.content) if draft and draft.content != publishing.RETIRE else None
    return differences.between(_version(slug, _int(request.POST.get("based_on"))), theirs)


def _show(
    request: Request, writing: Writing, slug: str, *, status: int = 200, stale: Any = None
) -> HttpResponse:
    is_new = "slug" in writing.form.fields
    context = {
        "writing": writing,
        "form": writing.form,
        "slug": slug,
        "title": "A new contract" if is_new else f"Change “{slug}”",
        "stale": stale,
        "kinds": kinds(),
        "places": terms.PLACES,
        "most": len(writing.outcomes) >= terms.MOST_OUTCOMES,
        "back": reverse("proposals:contracts")
        if is_new
        else reverse("proposals:contract", args=[slug]),
    }
    return render(request, "proposals/contract_form.html", context, status=status)


def _of(slug: str) -> tuple[Contract | None, Draft | None]:
    """The newest version and the draft of a contract; one of both there must be."""
    if not SLUG.fullmatch(slug):
        raise Http404
    head, draft = Contract.objects.head(slug), drafts.of(KIND, slug)
    if head is None and draft is None:
        raise Http404
    return head, draft


def _begun(head: Contract | None, draft: Draft | None) -> Content:
    if draft and draft.content != publishing.RETIRE:
        return draft.content
    assert head is not None
    return versions.terms_of(head).content


def _based_on(head: Contract | None, draft: Draft | None) -> int:
    if draft:
        return draft.based_on
    return head.version if head else 0


def _version(slug: str, version: int) -> Terms | None:
    found = Contract.objects.filter(slug=slug, version=version).first()
    return versions.terms_of(found) if found and not found.is_retired else None


def _last_line(head: Contract | None, draft: Draft | None) -> TrailLine | None:
    about = [("draft", draft.pk if draft else 0), ("contract", head.pk if head else 0)]
    named = [Q(subject_kind=kind, subject_id=str(pk)) for kind, pk in about]
    return TrailLine.objects.filter(named[0] | named[1]).newest_first().first()


def _int(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0
