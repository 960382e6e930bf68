"""Review gates: outcomes wait here until somebody whom their contract names lets them go, or not.

Whoever caused one does not decide on it. What is not answered in its time becomes a ticket; what
the story no longer asks for waits for nobody.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from exceptions import desk
from meshline import bell, bulk
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.notices import notices
from meshline.notices.notices import News
from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission, Role
from meshline.policy import calendars, raci
from proposals import failing, gates, releasing, sentences
from proposals.gates import APPROVERS, Gate
from proposals.models import Approval, Outcome
from proposals.models.outcome import State

GATEKEEPER = part("gates", "The review gates")
LONGEST_COMMENT = 1000
# Of a role as large as that not everybody need be told; the page has it for all of them.
TOLD_MOST = 50


class Decided(Exception):
    """It is decided or called off already; the sentence says by whom."""


def ask(gated: Sequence[tuple[Outcome, Gate, User | None]], *, at: datetime) -> None:
    """Outcomes that were just promised wait for their gates; those who may decide are told."""
    asked = [
        Approval(
            outcome=outcome, who=gate.who, caused_by=caused_by, asked_at=at,
            due_at=calendars.due(at, within=gate.within, team=None),
        )
        for outcome, gate, caused_by in gated
    ]  # fmt: skip
    bulk.insert(asked)
    notices.tell_all([one for approval in asked for one in _news(approval, at)], at=at)


def ask_again(outcome: Outcome, *, at: datetime) -> bool:
    """What came back before anybody had decided waits again, from now on; whether it does."""
    approval = Approval.objects.filter(outcome=outcome, decided_at=None).first()
    if approval is None:
        return False
    within = approval.due_at - approval.asked_at
    approval.asked_at, approval.due_at, approval.ticketed_at = at, at + within, None
    approval.save(update_fields=["asked_at", "due_at", "ticketed_at"])
    return True


@transaction.atomic
def approve(*, approval_id: int, comment: str = "", by: User, at: datetime) -> Approval:
    """Let it go, with or without a word. Raises Decided, NotAllowed, ValueError."""
    approval = _decide(approval_id, True, comment, by, at)
    outcome = approval.outcome
    because = f"{by.name} approved it."
    desk.settle(subject=outcome.ref, because=because, by=by, at=at, kinds={"approval-overdue"})
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
    desk.settle(subject=outcome.ref, because=because, by=by, at=at)
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
    if refusal := permissions.refusal_for(user, Permission.APPROVE_GATES):
        return refusal
    if user.role == Role.VIEWER and not user.approves_model:
        return "A viewer approves only with the approver's right."
    if approval.caused_by_id == user.pk:
        return "You caused it, so somebody else decides."
    if not _is_named(user, approval.who, at):
        return f"It waits for {gates.whom(approval.who)}."
    return ""


def waiting_for(user: User, *, at: datetime) -> list[Approval]:
    """What waits for this person, the soonest due first."""
    return [one for one in _waiting() if not refusal_for(one, user, at=at)]


def seen_by(user: User, *, at: datetime) -> list[Approval]:
    """What waits, as far as this person sees it: RevOps all of it, others what waits for them."""
    if user.role in (Role.OPERATOR, Role.MANAGER):
        return list(_waiting())
    return waiting_for(user, at=at)


def deciders(who: str, *, at: datetime) -> list[User]:
    """Everybody whom a gate names, at this moment."""
    kind, _, name = who.partition(":")
    active = User.objects.active().order_by("pk")
    if who == APPROVERS:
        return [user for user in active.filter(approves_model=True) if _may(user)]
    if kind == "role":
        return list(active.in_role(Role(name)))
    user = _stands_for(kind, name, at)
    return [user] if user and _may(user) else []


def _is_named(user: User, who: str, at: datetime) -> bool:
    kind, _, name = who.partition(":")
    if who == APPROVERS:
        return user.approves_model
    if kind == "role":
        return user.role == name
    return _stands_for(kind, name, at) == user


def _stands_for(kind: str, name: str, at: datetime) -> User | None:
    """The one person behind such a word, or who stands in for them."""
    if kind == "accountable":
        return raci.accountable_for(name, at=at).user
    named = User.objects.filter(email=name).first()
    return availability.stand_in_for(named, at=at) if named else None


def _may(user: User) -> bool:
    is_refused = permissions.refusal_for(user, Permission.APPROVE_GATES)
    return not is_refused and (user.role != Role.VIEWER or user.approves_model)


def _waiting() -> QuerySet[Approval]:
    rows = Approval.objects.waiting().order_by("due_at", "pk")
    return rows.select_related("outcome__proposal__owner__team", "outcome__contract", "caused_by")


# --- Deciding -----------------------------------------------------------------------------------
def _decide(approval_id: int, approved: bool, comment: str, by: User, at: datetime) -> Approval:
    # The outcome first, as whoever tells the story anew locks it.
    outcome_id = Approval.objects.values_list("outcome", flat=True).get(pk=approval_id)
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
def _news(approval: Approval, at: datetime) -> Iterable[News]:
    outcome = approval.outcome
    text = f"{outcome.proposal}: {says(outcome)} waits for your approval."
    url = reverse("proposals:approval", args=[approval.pk])
    for user in deciders(approval.who, at=at)[:TOLD_MOST]:
        if user.pk != approval.caused_by_id:
            yield News(user, text, f"approval:{outcome.key}:{user.pk}", url)


def says(outcome: Outcome) -> str:
    """What would fire, as in "create the invoice"."""
    return sentences.deed(outcome.kind, outcome.name)


@transaction.atomic
def _open_overdue(approval_id: int, at: datetime) -> bool:
    approval = (
        Approval.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("outcome__proposal__owner__team", "outcome__contract")
        .filter(pk=approval_id, decided_at=None, ticketed_at=None)
        .first()
    )
    if approval is None or not approval.is_waiting:
        return False
    reason = f"It waits for {gates.whom(approval.who)}, and was to be answered by now."
    _open_ticket(approval, "approval-overdue", reason, by=GATEKEEPER, at=at)
    approval.ticketed_at = at
    approval.save(update_fields=["ticketed_at"])
    return True


def _open_ticket(approval: Approval, kind: str, reason: str, *, by: Someone, at: datetime) -> None:
    outcome, contract = approval.outcome, approval.outcome.contract
    proposal = outcome.proposal
    own = kind if kind == "approval-overdue" else failing.kind_of(contract, kind)
    deed = says(outcome)
    desk.open_ticket(
        desk.Trouble(
            kind=own,
            cause=f"{kind}:{outcome.ref}",
            title=f"{deed[:1].upper()}{deed[1:]} of {proposal}: {_TITLES[kind]}",
            reason=reason,
            subject=outcome.ref,
            evidence={
                "outcome": outcome.pk,
                "what": outcome.kind,
                "waits for": gates.whom(approval.who),
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
