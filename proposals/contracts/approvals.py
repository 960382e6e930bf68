"""Review gates: outcomes wait here until somebody whom their contract names lets them go, or not.

Whoever caused one does not decide on it; the room beside says who does (deciders). What is not
answered in its time becomes a ticket; what the story no longer asks for waits for nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from exceptions import troubles
from meshline import bell, bulk
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.notices import notices
from meshline.notices.notices import News
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission, Role
from meshline.policy import calendars
from proposals import releasing
from proposals.contracts import failing, promises, sentences
from proposals.contracts.deciders import Deciders, Decision
from proposals.contracts.gates import Gate
from proposals.models import Approval, Outcome, Proposal, Signal
from proposals.models.outcome import State

GATEKEEPER = part("gates", "The review gates")
LONGEST_COMMENT = 1000
# Of a role as large as that not everybody need be told; the page has it for all of them.
TOLD_MOST = 50


@dataclass(frozen=True)
class Seen:
    """What waits, as one person sees it: who decides, and why it is not them (empty: they do)."""

    approval: Approval
    decision: Decision
    refusal: str


class Decided(Exception):
    """It is decided or called off already; the sentence says by whom."""


def ask(
    gated: Sequence[tuple[Outcome, Gate, User | None]], *, again: Sequence[Approval] = (),
    asked_by: User | None = None, at: datetime,
) -> None:  # fmt: skip
    """Outcomes wait for their gates, each as caused by somebody, and `asked_by` another where the
    story does not ask by itself; those who may decide are told, also of what is asked `again`."""
    asked = [
        Approval(
            outcome=outcome, who=gate.who, caused_by=caused_by, asked_by=asked_by, asked_at=at,
            due_at=calendars.due(at, within=gate.within, team=None),
        )
        for outcome, gate, caused_by in gated
    ]  # fmt: skip
    bulk.insert(asked)
    deciders = Deciders(at)
    news = [one for approval in [*asked, *again] for one in _news(approval, deciders)]
    notices.tell_all(news, at=at)


def ask_again(outcome: Outcome, *, caused_by: User | None, at: datetime) -> Approval | None:
    """What came back before anybody had decided waits again, from now on, as its contract says.

    None where nobody is asked any more. Those who may decide are told by `ask`.
    """
    approval = Approval.objects.filter(outcome=outcome, decided_at=None).first()
    gate = gate_of(outcome)
    if approval is None or gate is None:
        return None
    approval.outcome, approval.caused_by = outcome, caused_by
    approval.asked_at, approval.ticketed_at = at, None
    approval.due_at = calendars.due(at, within=gate.within, team=None)
    approval.save(update_fields=["caused_by", "asked_at", "due_at", "ticketed_at"])
    return approval


def ask_anew(outcome: Outcome, gate: Gate, *, asked_by: User, at: datetime) -> None:
    """A locked outcome says something else by now: whatever was decided of it counts no more, and
    those who may decide are told."""
    approval = Approval.objects.filter(outcome=outcome).first()
    if approval is None:
        return ask([(outcome, gate, causer_of(outcome))], asked_by=asked_by, at=at)
    approval.outcome, approval.who, approval.asked_by = outcome, gate.who, asked_by
    approval.asked_at, approval.ticketed_at = at, None
    approval.due_at = calendars.due(at, within=gate.within, team=None)
    approval.is_approved = approval.decided_by = approval.decided_at = None
    approval.comment = ""
    approval.save()
    ask([], again=[approval], at=at)


def causer_of(outcome: Outcome) -> User | None:
    """The person whose act led to an outcome, as its gate knows it or its signal says."""
    asked = Approval.objects.filter(outcome=outcome).select_related("caused_by").first()
    return asked.caused_by if asked else brought_by(outcome)


def brought_by(outcome: Outcome, origin: str = "") -> User | None:
    """The person who brought its signal, where it was one; `origin` says it where it is known."""
    kind, _, pk = (origin or _origin_of(outcome)).partition(":")
    named = pk.partition(":")[0] if kind == "person" else ""
    return User.objects.filter(pk=int(named)).first() if named.isdecimal() else None


@transaction.atomic
def approve(*, approval_id: int, comment: str = "", by: User, at: datetime) -> Approval:
    """Let it go, with or without a word. Raises Decided, NotAllowed, ValueError."""
    approval = _decide(approval_id, True, comment, by, at)
    outcome = approval.outcome
    because = f"{by.name} approved it."
    troubles.settle(subject=outcome.ref, because=because, by=by, at=at, kinds={"approval-overdue"})
    # Approved, it still waits for its proposal's hold.
    if not outcome.on_hold:
        releasing.let_go([outcome], at=at)
    return approval


@transaction.atomic
def reject(*, approval_id: int, reason: str, by: User, at: datetime) -> Approval:
    """Call it off, with a reason; a ticket says what its contract wants then.

    Raises Decided, NotAllowed, ValueError.
    """
    approval = _decide(approval_id, False, reason, by, at)
    outcome = approval.outcome
    because = f"{by.name} rejected it: {approval.comment}"
    outcome.state, outcome.unwanted_why = State.CANCELLED, because[:300]
    outcome.save(update_fields=["state", "unwanted_why"])
    troubles.settle(subject=outcome.ref, because=because, by=by, at=at)
    _open_ticket(approval, "approval-rejected", because, by=by, at=at)
    bell.ring("outbox")
    return approval


def open_overdue(*, at: datetime, most: int = 200) -> int:
    """A ticket for every gate that was not answered in its time; how many."""
    late = Approval.objects.overdue(at=at).order_by("due_at", "pk").values_list("pk", flat=True)
    return sum(_open_overdue(pk, at) for pk in late[:most])


# --- Who decides --------------------------------------------------------------------------------
def refusal_for(approval: Approval, user: User, *, at: datetime) -> str:
    """Why this person does not decide on it; empty when they may."""
    return see(approval, user, at=at).refusal


def see(approval: Approval, user: User, *, at: datetime) -> Seen:
    """It as this person sees it."""
    return _seen(approval, user, Deciders(at))


def waiting_for(user: User, *, at: datetime) -> list[Approval]:
    """What waits for this person, the soonest due first."""
    return [one.approval for one in _all_seen(user, at) if not one.refusal]


def seen_by(user: User, *, at: datetime) -> list[Seen]:
    """What waits, as far as this person sees it: RevOps all of it, others what waits for them."""
    sees_all = user.role in (Role.OPERATOR, Role.MANAGER)
    return [one for one in _all_seen(user, at) if sees_all or not one.refusal]


def _all_seen(user: User, at: datetime) -> list[Seen]:
    deciders = Deciders(at)
    rows = Approval.objects.waiting().order_by("due_at", "pk")
    related = ("outcome__proposal__owner__team", "outcome__contract", "caused_by", "asked_by")
    return [_seen(one, user, deciders) for one in rows.select_related(*related)]


def _seen(approval: Approval, user: User, deciders: Deciders) -> Seen:
    decision = deciders.on(approval)
    return Seen(approval, decision, _refusal(approval, user, decision))


def _refusal(approval: Approval, user: User, decision: Decision) -> str:
    if refusal := permissions.refusal_for(user, Permission.APPROVE_GATES):
        return refusal
    if user.role == Role.VIEWER and not user.approves_model:
        return "A viewer approves only with the approver's right."
    if approval.caused_by_id == user.pk:
        return "You caused it, so somebody else decides."
    if approval.asked_by_id == user.pk:
        return "You asked for it, so somebody else decides."
    return "" if user in decision.people else f"It waits for {decision.whom}."


def gate_of(outcome: Outcome) -> Gate | None:
    """What it waits for first, as the version of its contract says; None: nothing."""
    rows = (row for row in outcome.contract.outcomes if row["name"] == outcome.name)
    return next((promises.spec_from(row).gate for row in rows), None)


def _origin_of(outcome: Outcome) -> str:
    found = Signal.objects.filter(pk=outcome.signal_id or 0).values_list("origin", flat=True)
    return found.first() or ""


# --- Deciding -----------------------------------------------------------------------------------
def _decide(approval_id: int, approved: bool, comment: str, by: User, at: datetime) -> Approval:
    # The proposal first, then the outcome, as whoever tells the story anew or holds it locks them:
    # letting it go locks what stands behind it as well.
    asked = Approval.objects.values_list("outcome", "outcome__proposal").get(pk=approval_id)
    outcome_id, proposal_id = asked
    Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    outcome = (
        Outcome.objects.select_for_update(of=("self",))
        .select_related("proposal__owner__team", "contract")
        .get(pk=outcome_id)
    )
    approval = Approval.objects.select_for_update(of=("self",)).get(pk=approval_id)
    approval.outcome = outcome
    if not approval.is_waiting:
        raise Decided(_decided(approval, at))
    if refusal := refusal_for(approval, by, at=at):
        raise NotAllowed(refusal)
    approval.comment = _readable(comment)
    if not approved and not approval.comment:
        raise ValueError("Say why it is rejected.")
    approval.is_approved, approval.decided_by, approval.decided_at = approved, by, at
    approval.save()
    trail.record(
        "outcome.approved" if approved else "outcome.rejected",
        subject=outcome, record=outcome.record, by=by, at=at, why=approval.comment,
        after={"outcome": outcome.kind}, cause=f"signal:{outcome.signal_id}",
    )  # fmt: skip
    return approval


def _decided(approval: Approval, at: datetime) -> str:
    if approval.decided_at is None or approval.decided_by is None:
        return f"It was called off meanwhile. {approval.outcome.unwanted_why}".strip()
    did = "approved" if approval.is_approved else "rejected"
    seconds = max(0, int((at - approval.decided_at).total_seconds()))
    ago = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
    return f"{approval.decided_by.name} {did} this {ago} ago."


def _readable(text: str) -> str:
    text = " ".join(text.replace("\0", "").split())
    if len(text) > LONGEST_COMMENT:
        raise ValueError(f"Keep it under {LONGEST_COMMENT:,} characters; this has {len(text):,}.")
    return text


# --- Telling ------------------------------------------------------------------------------------
def _news(approval: Approval, deciders: Deciders) -> Iterable[News]:
    outcome, decision = approval.outcome, deciders.on(approval)
    text = f"{outcome.proposal}: {says(outcome)} waits for your approval. {decision.why}".strip()
    url = reverse("proposals:approval", args=[approval.pk])
    key = f"approval:{approval.pk}:{approval.asked_at.isoformat()}"
    for user in decision.people[:TOLD_MOST]:
        yield News(user, text, key, url)


def says(outcome: Outcome) -> str:
    """What would fire, as in "create the invoice"."""
    return sentences.deed(outcome.kind, outcome.name)


@transaction.atomic
def _open_overdue(approval_id: int, at: datetime) -> bool:
    # With its outcome: somebody may be calling that off. What is locked has its turn next time.
    approval = (
        Approval.objects.select_for_update(of=("self", "outcome"), skip_locked=True)
        .select_related("outcome__proposal__owner__team", "outcome__contract")
        .filter(pk=approval_id, decided_at=None, ticketed_at=None)
        .first()
    )
    if approval is None or not approval.is_waiting:
        return False
    decision = Deciders(at).on(approval)
    reason = f"It waits for {decision.whom}, and was to be answered by now. {decision.why}".strip()
    _open_ticket(approval, "approval-overdue", reason, by=GATEKEEPER, at=at)
    approval.ticketed_at = at
    approval.save(update_fields=["ticketed_at"])
    return True


def _open_ticket(approval: Approval, kind: str, reason: str, *, by: Someone, at: datetime) -> None:
    outcome, contract = approval.outcome, approval.outcome.contract
    proposal = outcome.proposal
    own = kind if kind == "approval-overdue" else failing.kind_of(contract, kind)
    deed = says(outcome)
    troubles.open_ticket(
        troubles.Trouble(
            kind=own,
            cause=f"{kind}:{outcome.ref}",
            contract=contract.slug,
            step=outcome.name,
            failure=kind,
            title=f"{deed[:1].upper()}{deed[1:]} of {proposal}: {_TITLES[kind]}",
            reason=reason,
            subject=outcome.ref,
            evidence={
                "outcome": outcome.pk,
                "what": outcome.kind,
                "waits for": Deciders(at).on(approval).whom,
                "asked": approval.asked_at.isoformat(),
                "payload": outcome.params,
                "page": reverse("proposals:approval", args=[approval.pk]),
            },
            record=proposal.record,
            record_title=str(proposal),
            connection=outcome.connection,
            amount=proposal.amount,
            currency=proposal.currency,
            led_from=f"signal:{outcome.signal_id}",
            **failing.path(contract),
        ),
        by=by,
        at=at,
    )


_TITLES = {
    "approval-overdue": "not approved in time",
    "approval-rejected": "rejected at its review gate",
}
