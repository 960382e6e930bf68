"""Fixing a difference: ours is written there, theirs is taken here, or another value is said.

Nothing is proven by having been asked for: it is *being fixed* until both sides were read as equal.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from connectors.models import SnapshotRow
from meshline import bell
from meshline.audit import trail
from meshline.audit.actors import Actor
from meshline.money import worded
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy.truth import PEOPLE
from proposals import intake, outbox, steering
from proposals.lifecycle import Conflict
from proposals.models import Outcome, Proposal, Signal
from proposals.models.outcome import State as Carried
from proposals.signals import FIELDS, Incoming
from proposals.states import MoveError
from proposals.states import State as Life
from proposals.steering import NotNow
from reconciliation import runs, taking, values
from reconciliation.judging import CARRIES, Judge
from reconciliation.kinds import KINDS, As
from reconciliation.models import Divergence, Side
from reconciliation.values import Impossible

KIND = "proposal.reconciled"
# As long as the offer stands.
UNDONE_WITHIN = timedelta(seconds=10)
# Among what it takes to put it back: until when, and by whom, it was accepted.
_ACCEPTED = "accepted"
State = Divergence.State


class FixError(Exception):
    """Why it cannot be done, as a sentence; `field` is the one it is about, of a form that asks."""

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


# --- Doing -----------------------------------------------------------------------------------
@transaction.atomic
def take(*, divergence_id: int, side: str, by: User, at: datetime) -> Divergence:
    """Take a side: write ours over there, or take theirs here. Raises FixError, NotAllowed."""
    one = locked(divergence_id, by)
    if why_not := over(one, side) or refusal(Judge(), one, side):
        raise FixError(why_not)
    try:
        stood = _write_ours(one, by, at) if side == Side.OURS else _take_theirs(one, by, at)
    except (MoveError, Conflict) as error:
        raise FixError(str(error)) from None
    return _being_fixed(one, side, stood, by, at)


@transaction.atomic
def edit(*, divergence_id: int, value: str, by: User, at: datetime) -> Divergence:
    """Say another value here, where nobody else's counts; also while a fix is on its way, which
    this one then takes the place of. Raises FixError, NotAllowed."""
    one, judge = locked(divergence_id, by), Judge()
    if why_not := over(one, Side.EDITED) or judge.no_edit(one):
        raise FixError(why_not)
    try:
        fields = _fields(one, " ".join(value.split()))
    except Impossible as error:
        raise FixError(str(error), field="value") from None
    stood = _say(one, fields, source=PEOPLE, what=f"said the {_label(one)}", by=by, at=at)
    return _being_fixed(one, Side.EDITED, stood, by, at)


@transaction.atomic
def undo(*, divergence_id: int, by: User, at: datetime) -> Divergence:
    """Take it back within the offer's time, as long as nobody began to carry it. Raises FixError.

    What would be carried is locked before anybody asks whether it was: whoever carries passes over
    it, or had it already.
    """
    one = locked(divergence_id, by)
    if one.state not in (State.FIXING, State.GONE) or one.fixed_by_id != by.pk or not one.stood:
        raise FixError("There is nothing to undo.")
    _must_be_uncarried(one)
    if one.fixed_at is None or at - one.fixed_at > UNDONE_WITHIN:
        raise FixError(f"It is too late to undo that: {_stands(one, 'here')}")
    if one.fixed_to == Side.OURS:
        _leave_as_it_was(one, by, at)
    else:
        said = one.stood
        _say(one, said["fields"], source=said["source"], what="took back the "
             f"{_label(one)}", by=by, at=at)  # fmt: skip
    _as_it_stood(one)
    one.outcome, one.stood = None, {}
    one.fixed_by = one.fixed_at = None
    one.fixed_to = one.why = ""
    one.save()
    _record("divergence.fix-undone", one, by, at)
    return one


def is_undoable(one: Divergence, by: User, *, at: datetime) -> bool:
    """Whether this person may still take it back: within the offer's time, and uncarried."""
    mine = one.state == State.FIXING and one.fixed_by_id == by.pk and bool(one.stood)
    is_in_time = mine and one.fixed_at is not None and at - one.fixed_at <= UNDONE_WITHIN
    return is_in_time and not _carried(one)


