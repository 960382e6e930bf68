"""A manager promises what a contract knows and did not ask for: one outcome, under the key it would
have had.

So it happens that a contract came into force after the signature, counts for other proposals, or
had nobody to carry it. Whoever promises it twice promises it once: the key is the same.
"""

from datetime import datetime

from django.db import transaction

from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import calendars, roles
from proposals import budgets, forcing, holds, retelling
from proposals.contracts import approvals, promising, versions
from proposals.contracts.promises import Wanted
from proposals.models import Outcome, Proposal
from proposals.models.outcome import State
from proposals.states import State as Stretch
from proposals.story import Story
from proposals.tiers import Tier

LONGEST_REASON = 1000


class CannotPromise(Exception):
    """Why it cannot be promised, as a sentence."""


@transaction.atomic
def promise(*, proposal_id: int, kind: str, reason: str, by: User, at: datetime) -> Outcome:
    """Promise an outcome of this kind, or once more the one that was called off.

    Raises CannotPromise, NotAllowed, ValueError on a reason that is none.
    """
    rows = Proposal.objects.select_for_update(no_key=True, of=("self",))
    proposal = rows.select_related("owner__team").get(pk=proposal_id)
    permissions.check(by, Permission.OVERRIDE_PROPOSAL, owner=proposal.owner)
    reason = _readable(reason)
    newest = _newest(proposal, kind)
    outcome = _once_more(newest, by, at) if newest else _new(proposal, kind, by, at)
    trail.record(
        "outcome.promised-by-hand", subject=outcome, record=outcome.record, by=by, at=at,
        after={"outcome": outcome.kind, "in": outcome.connection, "key": outcome.key},
        why=reason, cause=f"signal:{outcome.signal_id}",
    )  # fmt: skip
    bell.ring("outbox")
    return outcome


def refusal(kind: str) -> str:
    """Why nothing of this kind could be promised for anybody; empty where it could."""
    asked = [spec for contract in versions.live() for spec in contract.outcomes]
    known = [spec for spec in asked if spec.kind == kind]
    if not known:
        return "No contract in force knows it: publish one that asks for it."
    if not any(roles.connections().get(spec.target) for spec in known):
        return f"No connection plays the part of {known[0].target} yet."
    return ""


def _new(proposal: Proposal, kind: str, by: User, at: datetime) -> Outcome:
    if why := refusal(kind):
        raise CannotPromise(why)
    story = retelling.as_they_stand([proposal])[0]
    # What a contract asks for by now is promised by the contract.
    promising.promise([story], at=at, by=by)
    if asked := _newest(proposal, kind):
        return asked
    want = _wanted(story, kind)
    if want is None:
        state = proposal.get_state_display().lower()
        raise CannotPromise(f"No contract in force asks for it once a proposal is {state}.")
    return promising.promise_anyway(story, want, by=by, at=at)


def _newest(proposal: Proposal, kind: str) -> Outcome | None:
    rows = Outcome.objects.select_for_update(of=("self",)).select_related("contract", "proposal")
    return rows.filter(proposal=proposal, kind=kind, undo_of=None).order_by("-pk").first()


def _wanted(story: Story, kind: str) -> Wanted | None:
    """By which contract in force, and for which stretch of the story: the last that still counts"""
    specs = [
        (contract, spec)
        for contract in versions.live()
        for spec in contract.outcomes
        if spec.kind == kind
    ]
    later: set[Stretch] = set()
    for episode in reversed(story.told.episodes):
        for contract, spec in specs:
            if episode.events and contract.trigger is episode.state and later <= spec.wanted:
                return Wanted(contract, spec, episode)
        later.add(episode.state)
    return None


def _once_more(outcome: Outcome, by: User, at: datetime) -> Outcome:
    """What was called off is due again, under its key: what reached the other side is found there.

    What its contract lets go only once somebody approved it is asked for anew.
    """
    if why := _stands(outcome):
        raise CannotPromise(why)
    proposal, tier = outcome.proposal, Tier(outcome.tier)
    gate = approvals.gate_of(outcome)
    outcome.state, outcome.next_attempt_at = (State.HELD if gate else State.DUE), at
    outcome.unwanted_at, outcome.unwanted_why, outcome.promised_by = None, "", by
    outcome.tries = outcome.waits = outcome.crashes = 0
    outcome.first_failed_at = outcome.ticketed_at = None
    outcome.budget_ends_at = budgets.ends_at(tier, at, calendars.hours_of(proposal.owner.team))
    holds.rest(outcome, is_on_hold=bool(proposal.hold))
    outcome.save()
    if gate:
        approvals.ask_anew(outcome, gate, asked_by=by, at=at)
    return outcome


def _stands(outcome: Outcome) -> str:
    """Why it is not promised once more; empty where it may be."""
    if outcome.state != State.CANCELLED:
        return f"It is promised already, and {outcome.get_state_display().lower()}."
    if forcing.is_replaced(outcome):
        return "A new effect has taken its place."
    if Outcome.objects.filter(undo_of=outcome).exists():
        return "What was tried is being taken back. Ask for a new effect on its ticket."
    return ""


def _readable(reason: str) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise ValueError("Say why it is promised although no contract asks for it.")
    if len(reason) > LONGEST_REASON:
        raise ValueError(f"Keep it under {LONGEST_REASON:,} characters.")
    return reason
