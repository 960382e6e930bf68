"""The list of proposals, one proposal with its whole story, and what a person may do with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline import instant, masking
from meshline.audit import filters as trail_filters
from meshline.audit.models import TrailLine
from meshline.audit.timeline import Opens, page_of
from meshline.people import availability, permissions
from meshline.people.permissions import NotAllowed, OutOfScope, Permission, Scope
from meshline.policy import called, roles
from meshline.policy.called import Called
from meshline.web import paging
from meshline.web import states as looks
from meshline.web.access import back_from, done, refusal, requires, say
from meshline.web.requests import Request
from meshline.web.words import Tone
from proposals import (
    authority,
    contradictions,
    deciding,
    delegation,
    filters,
    lateness,
    lifecycle,
    metrics,
    offers,
    sources,
    timeline,
    waiting,
)
from proposals.contracts import sentences
from proposals.forms import AssignForm, HoldForm, KeepForm, LiftForm, MoveForm
from proposals.hold_kinds import label
from proposals.holds import HoldError
from proposals.lifecycle import Conflict
from proposals.models import Hold, Outcome, Proposal, Transition
from proposals.models.outcome import WAITING
from proposals.offers import Offer
from proposals.routing import explaining
from proposals.states import MoveError, State
from proposals.views import follow_ups

# What is done is told from its end; a proposal whose content changes often has many.
_MOST_DONE = 30


@dataclass(frozen=True)
class Trouble:
    """A no to something this person wanted, with what they had typed and what happened since."""

    sentence: str
    act: str
    form: forms.Form
    typed: str = ""
    since: list[Transition] = field(default_factory=list)


@dataclass(frozen=True)
class MoveRow:
    offer: Offer
    icon: str
    form: MoveForm


@dataclass(frozen=True)
class OutcomeRow:
    """An outcome in words, and what it waits behind."""

    outcome: Outcome
    deed: str
    place: str
    text: str
    error: str
    waits_for: str
    held: str = ""


# --- The list --------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def proposals(request: Request) -> HttpResponse:
    seen = Proposal.objects.visible_to(request.user)
    narrowed = filters.ProposalFilter(request.GET or None, queryset=seen, request=request)
    found = narrowed.qs.select_related("owner", "stands_in_for")
    page, is_cut = filters.page(found, request, narrowed.order)
    tickets = metrics.open_tickets(page.items)
    context = {
        "filter": narrowed,
        "page": page,
        "is_cut": is_cut,
        "rows": [(row, tickets.get(row.pk, 0)) for row in page.items],
        "columns": filters.columns(narrowed.order),
        "masked": request.scope is Scope.MASKED,
        "is_connected": bool(page.items) or bool(roles.connection_for("quoting")),
    }
    return render(request, f"proposals/{_part(request, '_list', 'list')}.html", context)


# --- One proposal ----------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def proposal(request: Request, proposal_id: int) -> HttpResponse:
    return _show(request, seen_by(request, proposal_id))


@require_POST
@requires(Permission.MOVE_PROPOSAL)
def move(request: Request, proposal_id: int) -> HttpResponse:
    seen = seen_by(request, proposal_id)
    form = MoveForm(request.POST)
    if not form.is_valid():
        return refuse(request, seen, "move", form, said_by(form), 422)
    asked = form.cleaned_data
    to = State(asked["to"])

    def moved() -> Proposal:
        return lifecycle.move(
            proposal_id=seen.pk, to=to, version=asked["version"], reason=asked["reason"],
            by=request.user, at=instant.now(),
        )  # fmt: skip

    return act_on(request, seen, "move", form, moved, f"It is {to.label.lower()} now.")


@require_POST
@requires(Permission.REASSIGN_PROPOSAL)
def assign(request: Request, proposal_id: int) -> HttpResponse:
    seen = seen_by(request, proposal_id)
    form = AssignForm(request.POST, by=request.user)
    if not form.is_valid():
        return refuse(request, seen, "assign", form, said_by(form), 422)
    asked = form.cleaned_data

    def assigned() -> Proposal:
        return lifecycle.assign(
            proposal_id=seen.pk, owner=asked["owner"], version=asked["version"],
            reason=asked["reason"], by=request.user, at=instant.now(),
        )  # fmt: skip

    return act_on(request, seen, "assign", form, assigned, f"{asked['owner'].name} owns it now.")


@require_POST
@requires(Permission.SEE_PROPOSALS)
def keep(request: Request, proposal_id: int) -> HttpResponse:
    """Whoever has it for somebody who is out keeps it for good."""
    seen = seen_by(request, proposal_id)
    form = KeepForm(request.POST)
    reason = delegation.refusal(seen, request.user)
    if not form.is_valid() or reason:
        return refuse(request, seen, "keep", form, reason or said_by(form), 403 if reason else 422)

    def kept() -> Proposal:
        version = form.cleaned_data["version"]
        return delegation.keep(
            proposal_id=seen.pk, version=version, by=request.user, at=instant.now()
        )

    return act_on(request, seen, "keep", form, kept, "It stays where it is.")


@require_POST
@requires(Permission.DECIDE_VALUE)
def take_value(request: Request, proposal_id: int, field: str, signal_id: int) -> HttpResponse:
    """A ticket's button: of the values that systems tell, this one counts."""
    seen = seen_by(request, proposal_id)
    try:
        deciding.take(
            proposal_id=seen.pk, field=field, signal_id=signal_id, by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Conflict as error:
        return refusal(request, error)
    page = reverse("proposals:proposal", args=[seen.pk])
    return done(request, "It counts from now on.", _back_to_ticket(request) or page)


def _back_to_ticket(request: Request) -> str:
    """The ticket on which the button was, which says now what became of it."""
    came_from = back_from(request)
    return came_from if came_from.startswith(reverse("exceptions:queue")) else ""


_INVOICE_TONES: dict[str, Tone] = {
    "open": "info", "paid": "ok", "overdue": "warn", "payment failed": "warn",
    "uncollectible": "danger",
}  # fmt: skip


# --- Underneath ------------------------------------------------------------------------------
def _part(request: Request, part: str, whole: str) -> str:
    """The part for htmx, the page otherwise; a page that htmx brings back is whole."""
    return part if request.htmx and not request.htmx.history_restore_request else whole


def seen_by(request: Request, proposal_id: int) -> Proposal:
    """The proposal, if this person sees it; otherwise there is none."""
    seen = Proposal.objects.visible_to(request.user)
    seen = seen.select_related("owner__team", "stands_in_for")
    return get_object_or_404(seen, pk=proposal_id)


def act_on(
    request: Request, seen: Proposal, act: str, form: forms.Form, verb: Callable[[], object],
    sentence: str,
) -> HttpResponse:  # fmt: skip
    """Do it; a no is answered with the new truth and with what was typed."""
    try:
        verb()
    except OutOfScope:
        raise
    except (Conflict, MoveError, HoldError) as error:
        return refuse(request, seen, act, form, str(error), 409)
    except NotAllowed as error:
        return refuse(request, seen, act, form, str(error), 403)
    except ValueError as error:
        return refuse(request, seen, act, form, str(error), 422)
    if not request.htmx:
        return done(request, sentence, reverse("proposals:proposal", args=[seen.pk]))
    return say(request, _show(request, seen_by(request, seen.pk)), sentence)


def refuse(
    request: Request, seen: Proposal, act: str, form: forms.Form, sentence: str, status: int
) -> HttpResponse:
    now = seen_by(request, seen.pk)
    version = form.cleaned_data.get("version")
    since = now.transitions.filter(version__gt=version) if version is not None else []
    typed = str(form.data.get("reason", ""))
    trouble = Trouble(sentence, act, form, typed, list(since))
    return _show(request, now, trouble, status=status)


def said_by(form: forms.Form) -> str:
    """What is wrong with a form, in one sentence."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def _show(
    request: Request, shown: Proposal, trouble: Trouble | None = None, status: int = 200
) -> HttpResponse:
    masked = permissions.scope(request.user, Permission.SEE_PROPOSALS) is Scope.MASKED
    outcomes = list(shown.outcomes.select_related("contract").order_by("-pk"))
    lines = TrailLine.objects.about("proposal", shown.pk)
    page = paging.page(lines, request, size=100)
    opens = trail_filters.opens(request.user)
    context = {
        "proposal": shown,
        "routed": explaining.why(shown, masked=masked),
        "no_draft": permissions.refusal_for(request.user, Permission.DRAFT_OPERATING_MODEL),
        "owner_why": masking.words(shown.owner_why) if masked else shown.owner_why,
        "masked": masked,
        "told": _told(shown, opens),
        "asked": contradictions.asked_of(shown),
        "invoice_tone": _INVOICE_TONES.get(shown.invoice_status, "neutral"),
        "trouble": trouble,
        "page": page,
        "steps": timeline.tell(page.items, outcomes, masked=masked, opens=opens),
        **_acts(request, shown, trouble),
        **_holds(request, shown, trouble),
        **_what_follows(outcomes, masked, request.now or instant.now()),
        **_tickets(request, shown),
        **follow_ups.context_of(shown, request.user, request.now or instant.now()),
    }
    name = "_proposal" if request.method == "POST" and request.htmx else "proposal"
    return render(request, f"proposals/{name}.html", context, status=status)


def _told(shown: Proposal, opens: Opens) -> dict[str, str]:
    """The page of the message that told each field, where this person may open it."""
    pages = {name: page_of(one.origin, opens) for name, one in sources.of(shown).items()}
    return {name: f"{page}?field={name}#told" for name, page in pages.items() if page}


def _acts(request: Request, shown: Proposal, trouble: Trouble | None) -> dict[str, Any]:
    user, owner = request.user, shown.owner
    rows = _move_rows(shown, offers.moves(shown, user=user, authorities=authority.load()), trouble)
    open_to_them = [row for row in rows if not row.offer.refusal]
    assign_form = _assign_form(request, shown, trouble)
    return {
        # Whether what was typed stands in an open form again.
        "is_kept": any(form.is_bound for form in [assign_form, *(r.form for r in open_to_them)]),
        "no_move": permissions.refusal_for(user, Permission.MOVE_PROPOSAL, owner=owner),
        "own_moves": [row for row in open_to_them if not row.offer.overrides],
        "overrides": [row for row in open_to_them if row.offer.overrides],
        "refused_moves": [row for row in rows if row.offer.refusal],
        "no_keep": delegation.refusal(shown, user),
        "owner_until": _until(request, shown),
        "no_assign": permissions.refusal_for(user, Permission.REASSIGN_PROPOSAL, owner=owner),
        "assign_form": assign_form,
    }


def _until(request: Request, shown: Proposal) -> datetime | None:
    """How long its owner stands in for somebody."""
    home = shown.stands_in_for_id
    back = availability.back_at([home], at=request.now or instant.now()) if home else {}
    return back.get(home) if home else None


def _holds(request: Request, shown: Proposal, trouble: Trouble | None) -> dict[str, Any]:
    """What holds it, each with the form that lifts it; and the form that sets one more."""
    in_force = list(shown.holds.in_force().order_by("pk"))
    hold_form = HoldForm(auto_id="hold-%s")
    if trouble and trouble.act == "hold":
        hold_form = _again(HoldForm(trouble.form.data, auto_id="hold-%s"), trouble)
    return {
        "holds": [(hold, label(hold.kind), _lift_form(hold, trouble)) for hold in in_force],
        "hold_form": hold_form,
        "no_hold": permissions.refusal_for(
            request.user, Permission.HOLD_PROPOSAL, owner=shown.owner
        ),
    }


def _lift_form(hold: Hold, trouble: Trouble | None) -> LiftForm:
    ids = f"lift-{hold.pk}-%s"
    if trouble and trouble.act == "lift" and trouble.form.data.get("hold") == str(hold.pk):
        return _again(LiftForm(trouble.form.data, auto_id=ids), trouble)
    return LiftForm(initial={"hold": hold.pk}, auto_id=ids)


def _move_rows(shown: Proposal, offered: Iterable[Offer], trouble: Trouble | None) -> list[MoveRow]:
    return [
        MoveRow(offer, looks.look(offer.state)[2], _move_form(shown, offer, trouble))
        for offer in offered
    ]


def _move_form(shown: Proposal, offer: Offer, trouble: Trouble | None) -> MoveForm:
    fixed = {"to": offer.state.value, "version": shown.version}
    ids = f"to-{offer.state}-%s"
    if trouble and trouble.act == "move" and trouble.form.data.get("to") == offer.state:
        return _again(MoveForm({**fixed, "reason": trouble.typed}, auto_id=ids), trouble)
    form = MoveForm(initial=fixed, auto_id=ids)
    form.fields["reason"].required = bool(offer.overrides)
    return form


def _assign_form(request: Request, shown: Proposal, trouble: Trouble | None) -> AssignForm:
    if trouble and trouble.act == "assign":
        owner = trouble.form.data.get("owner", "")
        data = {"version": shown.version, "owner": owner, "reason": trouble.typed}
        return _again(AssignForm(data, by=request.user, auto_id="assign-%s"), trouble)
    return AssignForm(initial={"version": shown.version}, by=request.user, auto_id="assign-%s")


def _again(form: Any, trouble: Trouble) -> Any:
    """The form once more, open, with what was typed and why it did not work."""
    if form.is_valid():
        form.add_error(None, trouble.sentence)
    return form


def _what_follows(outcomes: list[Outcome], masked: bool, at: datetime) -> dict[str, Any]:
    held, names = waiting.why_held(outcomes, at=at), called.names()
    open_ones = [outcome for outcome in reversed(outcomes) if outcome.is_open]
    done_ones = [outcome for outcome in outcomes if not outcome.is_open]
    return {
        "open_outcomes": [
            _outcome_row(one, names, masked, held.get(one.pk, "")) for one in open_ones
        ],
        "done_outcomes": [_outcome_row(one, names, masked) for one in done_ones[:_MOST_DONE]],
        "more_done": max(len(done_ones) - _MOST_DONE, 0),
    }


def _outcome_row(outcome: Outcome, names: Called, masked: bool, held: str = "") -> OutcomeRow:
    deed = sentences.deed(outcome.kind, outcome.name)
    return OutcomeRow(
        outcome=outcome,
        deed=deed[:1].upper() + deed[1:],
        place=sentences.place(outcome.target, names[outcome.connection]),
        # The texts of outcomes name the contact and the amount.
        text="" if masked else str(outcome.params.get("subject", "")),
        error=masking.words(outcome.last_error) if masked else outcome.last_error,
        waits_for="" if held else _waits_for(outcome),
        held=held,
    )


def _waits_for(outcome: Outcome) -> str:
    """What stands in front of it in the same connection, in words."""
    if outcome.state not in WAITING or outcome.delivered_at:
        return ""
    ahead = lateness.in_front_of(outcome)
    return sentences.deed(ahead.kind, ahead.name) if ahead else ""


def _tickets(request: Request, shown: Proposal) -> dict[str, Any]:
    tickets = metrics.tickets_of(shown)
    return {"tickets": tickets, "may_open": metrics.seen_tickets(tickets, request.user)}
