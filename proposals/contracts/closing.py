"""The task of a follow-up in the CRM, when a person has completed that here: closed there, too.

Its proposal is locked by the caller, and then the outcome that made it.
"""

from datetime import datetime, timedelta

from exceptions import troubles
from meshline.audit import trail
from meshline.audit.actors import Someone
from proposals import holds
from proposals.contracts import promising
from proposals.contracts.catalogue import DEEDS
from proposals.models import Approval, Outcome
from proposals.models.outcome import State
from proposals.states import MoveError

# Whoever takes it back a moment later finds the task as it was.
WAITS = timedelta(seconds=12)
_CARRIED = "Its task in the CRM is closed already, so it cannot be taken back."


def close(outcome_id: int, *, because: str, by: Someone, at: datetime) -> None:
    """See to it that the task is closed, or is not made at all."""
    outcome = _locked(outcome_id)
    if outcome.unwanted_at is not None or outcome.state == State.CANCELLED:
        return
    outcome.unwanted_at, outcome.unwanted_why = at, because
    # Also where its contract lets it stand when the story moves on.
    outcome.undo = outcome.undo or DEEDS[outcome.kind].undo
    is_called_off = outcome.state in promising.CALLED_OFF_FROM
    if is_called_off:
        outcome.state = State.CANCELLED
    outcome.save(update_fields=["state", "undo", "unwanted_at", "unwanted_why"])
    if is_called_off:
        _record("outcome.called-off", outcome, because, by, at)
        troubles.settle(subject=outcome.ref, because=because, by=by, at=at)
    # A try whose answer never came may have made it all the same. What is on its way is taken back
    # once it is through.
    may_be_there = outcome.attempts if is_called_off else outcome.state != State.LEASED
    if may_be_there:
        promising.undo(outcome, at=at, not_before=at + WAITS)


def open_again(outcome_id: int, *, because: str, by: Someone, at: datetime) -> None:
    """As it was before. Raises MoveError where it is closed over there already."""
    outcome = _locked(outcome_id)
    back = Outcome.objects.select_for_update(of=("self",)).filter(undo_of=outcome).first()
    if back is not None and not _is_let_go(back):
        if back.attempts or back.state not in (State.DUE, State.HELD):
            raise MoveError(_CARRIED)
        promising.let_be(back, because=because, by=by, at=at)
    if outcome.unwanted_at is None:
        return
    outcome.unwanted_at, outcome.unwanted_why = None, ""
    outcome.undo = _as_agreed(outcome)
    if outcome.state == State.CANCELLED:
        waits = Approval.objects.filter(outcome=outcome, decided_at=None).exists()
        outcome.state = State.HELD if waits else State.DUE
        outcome.next_attempt_at = at
        holds.rest(outcome, is_on_hold=bool(outcome.proposal.hold))
    outcome.save(
        update_fields=[
            "state",
            "on_hold",
            "next_attempt_at",
            "undo",
            "unwanted_at",
            "unwanted_why",
        ]
    )
    _record("outcome.wanted-again", outcome, because, by, at)


def _is_let_go(back: Outcome) -> bool:
    return back.state == State.CANCELLED


def _as_agreed(outcome: Outcome) -> str:
    """What takes it back when the story moves on, as its contract says."""
    rows = outcome.contract.outcomes
    return next((row.get("undo", "") for row in rows if row["name"] == outcome.name), "")


def _locked(outcome_id: int) -> Outcome:
    rows = Outcome.objects.select_for_update(of=("self",)).select_related("proposal", "contract")
    return rows.get(pk=outcome_id)


def _record(what: str, outcome: Outcome, why: str, by: Someone, at: datetime) -> None:
    trail.record(
        what, subject=outcome, record=outcome.record, by=by, at=at,
        after={"outcome": outcome.kind}, why=why,
    )  # fmt: skip
