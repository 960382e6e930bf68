"""The routing rules in force as sentences, their versions, and bringing one of them back."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web import paging
from meshline.web.access import done, requires
from meshline.web.requests import Request
from proposals.models import RoutingRules
from proposals.routing import rulebook, rules
from proposals.routing.forms import RestoreForm
from proposals.routing.rules import Rule, RuleSet
from proposals.routing.targets import Names

IN_FORCE = "These rules are in force."


@dataclass(frozen=True)
class RuleRow:
    """One rule as a page shows it."""

    number: int
    rule: Rule
    sentence: str


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def routing(request: Request) -> HttpResponse:
    """What decides now, who published it, and the versions before it."""
    live = RoutingRules.objects.live().get()
    read = rulebook.version(live.pk).rules
    page = paging.page(RoutingRules.objects.newest_first(), request, size=20, by="-number")
    context = {
        "live": live,
        "rows": rule_rows(read),
        "draft": rulebook.draft(),
        "versions": _with_differences(page.items),
        "page": page,
        "restore_refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
        **rights(request),
    }
    return render(request, "proposals/routing.html", context)


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def version(request: Request, number: int) -> HttpResponse:
    return _show_version(request, _numbered(number))


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def restore(request: Request, number: int) -> HttpResponse:
    """Bring an older version's rules back as a new version, with a reason."""
    row, form = _numbered(number), RestoreForm(request.POST)
    if not form.is_valid():
        return _show_version(request, row, form, status=422)
    asked = form.cleaned_data
    try:
        made = rulebook.restore(
            number=row.number, seen=asked["seen"], reason=asked["reason"], by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_version(request, row, form, status=409)
    except ModelError as error:
        form.add_error(None, str(error))
        return _show_version(request, row, form, status=422)
    return done(
        request, f"Version {row.number} is back, as version {made.number}.", "proposals:routing"
    )


# --- What the other pages of the rules use as well ----------------------------------------------
def rights(request: Request) -> dict[str, str]:
    """Why this person may not draft, or not publish; empty where they may."""
    return {
        "no_draft": refusal_for(request.user, Permission.DRAFT_OPERATING_MODEL),
        "no_publish": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }


def rule_rows(read: RuleSet, names: Names | None = None) -> list[RuleRow]:
    """Rules in order, each as a sentence."""
    known = names or rulebook.names(read)
    return [
        RuleRow(number, rule, rule.words(known)) for number, rule in enumerate(read.rules, start=1)
    ]


def number_in(text: str) -> int:
    """A number of a version or a revision from a form; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def published_since(seen: int) -> dict[str, Any] | None:
    """What was published after the version somebody saw, for "changed meanwhile"."""
    live = RoutingRules.objects.live().get()
    if live.number == seen:
        return None
    old = rulebook.numbered(seen)
    change = difference(rules.read(old.content), rulebook.version(live.pk).rules) if old else {}
    return {"version": live, "change": change}


def difference(old: RuleSet, new: RuleSet) -> dict[str, dict[str, str]]:
    return rules.difference(old, new, rulebook.names(old, new))


def draft_rules(draft: Draft | None) -> RuleSet | None:
    return rules.read(draft.content) if draft else None


# --- Underneath -------------------------------------------------------------------------------
def _numbered(number: int) -> RoutingRules:
    row = rulebook.numbered(number) if number < 2**31 else None
    if row is None:
        raise Http404
    return row


def _show_version(
    request: Request, row: RoutingRules, form: RestoreForm | None = None, *, status: int = 200
) -> HttpResponse:
    """A version, and what bringing it back would change; after a no with what was typed."""
    live = rulebook.in_force()
    no_publish = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    since = published_since(form.cleaned_data["seen"]) if form and status == 409 else None
    context = {
        "page_title": str(row),
        "form": _again(form, live.number) if form else RestoreForm(initial={"seen": live.number}),
        "trouble": " ".join(map(str, form.non_field_errors())) if form else "",
        "row": row,
        "rows": rule_rows(rulebook.version(row.pk).rules),
        "change": _difference_to_before(row),
        "in_force": live.number,
        "to_live": difference(live.rules, rulebook.version(row.pk).rules),
        "restore_refusal": IN_FORCE if row.is_live else no_publish,
        "since": since,
    }
    return render(request, "proposals/routing_version.html", context, status=status)


def _again(form: RestoreForm, seen: int) -> RestoreForm:
    """The form once more, open, for what is in force by now."""
    again = RestoreForm({"seen": seen, "reason": form.data.get("reason", "")})
    if again.is_valid():
        again.add_error(None, "Nothing is changed yet.")
    return again


def _with_differences(found: list[RoutingRules]) -> list[dict[str, Any]]:
    return [{"row": row, "change": _difference_to_before(row)} for row in found]


def _difference_to_before(row: RoutingRules) -> dict[str, dict[str, str]]:
    """What this version changed in the one that was in force before it."""
    before = rulebook.numbered(row.based_on) if row.based_on else None
    if before is None:
        return {}
    return difference(rulebook.version(before.pk).rules, rulebook.version(row.pk).rules)