def refusal(judge: Judge, one: Divergence, side: str) -> str:
    """Why this side cannot be taken; empty when it can."""
    return judge.no_ours(one) if side == Side.OURS else judge.no_theirs(one)


def over(one: Divergence, side: str) -> str:
    """Why nothing is taken or said of it any more; empty where it is still so. What is on its way
    may be said otherwise, but for what waits its turn among others."""
    if one.state == State.GONE:
        return "It is gone already."
    if one.state == State.FIXING and (side != Side.EDITED or one.is_asked):
        return "It is being fixed already."
    return ""


def locked(divergence_id: int, by: User, permission: Permission = Permission.FIX_DIVERGENCE):
    """The row, for who may see it and may do that."""
    permissions.check(by, permission)
    rows = Divergence.objects.visible_to(by).select_for_update(of=("self",), no_key=True)
    return rows.select_related("connection", "proposal").get(pk=divergence_id)


# --- Ours ------------------------------------------------------------------------------------
def _write_ours(one: Divergence, by: User, at: datetime) -> dict[str, Any]:
    """Have it carried once more, by the outcome that keeps it equal there."""
    assert one.proposal is not None
    known = Outcome.objects.filter(
        proposal=one.proposal, connection=one.connection.slug, kind=CARRIES[one.kind],
        undo_of=None, unwanted_at=None,
    ).exclude(state=Carried.CANCELLED)  # fmt: skip
    newest = known.order_by("-pk").first()
    if newest is None:
        raise FixError(
            f"No contract asks for this proposal to be in {one.connection.name}; move it along, or "
            "change the contract."
        )
    stood = steering.carry_again(
        outcome_id=newest.pk, because=f"It differs in {one.connection.name}.", by=by, at=at
    )
    one.outcome = newest
    return stood


def _leave_as_it_was(one: Divergence, by: User, at: datetime) -> None:
    if one.outcome_id is None:
        raise FixError("There is nothing to undo.")
    try:
        steering.leave_as_it_was(outcome_id=one.outcome_id, stood=one.stood, by=by, at=at)
    except NotNow:
        raise FixError(_was_carried(one, one.connection.slug)) from None


# --- Undoing ---------------------------------------------------------------------------------
def _as_it_stood(one: Divergence) -> None:
    """Open, or accepted as it was: whoever fixes and takes that back may not be who accepts."""
    was, one.state = one.stood.get(_ACCEPTED), State.OPEN
    if was:
        one.state, one.accepted_by_id = State.ACCEPTED, was["by"]
        one.accepted_at = datetime.fromisoformat(was["at"])
        one.accepted_until = datetime.fromisoformat(was["until"])


def _acceptance(one: Divergence) -> dict[str, Any]:
    """What it takes to have it accepted again, where it is."""
    if one.state != State.ACCEPTED or one.accepted_at is None or one.accepted_until is None:
        return {}
    until, at = one.accepted_until.isoformat(), one.accepted_at.isoformat()
    return {_ACCEPTED: {"by": one.accepted_by_id, "at": at, "until": until}}


def _must_be_uncarried(one: Divergence) -> None:
    """Nothing of it was carried, and nothing is until the end of this transaction."""
    if one.state == State.GONE:
        raise FixError(_was_carried(one, one.connection.slug))
    if one.fixed_to == Side.OURS or one.proposal is None:
        return
    outbox.lock(Proposal.objects.filter(pk=one.proposal.pk), _mirrors(one.proposal))
    if slug := _carried(one):
        raise FixError(_was_carried(one, slug))


