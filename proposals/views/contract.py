"""One contract: what is in force, what is being prepared, every version, and who may do what."""

from collections.abc import Callable
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import calendars, drafts, roles
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals.contracts import differences, meanwhile, publishing, sentences, terms, versions
from proposals.contracts.publishing import KIND, RETIRE
from proposals.contracts.sentences import Names
from proposals.contracts.terms import SLUG, Terms
from proposals.models import Contract, Outcome
from proposals.models.outcome import State as OutcomeState

_MOST = 2**31 - 1
_WAITS = "It waits for a second person, who is told."


# --- To read ---------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def contract(request: Request, slug: str) -> HttpResponse:
    return _show(request, slug)


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def version(request: Request, slug: str, number: int) -> HttpResponse:
    """One version, as it was and stays, and what it changed."""
    rows = _versions(slug)
    found = next((row for row in rows if row.version == number), None)
    if found is None:
        raise Http404
    before = next((row for row in rows if row.version == number - 1), None)
    head = rows[0]
    context = {
        "contract": found,
        "head": head,
        "told": _told(versions.terms_of(found), slug),
        "change": differences.between(_said(before), _said(found)),
        "before": before,
        "in_flight": _in_flight(Outcome.objects.filter(contract=found)),
        "roll_back": _refusal_to_roll_back(request, found, head),
        "hint": _hint_of_rolling_back(found, head),
    }
    return render(request, "proposals/contract_version.html", context)


# --- To do -----------------------------------------------------------------------------------
@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def submit(request: Request, slug: str) -> HttpResponse:
    def act() -> str:
        publishing.submit(slug=slug, revision=_seen(request), by=request.user, at=instant.now())
        return _WAITS

    return _do(request, slug, act)


@require_POST
@requires(Permission.DRAFT_OPERATING_MODEL)
def discard(request: Request, slug: str) -> HttpResponse:
    def act() -> str:
        drafts.discard(
            kind=KIND, slug=slug, revision=_seen(request), by=request.user, at=instant.now()
        )
        return "The draft is gone; what is in force stays."

    return _do(request, slug, act)


@require_POST
@requires(Permission.SEE_OPERATING_MODEL)
def publish(request: Request, slug: str) -> HttpResponse:
    """Whose turn it is, the verb knows: a manager, or who was asked and may approve."""

    def act() -> str:
        made = publishing.publish(
            slug=slug, revision=_seen(request), by=request.user, at=instant.now()
        )
        if made.is_retired:
            return f"{made.name} is retired: nothing begins under it any more."
        return f"{made.name} is in force as version {made.version}, for what comes in from now on."

    return _do(request, slug, act)


@require_POST
@requires(Permission.SEE_OPERATING_MODEL)
def send_back(request: Request, slug: str) -> HttpResponse:
    def act() -> str:
        draft = publishing.send_back(
            slug=slug, revision=_seen(request), reason=_typed(request), by=request.user,
            at=instant.now(),
        )  # fmt: skip
        return f"{draft.changed_by.name} is told what is not right."

    return _do(request, slug, act)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def roll_back(request: Request, slug: str, number: int) -> HttpResponse:
    def act() -> str:
        made = publishing.roll_back(
            slug=slug, to=number, in_force=_seen(request), reason=_typed(request),
            by=request.user, at=instant.now(),
        )  # fmt: skip
        if isinstance(made, Draft):
            return _WAITS
        return f"Version {number} is in force again, as version {made.version}."

    return _do(request, slug, act)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def retire(request: Request, slug: str) -> HttpResponse:
    def act() -> str:
        made = publishing.retire(
            slug=slug, in_force=_seen(request), reason=_typed(request), by=request.user,
            at=instant.now(),
        )  # fmt: skip
        if isinstance(made, Draft):
            return _WAITS
        return f"{made.name} is retired: nothing begins under it any more."

    return _do(request, slug, act)


# --- Underneath: doing -----------------------------------------------------------------------
def _do(request: Request, slug: str, act: Callable[[], str]) -> HttpResponse:
    """Do it; a no is said on the contract's page, as it is by now."""
    if not SLUG.fullmatch(slug):
        raise Http404
    try:
        sentence = act()
    except Stale as error:
        return _refuse(request, slug, error, 409)
    except SecondPerson as error:
        return _refuse(request, slug, error, 403)
    except ModelError as error:
        return _refuse(request, slug, error, 422)
    here = Contract.objects.filter(slug=slug).exists() or drafts.of(KIND, slug)
    to = reverse("proposals:contract", args=[slug]) if here else reverse("proposals:contracts")
    return done(request, sentence, to)


def _refuse(request: Request, slug: str, error: Exception, status: int) -> HttpResponse:
    if request.htmx:
        return refusal(request, error, status=status)
    return _show(request, slug, error=error, status=status)


