"""Drafting routing rules: add, change, move and remove them, then ask to publish or publish."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web import condition_forms
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals.routing import rulebook, rules
from proposals.routing.forms import PublishForm, RuleForm
from proposals.routing.rulebook import RulesError
from proposals.routing.rules import FIELDS, Rule, RuleError, RuleSet
from proposals.views.routing import (
    difference,
    number_in,
    published_since,
    rights,
    rule_rows,
)

GONE = "Somebody published or discarded this draft meanwhile."
_FIELDS = FIELDS["proposal"]


@dataclass(frozen=True)
class Working:
    """What is being worked on: the draft, or what is in force where nothing is drafted yet."""

    draft: Draft | None
    rules: RuleSet
    based_on: int
    revision: int

    @classmethod
    def now(cls) -> "Working":
        draft, live = rulebook.draft(), rulebook.in_force()
        if draft is None:
            return cls(None, live.rules, live.number, 0)
        return cls(draft, rules.read(draft.content), draft.based_on, draft.revision)

    @property
    def content(self) -> list[dict[str, Any]]:
        return self.rules.as_json()

    def place(self, slug: str) -> int:
        """Where a rule stands, from 0. Raises Http404."""
        for place, rule in enumerate(self.rules.rules):
            if rule.slug == slug:
                return place
        raise Http404


# --- The whole draft --------------------------------------------------------------------------
@require_safe
@requires(Permission.DRAFT_OPERATING_MODEL)
def draft(request: Request) -> HttpResponse:
    return _show_draft(request)


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def move(request: Request, slug: str) -> HttpResponse:
    """One place up or down; the default stays last."""
    here = Working.now()
    if _went_meanwhile(request, here, slug):
        return _show_draft(request, status=409, is_stale=True)
    place, last = here.place(slug), len(here.rules.rules) - 1
    to = place + (1 if request.POST.get("to") == "down" else -1)
    if place == last or not 0 <= to < last:
        return refusal(request, "The default stays last, and the first rule is first.")
    content = here.content
    content.insert(to, content.pop(place))
    return _change(
        request, here, content, f"“{here.rules.rules[place].name}” is at place {to + 1}."
    )


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def remove(request: Request, slug: str) -> HttpResponse:
    here = Working.now()
    if _went_meanwhile(request, here, slug):
        return _show_draft(request, status=409, is_stale=True)
    place = here.place(slug)
    if place == len(here.rules.rules) - 1:
        return refusal(request, "The default stays: what nothing else takes must go somewhere.")
    content = here.content
    content.pop(place)
    return _change(request, here, content, f"“{here.rules.rules[place].name}” is taken out.")


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def discard(request: Request) -> HttpResponse:
    try:
        drafts.discard(
            kind=rulebook.KIND, slug=rulebook.SLUG, revision=_revision(request), by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_draft(request, status=409, is_stale=True)
    return done(request, "The draft is thrown away.", "proposals:routing")


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def submit(request: Request) -> HttpResponse:
    """Ask for somebody to publish it."""
    try:
        drafts.submit(
            kind=rulebook.KIND, slug=rulebook.SLUG, revision=_revision(request), by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_draft(request, status=409, is_stale=True)
    return done(request, "A manager sees that it is ready.", "proposals:routing-draft")


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def rebase(request: Request) -> HttpResponse:
    """Take the draft, as it is, onto the version in force, having seen how that differs."""
    here, live = Working.now(), rulebook.in_force()
    if here.draft is None or here.revision != _revision(request):
        return _show_draft(request, status=409, is_stale=True)
    if live.number != number_in(request.POST.get("seen", "")):
        return _show_draft(request, status=409)
    sentence = f"The draft goes from version {live.number} now; publishing it replaces that."
    return _change(request, here, here.content, sentence, based_on=live.number)


# --- One rule of it -------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def add(request: Request) -> HttpResponse:
    return _edit(request, Working.now(), None)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def change(request: Request, slug: str) -> HttpResponse:
    """One that somebody took out meanwhile can still be kept, as a new one."""
    here = Working.now()
    rule = here.rules.rule(slug)
    if rule is None and request.method != "POST":
        raise Http404
    return _edit(request, here, rule)


def _edit(request: Request, here: Working, rule: Rule | None) -> HttpResponse:
    """Show the form; change its rows; or keep what it says."""
    form = RuleForm(request.POST if request.method == "POST" else None, rule=rule)
    if request.method != "POST":
        return _show_rule(request, here, form)
    if asked := request.POST.get("act", ""):
        form.act(asked)
        form.errors.clear()
        return _show_rule(request, here, form)
    place = here.place(rule.slug) if rule else len(here.rules.rules) - 1
    taken = [one.slug for one in here.rules.rules]
    slug = rule.slug if rule else rules.slug_for(request.POST.get("name", "")[:200], taken)
    if not form.is_valid() or not form.check(slug, place + 1):
        return _show_rule(request, here, form, status=422)
    return _keep(request, here, form, slug, place)


def _keep(request: Request, here: Working, form: RuleForm, slug: str, place: int) -> HttpResponse:
    content = here.content
    content[place : place + (form.rule is not None)] = [form.node(slug)]
    if number_in(request.POST.get("based_on", "")) != here.based_on:
        return _show_rule(request, here, form, status=409)
    try:
        _save(here, content, request.user, instant.now(), revision=_revision(request))
    except Stale:
        return _show_rule(request, here, form, status=409)
    except RulesError as error:
        _put(form, error, place + 1, content)
        return _show_rule(request, here, form, status=422)
    name = form.cleaned_data["name"]
    return done(request, f"“{name}” is in the draft.", "proposals:routing-draft")


def _put(form: RuleForm, error: RulesError, number: int, content: list[dict[str, Any]]) -> None:
    """A refusal at its place in the form, or naming the other rule it is about."""
    if error.rule in (0, number):
        form.refuse(error.part, str(error))
    else:
        name = content[error.rule - 1].get("name", "")
        form.add_error(None, f"Rule {error.rule}, “{name}”: {error}")


# --- Publishing ---------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.DRAFT_OPERATING_MODEL)
def publish(request: Request) -> HttpResponse:
    """What would change, and what the last events would make of it; then it is in force."""
    form = PublishForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _show_publish(request, form)
    if reason := rights(request)["no_publish"]:
        return refusal(request, reason, status=403)
    if not form.is_valid():
        return _show_publish(request, form, status=422)
    try:
        made = rulebook.publish(
            revision=_revision(request), seen=number_in(request.POST.get("seen", "")),
            note=form.cleaned_data["note"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_publish(request, form, status=409)
    except ModelError as error:
        form.add_error(None, _named(error))
        return _show_publish(request, form, status=422)
    return done(request, f"Version {made.number} is in force.", "proposals:routing")


def _named(error: ModelError) -> str:
    rule = getattr(error, "rule", 0)
    return f"Rule {rule}: {error}" if rule else str(error)


# --- Underneath -------------------------------------------------------------------------------
def _revision(request: Request) -> int:
    """The draft's revision that was seen: in the form, or in the address of a button."""
    return number_in(request.POST.get("revision", request.GET.get("revision", "")))