def _carried(one: Divergence) -> str:
    """Where somebody began to carry it to, or it cannot be held back; empty where nobody has."""
    if one.proposal is None:
        return ""
    if one.fixed_to == Side.OURS:
        waits = Outcome.objects.filter(
            pk=one.outcome_id or 0, state=Carried.DUE, attempts=one.stood["attempts"]
        )
        return "" if waits.exists() else one.connection.slug
    before = one.stood.get("attempts", {})
    for outcome in _mirrors(one.proposal):
        if outcome.attempts > before.get(str(outcome.pk), 0):
            return outcome.connection
    return ""


def _wait_for_undo(one: Divergence, *, until: datetime) -> None:
    """What is to be carried waits as long as it can be taken back: workers have it in a moment."""
    assert one.proposal is not None
    its_own = Outcome.objects.filter(pk=one.outcome_id or 0)
    waiting = its_own if one.fixed_to == Side.OURS else _mirrors(one.proposal)
    waiting.filter(state=Carried.DUE, next_attempt_at__lt=until).update(next_attempt_at=until)


def _mirrors(proposal: Proposal) -> QuerySet[Outcome]:
    """What keeps it equal elsewhere."""
    return Outcome.objects.filter(proposal=proposal).exclude(digest="").order_by("pk")


def _was_carried(one: Divergence, slug: str) -> str:
    return f"It was carried already: {_stands(one, f'in {Judge().called[slug]}')}"


def _stands(one: Divergence, where: str) -> str:
    """What stands there now, and how another value gets there."""
    if one.state == State.GONE:
        instead = "Change it there to have another value."
    else:
        instead = Judge().no_edit(one) or "Edit it once more to put another value there."
    value = said(one)
    return f"{where} it is “{value}” now. {instead}" if value else instead


def said(one: Divergence) -> str:
    """The value that is said here now; empty where it is of no field."""
    field = KINDS[one.kind].field(one.field)
    if one.proposal is None or field is None or not field.agreed:
        return ""
    if field.how is As.MONEY:
        return worded(one.proposal.amount, one.proposal.currency)
    if taking.is_owner(one):
        return one.proposal.owner.email
    return _now(one.proposal, field.agreed)


# --- Theirs ----------------------------------------------------------------------------------
def _take_theirs(one: Divergence, by: User, at: datetime) -> dict[str, Any]:
    """By the door through which everything of theirs comes in."""
    there = one.connection.slug
    if one.proposal is None:
        return _bring_in(one, by, at)
    if taking.is_owner(one):
        taking.owner(one, one.proposal, by=by, at=at)
        return {}
    if _how(one) is As.STATE:
        target = Life(one.theirs) if one.theirs in set(Life) else None
        if target is None:
            raise FixError(f"“{one.theirs}” is no state of ours.")
        if taking.is_stage(one):
            there = taking.sayer(one, one.proposal, target, by=by)
        _say(one, {}, source=there, target=target, what="took the state", by=by, at=at)
        return {}
    source = PEOPLE if Judge().asks(one) else there
    name = one.connection.name
    try:
        fields = _fields(one, one.theirs if _how(one) is As.MONEY else one.theirs_raw)
    except Impossible as error:
        raise FixError(f"What {name} says cannot be taken. {error}") from None
    what = f"took {name}'s {_label(one)}"
    return _say(one, fields, source=source, what=what, by=by, at=at)


def _bring_in(one: Divergence, by: User, at: datetime) -> dict[str, Any]:
    """A document that nobody had told of, as it stood when it was read."""
    row = SnapshotRow.objects.filter(
        snapshot=one.last_run.snapshot_id or 0, external_id=one.external_id
    ).first()
    if row is None:
        raise FixError("What was read of it is kept no longer; reconcile once more.")
    told = {name: str(row.fields[name]) for name in FIELDS if row.fields.get(name)}
    if row.currency and "amount" in told:
        told["currency"] = row.currency
    target = row.fields.get("state")
    _receive(
        one, document=(one.connection.slug, one.external_id), fields=told,
        source=one.connection.slug, target=Life(target) if target in set(Life) else None,
        note=f"{by.name} took it from {one.connection.name}.", by=by, at=at, occurred_at=at,
    )  # fmt: skip
    return {}


