"""Holds: automation stops for a proposal and says so, until a person (or what set it) lifts it.

While one is in force what is promised waits, and nothing of it goes out; what is being carried at
that moment comes home. Lifting lets everything go in its order.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Min, Q
from django.urls import reverse

from exceptions import troubles
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.money import worded
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import high_value
from proposals import hold_kinds, releasing
from proposals.hold_kinds import HoldKind
from proposals.models import Hold, Outcome, Proposal
from proposals.models.outcome import OPEN, State
from proposals.story import Story

THRESHOLDS = part("thresholds", "The high-value thresholds")
LONGEST_REASON = 300


class HoldError(Exception):
    """A hold that cannot be set or lifted like this any more, as a sentence."""


@transaction.atomic
def put(*, proposal_id: int, kind: str, reason: str, by: User, at: datetime) -> Hold:
    """Stop automation for a proposal. Raises HoldError, ValueError, NotAllowed."""
    proposal = _locked(proposal_id)
    permissions.check(by, Permission.HOLD_PROPOSAL, owner=proposal.owner)
    if kind not in set(HoldKind):
        raise ValueError("Choose why it is held from the list.")
    reason = _readable(reason, "Say why it is held.")
    if Hold.objects.in_force().filter(proposal=proposal, kind=kind).exists():
        raise HoldError(f"It is on hold for that already: {hold_kinds.label(kind).lower()}.")
    return _set(proposal, HoldKind(kind), reason, by, at)


@transaction.atomic
def lift(*, hold_id: int, reason: str, by: User, at: datetime) -> Hold:
    """Let automation go on, unless something else holds it. Raises HoldError, ValueError."""
    proposal = _locked(Hold.objects.values_list("proposal", flat=True).get(pk=hold_id))
    permissions.check(by, Permission.HOLD_PROPOSAL, owner=proposal.owner)
    hold = Hold.objects.select_for_update(of=("self",)).get(pk=hold_id)
    if hold.lifted_at is not None:
        raise HoldError(f"{hold.lifted_by_label} lifted it already.")
    reason = _readable(reason, "Say why it is lifted.")
    _lift(hold, proposal, reason, by, at)
    return hold


def judge(stories: Iterable[Story], *, at: datetime) -> None:
    """Hold what came in of high value, and let go what turned out not to be.

    What a person has let go is held again only once it is worth more than then.
    """
    thresholds = high_value.thresholds()
    large = {one.proposal.pk for one in stories if _is_large(one.proposal, thresholds)}
    looked = {one.proposal.pk: one.proposal for one in stories}
    asked = {pk for pk, proposal in looked.items() if pk in large or proposal.hold}
    if not asked:
        return
    known: dict[int, list[Hold]] = {pk: [] for pk in asked}
    rows = Hold.objects.filter(proposal__in=asked, kind=HoldKind.HIGH_VALUE).order_by("pk")
    for hold in rows:
        known[hold.proposal_id].append(hold)
    for pk in sorted(asked):
        _judge(looked[pk], known[pk], pk in large, at)


def rest(outcome: Outcome, *, is_on_hold: bool) -> None:
    """What is about to wait for its carrier waits for the hold first, where there is one."""
    outcome.on_hold = is_on_hold
    if is_on_hold and outcome.state == State.DUE:
        outcome.state = State.HELD


# --- Underneath ---------------------------------------------------------------------------------
def _is_large(proposal: Proposal, thresholds: dict) -> bool:
    least = thresholds.get(proposal.currency)
    return least is not None and proposal.amount is not None and proposal.amount >= least


def _judge(proposal: Proposal, holds: list[Hold], is_large: bool, at: datetime) -> None:
    current = next((hold for hold in holds if hold.lifted_at is None), None)
    if is_large and current is None and not _was_let_go(proposal, holds):
        reason = f"It is worth {proposal.amount_words}, which takes a look first."
        _set(proposal, HoldKind.HIGH_VALUE, reason, THRESHOLDS, at)
    elif current and not is_large and current.set_by_id is None and _is_other(proposal, current):
        reason = f"It is worth {proposal.amount_words or 'nothing'} now, which takes no look."
        _lift(current, proposal, reason, THRESHOLDS, at)


def _was_let_go(proposal: Proposal, holds: list[Hold]) -> bool:
    """Whether a person looked at it when it was worth as much, or more."""
    return any(
        hold.lifted_by_id is not None
        and hold.currency == proposal.currency
        and hold.amount is not None
        and proposal.amount is not None
        and hold.amount >= proposal.amount
        for hold in holds
    )


def _is_other(proposal: Proposal, hold: Hold) -> bool:
    return (proposal.amount, proposal.currency) != (hold.amount, hold.currency)


def _set(proposal: Proposal, kind: HoldKind, reason: str, by: Someone, at: datetime) -> Hold:
    hold = Hold.objects.create(
        proposal=proposal, kind=kind, reason=reason[:LONGEST_REASON],
        set_by=by if isinstance(by, User) else None, set_by_label=by.actor_label, set_at=at,
        amount=proposal.amount, currency=proposal.currency,
    )  # fmt: skip
    _stand(proposal)
    open_ones = Outcome.objects.filter(proposal=proposal, state__in=OPEN)
    # What is being carried comes home by itself: its row says by then that it is on hold.
    open_ones.update(on_hold=True)
    open_ones.filter(state=State.DUE).update(state=State.HELD)
    trail.record(
        "proposal.held", subject=proposal, record=proposal.record, by=by, at=at, why=reason,
        after={"hold": kind.label},
    )  # fmt: skip
    if kind.asks:
        _open_ticket(hold, proposal, by, at)
    return hold


def _lift(hold: Hold, proposal: Proposal, reason: str, by: Someone, at: datetime) -> None:
    hold.lifted_by = by if isinstance(by, User) else None
    hold.lifted_by_label, hold.lifted_at = by.actor_label, at
    hold.lifted_why = reason[:LONGEST_REASON]
    hold.save()
    _stand(proposal)
    trail.record(
        "proposal.let-go", subject=proposal, record=proposal.record, by=by, at=at, why=reason,
        before={"hold": hold_kinds.label(hold.kind)},
    )  # fmt: skip
    troubles.settle(subject=hold.ref, because=f"{by.actor_label} lifted it: {reason}", by=by, at=at)
    if not proposal.hold:
        _let_go(proposal, at)


def _let_go(proposal: Proposal, at: datetime) -> None:
    rows = Outcome.objects.select_for_update(of=("self",)).filter(proposal=proposal, on_hold=True)
    held = list(rows.select_related("proposal__owner__team").order_by("pk"))
    Outcome.objects.filter(pk__in=[one.pk for one in held]).update(on_hold=False)
    free = Q(approval=None) | Q(approval__decided_at__isnull=False)
    waits = Outcome.objects.filter(pk__in=[one.pk for one in held], state=State.HELD).filter(free)
    freed = set(waits.values_list("pk", flat=True))
    releasing.let_go([one for one in held if one.pk in freed], at=at)


def since() -> dict[str, datetime]:
    """The records on hold, and since when."""
    rows = Hold.objects.in_force().values_list("proposal").annotate(Min("set_at"))
    return {f"proposal:{pk}": at for pk, at in rows.order_by()}


def _stand(proposal: Proposal) -> None:
    """Write the oldest hold in force onto the proposal; nothing where there is none."""
    first = Hold.objects.in_force().filter(proposal=proposal).order_by("pk").first()
    proposal.hold = first.kind if first else ""
    proposal.save(update_fields=["hold"])


def _locked(proposal_id: int) -> Proposal:
    rows = Proposal.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("owner__team").get(pk=proposal_id)


def _readable(reason: str, sentence: str) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise ValueError(sentence)
    if len(reason) > LONGEST_REASON:
        raise ValueError(f"Keep it under {LONGEST_REASON} characters; this has {len(reason):,}.")
    return reason


def _open_ticket(hold: Hold, proposal: Proposal, by: Someone, at: datetime) -> None:
    troubles.open_ticket(
        troubles.Trouble(
            kind="on-hold",
            cause=f"hold:{hold.kind}:{proposal.record}",
            title=f"{proposal} is on hold: {hold_kinds.label(hold.kind).lower()}",
            reason=hold.reason,
            subject=hold.ref,
            evidence={
                "kind": hold_kinds.label(hold.kind),
                "set by": hold.set_by_label,
                "amount": worded(hold.amount, hold.currency),
                "page": reverse("proposals:proposal", args=[proposal.pk]),
            },
            record=proposal.record,
            record_title=str(proposal),
            connection=proposal.source,
            amount=proposal.amount,
            currency=proposal.currency,
        ),
        by=by,
        at=at,
    )
