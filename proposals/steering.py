"""What people do to an outcome that waits or was carried: retry, cancel, carry again.

The carrier's own words are the outbox's; here its row is taken from whoever has not begun.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from exceptions import troubles
from exceptions.states import Resolution
from meshline import bell
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from proposals import forcing, outbox, tiers
from proposals.models import Outcome
from proposals.models.outcome import State
from proposals.tiers import Tier

# What it takes to put an outcome back.
_STOOD = (
    "state", "next_attempt_at", "delivered_at", "proven_at", "first_failed_at", "tries", "waits",
    "crashes", "attempts", "budget_ends_at", "ticketed_at",
)  # fmt: skip


class NotNow(Exception):
    """A move an outcome cannot make in its state, as a sentence."""


class Replaced(NotNow):
    """Another one, `by`, was done anew in its place."""

    def __init__(self, by: Outcome) -> None:
        super().__init__(forcing.says_replaced(by))
        self.by = by


@transaction.atomic
def retry(*, outcome_id: int, by: User, at: datetime, only_prove: bool = False) -> Outcome:
    """A person says: now. The key stays, so nothing that already happened happens again.

    What was delivered and cannot be read back is delivered again, unless it is to be proven only.
    What another one was done in place of stays as it is. Raises NotNow, NotAllowed.
    """
    permissions.check(by, Permission.RETRY_OUTCOME)
    outcome = Outcome.objects.select_for_update(of=("self",)).get(pk=outcome_id)
    if made := forcing.in_place_of(outcome):
        raise Replaced(made)
    if outcome.state == State.HELD:
        raise NotNow("It is held: whoever may lets it go.")
    if outcome.on_hold:
        raise NotNow("Its proposal is on hold; lift that first.")
    if outcome.state not in (State.DUE, State.GIVEN_UP, State.DELIVERED):
        raise NotNow(f"An outcome that is {outcome.get_state_display().lower()} needs no retry.")
    before = {"state": outcome.state}
    unproven = outcome.state in (State.DELIVERED, State.GIVEN_UP) and outcome.delivered_at
    outcome.state, outcome.next_attempt_at = State.DUE, at
    if unproven and only_prove:
        outcome.state = State.DELIVERED
    elif unproven:
        outcome.delivered_at = None
    outcome.tries = outcome.waits = outcome.crashes = 0
    outcome.first_failed_at = None
    outcome.save()
    outbox.record("outcome.retried", outcome, by, at, before=before)
    bell.ring("outbox")
    return outcome


@transaction.atomic
def cancel(*, outcome_id: int, reason: str, by: User, at: datetime) -> Outcome:
    """A person calls an outcome off, for good and with a reason."""
    permissions.check(by, Permission.RETRY_OUTCOME)
    outcome = Outcome.objects.select_for_update(of=("self",)).get(pk=outcome_id)
    if not reason.strip():
        raise ValueError("Say why it is called off.")
    if outcome.state not in (State.DUE, State.HELD, State.GIVEN_UP):
        raise NotNow(
            f"An outcome that is {outcome.get_state_display().lower()} cannot be cancelled."
        )
    before = {"state": outcome.state}
    outcome.state = State.CANCELLED
    outcome.save()
    outbox.record("outcome.cancelled", outcome, by, at, before=before, why=reason.strip())
    because = f"{by.name} called it off: {reason.strip()}"
    troubles.settle(
        subject=outcome.ref, because=because, by=by, at=at, resolution=Resolution.NO_ACTION
    )
    bell.ring("outbox")
    return outcome


@transaction.atomic
def carry_again(*, outcome_id: int, because: str, by: User, at: datetime) -> dict[str, Any]:
    """Write to the other side once more what a mirror shows; its key stays.

    How it stood before is answered, for `leave_as_it_was`. Raises NotNow, NotAllowed.
    """
    permissions.check(by, Permission.RETRY_OUTCOME)
    outcome = Outcome.objects.select_for_update(of=("self",)).get(pk=outcome_id)
    if outcome.state in (State.LEASED, State.HELD) or outcome.on_hold:
        raise NotNow("It is on its way already, or held; wait for what comes of it.")
    stood = {name: _plain(getattr(outcome, name)) for name in _STOOD}
    outcome.state, outcome.next_attempt_at = State.DUE, at
    outcome.delivered_at = outcome.proven_at = outcome.first_failed_at = None
    outcome.tries = outcome.waits = outcome.crashes = 0
    # From now on it has its time anew.
    outcome.budget_ends_at, outcome.ticketed_at = at + tiers.BUDGET[Tier(outcome.tier)], None
    outcome.save()
    outbox.record(
        "outcome.carried-again", outcome, by, at, before={"state": stood["state"]}, why=because
    )
    bell.ring("outbox")
    return stood


@transaction.atomic
def leave_as_it_was(*, outcome_id: int, stood: Mapping[str, Any], by: User, at: datetime) -> None:
    """Not carried again after all, as long as nobody has begun. Raises NotNow, NotAllowed."""
    permissions.check(by, Permission.RETRY_OUTCOME)
    outcome = Outcome.objects.select_for_update(of=("self",)).get(pk=outcome_id)
    if outcome.state != State.DUE or outcome.attempts != stood["attempts"]:
        raise NotNow("It was carried already.")
    for name in _STOOD:
        value = stood[name]
        is_moment = name.endswith("_at") and value is not None
        setattr(outcome, name, datetime.fromisoformat(value) if is_moment else value)
    outcome.save()
    outbox.record("outcome.left-as-it-was", outcome, by, at)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