def _went_meanwhile(request: Request, here: Working, slug: str) -> bool:
    """Whether somebody took the rule out, or the whole draft away, since it was seen."""
    return here.rules.rule(slug) is None and here.revision != _revision(request)


def _save(
    here: Working, content: list[dict[str, Any]], by: User, at: datetime, *,
    based_on: int | None = None, revision: int | None = None,
) -> Draft:  # fmt: skip
    return rulebook.save_draft(
        content=content, note=here.draft.note if here.draft else "",
        based_on=here.based_on if based_on is None else based_on,
        revision=here.revision if revision is None else revision, by=by, at=at,
    )  # fmt: skip


def _change(
    request: Request, here: Working, content: list[dict[str, Any]], sentence: str,
    *, based_on: int | None = None,
) -> HttpResponse:  # fmt: skip
    try:
        _save(
            here, content, request.user, instant.now(), revision=_revision(request),
            based_on=based_on,
        )  # fmt: skip
    except Stale:
        return _show_draft(request, status=409, is_stale=True)
    except RulesError as error:
        return refusal(request, _named(error))
    return done(request, sentence, "proposals:routing-draft")


def _show_draft(request: Request, *, status: int = 200, is_stale: bool = False) -> HttpResponse:
    here, live = Working.now(), rulebook.in_force()
    last = len(here.rules.rules) - 1
    context = {
        "draft": here.draft,
        "revision": here.revision,
        "at_revision": f"?revision={here.revision}",
        "based_on": here.based_on,
        "in_force": live.number,
        "rows": rule_rows(here.rules),
        "last_place": last,
        "change": difference(live.rules, here.rules) if here.draft else None,
        "since": published_since(here.based_on),
        "stale": _meanwhile(here, _revision(request)) if is_stale else None,
        "gone": GONE if is_stale and here.draft is None else "",
        **rights(request),
    }
    return render(request, "proposals/routing_draft.html", context, status=status)


def _show_rule(
    request: Request, here: Working, form: RuleForm, *, status: int = 200
) -> HttpResponse:
    is_stale = status == 409
    given = request.POST.get("revision", "")
    context = {
        "page_title": form.rule.name if form.rule else "A new routing rule",
        "based_on": here.based_on,
        "form": form,
        "rule": form.rule,
        "fields": _FIELDS,
        "joins": condition_forms.JOINS,
        "cel": condition_forms.CEL,
        "revision": number_in(given) if given and not is_stale else here.revision,
        "stale": _meanwhile(here, number_in(given)) if is_stale else None,
        "since": published_since(number_in(request.POST.get("based_on", ""))) if is_stale else None,
        "is_stale": is_stale,
    }
    part = "_rule_fields" if request.htmx and "act" in request.POST else "routing_rule"
    return render(request, f"proposals/{part}.html", context, status=status)


def _show_publish(request: Request, form: PublishForm, *, status: int = 200) -> HttpResponse:
    here, live = Working.now(), rulebook.in_force()
    given = request.POST.get("seen", "")
    seen = number_in(given) if given else live.number
    context = {
        "form": form,
        "draft": here.draft,
        "revision": here.revision,
        "in_force": live.number,
        "change": difference(live.rules, here.rules) if here.draft else None,
        "since": published_since(here.based_on if here.draft else seen),
        "stale": _meanwhile(here, _revision(request)) if status == 409 and here.draft else None,
        "is_gone": status == 409 and here.draft is None,
        **rights(request),
    }
    return render(request, "proposals/routing_publish.html", context, status=status)


def _meanwhile(here: Working, seen: int) -> dict[str, Any] | None:
    """Who changed the draft since revision `seen`, and what is different; None where nothing is."""
    if here.draft is None or here.revision == seen:
        return None
    lines = TrailLine.objects.filter(
        subject_kind="draft", subject_id=str(here.draft.pk), what=f"{rulebook.KIND}.drafted"
    ).order_by("pk")
    old = rulebook.in_force().rules
    if seen and (line := lines[seen - 1 : seen].first()):
        old = _read(line.after.get("content")) or old
    return {"line": lines.last(), "change": difference(old, here.rules)}


def _read(content: Any) -> RuleSet | None:
    try:
        return rules.read(content)
    except RuleError:
        return None