def _fields(one: Divergence, value: str) -> dict[str, str]:
    """The canonical fields that this value is told in. Raises Impossible."""
    field = KINDS[one.kind].field(one.field)
    assert field is not None
    return values.canonical(field, value)


def _say(
    one: Divergence, fields: dict[str, str], *, source: str, what: str, by: User, at: datetime,
    target: Life | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Tell it of the proposal; what it takes to tell again what was so before."""
    proposal = one.proposal
    assert proposal is not None
    before = {name: _now(proposal, name) for name in fields}
    attempts = {str(one.pk): one.attempts for one in _mirrors(proposal)}
    latest = proposal.signals.order_by("-occurred_at").first()
    after = latest.occurred_at + timedelta(microseconds=1) if latest else at
    _receive(
        one, document=(proposal.source, proposal.external_id), fields=fields, source=source,
        target=target, note=f"{by.name} {what}.", by=by, at=at, occurred_at=max(at, after),
    )  # fmt: skip
    # A blank gives way to any value: what was blank cannot be told again.
    if not fields or not all(before.values()):
        return {}
    return {"fields": before, "source": source, "attempts": attempts}


def _now(proposal: Proposal, name: str) -> str:
    if name == "owner_email":
        return proposal.owner_named
    value = getattr(proposal, name)
    return "" if value is None else str(value)


def _receive(
    one: Divergence, *, document: tuple[str, str], fields: dict[str, str], source: str,
    target: Life | None, note: str, by: User, at: datetime, occurred_at: datetime,
) -> None:  # fmt: skip
    record_source, external_id = document
    said = intake.receive(
        Incoming(
            origin=f"{one.ref}:{uuid.uuid4()}", kind=KIND, source=source,
            record_source=record_source, external_id=external_id, occurred_at=occurred_at,
            received_at=at, by=Actor(by.actor_kind, by.actor_id, by.actor_label), target=target,
            tiebreak="~person", fields=fields, note=note,
        ),
        at=at,
    )  # fmt: skip
    if said.result == Signal.Result.REFUSED:
        raise FixError(said.why)


# --- Underneath ------------------------------------------------------------------------------
def _being_fixed(
    one: Divergence, side: str, stood: dict[str, Any], by: User, at: datetime
) -> Divergence:
    # Nothing to go back to stays nothing: then it is not undone.
    one.stood = stood | _acceptance(one) if stood else stood
    one.state, one.fixed_by, one.fixed_at, one.fixed_to = State.FIXING, by, at, side
    one.is_asked, one.why = False, Side(side).label
    if side != Side.OURS:
        one.outcome = None
    one.accepted_by = one.accepted_at = one.accepted_until = None
    one.save()
    if stood:
        _wait_for_undo(one, until=at + UNDONE_WITHIN)
    _record("divergence.fix-asked", one, by, at)
    bell.ring(runs.BELL)
    return one


def _record(what: str, one: Divergence, by: User, at: datetime) -> None:
    # By name alone: the values may be a customer's, and stand on the difference.
    after = {"side": one.fixed_to, "field": one.field or KINDS[one.kind].one, "sort": one.sort}
    record = one.proposal.record if one.proposal else ""
    trail.record(what, subject=one, record=record, by=by, at=at, after=after)


def _how(one: Divergence) -> As | None:
    """How its field is compared; None where the whole record differs."""
    field = KINDS[one.kind].field(one.field)
    return field.how if field else None


def _label(one: Divergence) -> str:
    field = KINDS[one.kind].field(one.field)
    return field.label if field else one.field