def _seen(request: Request) -> int:
    """The revision or version that was on the screen."""
    text = request.POST.get("seen", "")
    seen = int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else 0
    return min(seen, _MOST)


def _typed(request: Request) -> str:
    return request.POST.get("reason", "")[:4000]


# --- Underneath: showing ---------------------------------------------------------------------
def _show(
    request: Request, slug: str, *, error: Exception | None = None, status: int = 200
) -> HttpResponse:
    rows = _versions(slug)
    draft = drafts.of(KIND, slug)
    if not rows and draft is None:
        raise Http404
    head = rows[0] if rows else None
    live = head if head and head.is_live else None
    context = {
        "slug": slug,
        "name": head.name if head else draft.content.get("name", slug),  # type: ignore[union-attr]
        "live": live,
        "head": head,
        "told": _told(versions.terms_of(live), slug) if live else None,
        "versions": [_row(request, row, rows) for row in rows],
        "in_flight": _in_flight(Outcome.objects.filter(contract__slug=slug)),
        "error": str(error) if error else "",
        "stale": meanwhile.told(slug, error) if isinstance(error, Stale) else None,
        "seen_version": head.version if head else 0,
        "no_draft": refusal_for(request.user, Permission.DRAFT_OPERATING_MODEL),
        "retire": _refusal_to_retire(request, live, draft),
        **(_draft(request, slug, draft, head, live) if draft else {}),
    }
    return render(request, "proposals/contract.html", context, status=status)


def _draft(
    request: Request, slug: str, draft: Draft, head: Contract | None, live: Contract | None
) -> dict[str, Any]:
    retires = draft.content == RETIRE
    agreed = None if retires else terms.kept(draft.content)
    second = publishing.why_second(slug, draft.content)
    may_not = publishing.refusal_to_publish(draft, request.user)
    return {
        "draft": draft,
        "retires": retires,
        "draft_told": _told(agreed, slug) if agreed else None,
        "change": differences.between(versions.terms_of(live) if live else None, agreed),
        "second": second,
        "no_publish": may_not,
        "no_asking": drafts.refusal_to_ask(draft) if second else "",
        "is_asked": bool(draft.submitted_at),
        "may_send_back": bool(draft.submitted_at) and second and not may_not,
        # It began from another version than the one in force by now.
        "is_behind": draft.based_on != (head.version if head else 0),
    }


def _told(agreed: Terms, slug: str) -> dict[str, Any]:
    """A contract in sentences, and what is agreed beside them."""
    spec = versions.proposed(agreed, slug=slug)
    minutes_a_day = sentences.minutes_a_day(calendars.hours_of(None).windows)
    told = differences.words(agreed)
    besides = ("tier", "retry", "who answers", "ticket", "severity")
    return {
        "trigger": agreed.trigger,
        "condition": differences.condition(agreed.condition),
        "sentences": sentences.contract(spec, Names(roles.names(), minutes_a_day)),
        "besides": [(about, told[about]) for about in besides if about in told],
        "proofs": [(one.name, sentences.proof(one)) for one in spec.outcomes],
    }


def _row(request: Request, row: Contract, rows: list[Contract]) -> dict[str, Any]:
    before = next((one for one in rows if one.version == row.version - 1), None)
    change = differences.between(_said(before), _said(row))
    return {
        "contract": row,
        "changes": len({*change["before"], *change["after"]}) if before else 0,
        "is_first": before is None,
        "roll_back": _refusal_to_roll_back(request, row, rows[0]),
        "hint": _hint_of_rolling_back(row, rows[0]),
    }


def _said(row: Contract | None) -> Terms | None:
    return versions.terms_of(row) if row and not row.is_retired else None


def _refusal_to_roll_back(request: Request, row: Contract, head: Contract) -> str:
    if row.is_live:
        return "This is the version in force."
    if row.is_retired:
        return "This is when it was retired; go back to one before."
    return refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)


def _hint_of_rolling_back(row: Contract, head: Contract) -> str:
    live, content = head if head.is_live else None, versions.terms_of(row).content
    second = publishing.why_second_beside(live, content)
    return second or "What it said is published at once, as a new version."


def _refusal_to_retire(request: Request, live: Contract | None, draft: Draft | None) -> str:
    if live is None:
        return "It is not in force."
    return refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)


def _in_flight(outcomes: Any) -> list[dict[str, Any]]:
    """What is open of these, by the version it began with and its state."""
    rows = (
        outcomes.open()
        .values("contract__version", "state")
        .annotate(count=Count("pk"))
        .order_by("-contract__version", "state")
    )
    labels = dict(OutcomeState.choices)
    return [
        {"version": row["contract__version"], "state": labels[row["state"]], "count": row["count"]}
        for row in rows
    ]


def _versions(slug: str) -> list[Contract]:
    if not SLUG.fullmatch(slug):
        raise Http404
    return list(Contract.objects.filter(slug=slug).order_by("-version"))
