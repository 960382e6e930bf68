"""What waits for an approval: outcomes before their gates, and drafts for a second person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.notices import tidings
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission, Scope, scope
from meshline.policy import called, drafts
from meshline.policy.called import Called
from meshline.policy.models import Draft
from meshline.web.access import done, requires, say
from meshline.web.requests import Request
from proposals import forcing
from proposals.contracts import approvals, publishing, sentences, terms
from proposals.contracts.approvals import Decided, Seen
from proposals.contracts.publishing import RETIRE
from proposals.models import Approval, ForcedEffect

# Kinds of drafts of other rooms that may take a second person.
_OTHERS = ("mapping", "truth")


@dataclass(frozen=True)
class Row:
    """One outcome that waits, as this person sees it: for whom, why not for whom its gate names,
    and why they do not decide on it."""

    approval: Approval
    deed: str
    place: str
    text: str
    whom: str
    why: str
    refusal: str


@dataclass(frozen=True)
class Asked:
    """A draft that waits for this person to publish it."""

    draft: Draft
    name: str
    url: str


@dataclass(frozen=True)
class Forced:
    """A new effect that waits for a second person; why that is not this one, if it is not."""

    effect: ForcedEffect
    deed: str
    url: str
    refusal: str


# --- To read ---------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def inbox(request: Request) -> HttpResponse:
    _check_door(request.user)
    return render(request, "proposals/approvals.html", _inbox(request))


@require_safe
@requires(Permission.APPROVE_GATES)
def approval(request: Request, approval_id: int) -> HttpResponse:
    return _show(request, _find(request, approval_id))


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def count(request: Request) -> HttpResponse:
    """How much waits for this person: the number beside the navigation's entry."""
    _check_door(request.user)
    at = request.now or instant.now()
    waits = len(approvals.waiting_for(request.user, at=at)) + len(_asked(request.user))
    waits += len(forcing.waiting_for(request.user))
    return render(request, "proposals/_approvals_count.html", {"count": waits})


# --- To decide -------------------------------------------------------------------------------
@require_POST
@requires(Permission.APPROVE_GATES)
def approve(request: Request, approval_id: int) -> HttpResponse:
    def act() -> str:
        found = approvals.approve(
            approval_id=approval_id, comment=_typed(request, "comment"), by=request.user,
            at=instant.now(),
        )  # fmt: skip
        return f"Approved: {approvals.says(found.outcome)}. It goes out now."

    return _decide(request, approval_id, act)


@require_POST
@requires(Permission.APPROVE_GATES)
def reject(request: Request, approval_id: int) -> HttpResponse:
    def act() -> str:
        found = approvals.reject(
            approval_id=approval_id, reason=_typed(request, "reason"), by=request.user,
            at=instant.now(),
        )  # fmt: skip
        return f"Rejected: {approvals.says(found.outcome)}. It is called off, and a ticket says so."

    return _decide(request, approval_id, act)


# --- Underneath ------------------------------------------------------------------------------
def _check_door(user: User) -> None:
    """Raise NotAllowed where nothing can wait for this person."""
    if reason := permissions.refusal_to_approvals(user):
        raise NotAllowed(reason)


def _decide(request: Request, approval_id: int, act: Callable[[], str]) -> HttpResponse:
    """Do it. A no is said where the person is: on the row's page, or on the approval's own."""
    found = _find(request, approval_id)
    try:
        sentence = act()
    except Decided as error:
        return _refuse(request, found, error, 409)
    except NotAllowed as error:
        return _refuse(request, found, error, 403)
    except ValueError as error:
        return _refuse(request, found, error, 422)
    if request.htmx:
        part = render(request, "proposals/_approvals.html", _inbox(request))
        return say(request, part, sentence)
    return done(request, sentence, reverse("proposals:approvals"))


def _refuse(request: Request, found: Approval, error: Exception, status: int) -> HttpResponse:
    if request.htmx:
        context = {**_inbox(request), "error": str(error)}
        return render(request, "proposals/_approvals.html", context, status=status)
    again = _one(found.pk)
    return _show(request, again, error=str(error), status=status)


def _inbox(request: Request) -> dict[str, Any]:
    at = request.now or instant.now()
    seen = approvals.seen_by(request.user, at=at)
    names = called.names()
    rows = [_row(one, request.user, names) for one in seen]
    return {
        "mine": [row for row in rows if not row.refusal],
        "others": [row for row in rows if row.refusal],
        "asked": _asked(request.user),
        "forced": _forced(request.user),
        "no_right": _without_right(request.user),
    }


def _row(seen: Seen, user: User, names: Called) -> Row:
    outcome = seen.approval.outcome
    deed = approvals.says(outcome)
    # The texts of outcomes name the contact.
    masked = scope(user, Permission.SEE_PROPOSALS) is Scope.MASKED
    return Row(
        approval=seen.approval,
        deed=deed[:1].upper() + deed[1:],
        place=sentences.place(outcome.target, names[outcome.connection]),
        text="" if masked else str(outcome.params.get("subject", "")),
        whom=seen.decision.whom,
        why=seen.decision.why,
        refusal=seen.refusal,
    )


def _show(request: Request, found: Approval, *, error: str = "", status: int = 200) -> HttpResponse:
    user, at = request.user, request.now or instant.now()
    row = _row(approvals.see(found, user, at=at), user, called.names())
    context = {
        "row": row,
        "approval": found,
        "outcome": found.outcome,
        "proposal": found.outcome.proposal,
        "contract": found.outcome.contract,
        "error": error,
        "typed": request.POST,
    }
    return render(request, "proposals/approval.html", context, status=status)


def _find(request: Request, approval_id: int) -> Approval:
    """The approval, if this person sees it: RevOps all, others what they may decide (or did)."""
    found = _one(approval_id)
    user, at = request.user, request.now or instant.now()
    if scope(user, Permission.SEE_PROPOSALS) is Scope.ALL or found.decided_by_id == user.pk:
        return found
    if approvals.refusal_for(found, user, at=at):
        raise Http404
    return found


def _one(approval_id: int) -> Approval:
    related = (
        "outcome__proposal__owner__team", "outcome__contract",
        "caused_by", "asked_by", "decided_by",
    )  # fmt: skip
    found = Approval.objects.select_related(*related).filter(pk=approval_id).first()
    if found is None:
        raise Http404
    return found


def _asked(user: User) -> list[Asked]:
    contracts = [
        Asked(one, _name(one), reverse("proposals:contract", args=[one.slug]))
        for one in publishing.waiting_for(user)
    ]
    others = [
        Asked(one, tidings.name_of(one), tidings.page_of(one))
        for one in tidings.waiting_for(user)
        if one.kind in _OTHERS and not drafts.refusal_for_second(one, user)
    ]
    return [*contracts, *others]


def _forced(user: User) -> list[Forced]:
    return [
        Forced(
            one, forcing.says(one.outcome), reverse("connectors:forced-effect", args=[one.pk]),
            forcing.refusal_for(one, user),
        )
        for one in forcing.seen_by(user)
    ]  # fmt: skip


def _name(draft: Draft) -> str:
    if draft.content == RETIRE:
        return f"Retire {draft.slug}"
    return terms.kept(draft.content).name


def _without_right(user: User) -> str:
    """What a viewer without the approver's right reads instead."""
    if scope(user, Permission.SEE_PROPOSALS) is Scope.MASKED and not user.approves_model:
        return "A viewer approves only with the approver's right; an admin can give it to you."
    return ""


def _typed(request: Request, name: str) -> str:
    return request.POST.get(name, "")[:4000]
