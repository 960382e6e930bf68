"""An outcome worded anew, by the version of its contract that is in force now and the record as it
stands now. Its key stays: whatever of it is there already stays one effect.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from meshline.audit import trail
from meshline.people.models import User
from meshline.policy import business_time, calendars
from proposals import retelling
from proposals.contracts import approvals, conditions, gates, promises, wording
from proposals.contracts.promises import OutcomeSpec
from proposals.models import Contract, Outcome, Proposal
from proposals.models.outcome import State

# What a person would not miss if it were otherwise.
_SAYS_NOTHING = {"url", "due_within"}


@dataclass(frozen=True)
class Reworded:
    """What it would carry by the version of now; or why that version has nothing for it."""

    contract: Contract
    spec: OutcomeSpec | None = None
    params: dict[str, Any] | None = None
    refusal: str = ""


def as_told(proposals: Iterable[Proposal]) -> dict[int, Proposal]:
    """Each proposal, by its id, as its story tells it: to the digit as what was promised of it."""
    shown = {one.pk: copy.copy(one) for one in proposals}
    for story in retelling.as_they_stand(list(shown.values())):
        retelling.fill_in(story.proposal, story.told)
    return shown


def look(outcome: Outcome, now: Contract | None, told: Proposal) -> Reworded:
    """The outcome as the version of now would promise it of its proposal as it is told; nothing is
    changed."""
    if now is None:
        why = f"“{outcome.contract.name}” is retired: there is no version of now."
        return Reworded(outcome.contract, refusal=why)
    spec = _spec_in(now, outcome)
    if spec is None:
        return Reworded(now, refusal=f"{_called(now)} asks for no such thing.")
    if why := _unwanted(outcome, now, spec):
        return Reworded(now, refusal=why)
    return Reworded(now, spec, _params(outcome, spec, told))


def reword(outcome: Outcome, anew: Reworded, told: Proposal, *, by: User, at: datetime) -> None:
    """Make a locked outcome say what it would say today. Where its contract has a gate, it waits
    there for who approves that: what was approved before was something else."""
    spec, params = anew.spec, anew.params
    if spec is None or params is None:
        return
    if (outcome.contract, outcome.params) == (anew.contract, params):
        return
    before, gate = {"version": outcome.contract.version}, approvals.gate_of(outcome)
    changed = [name.replace("_", " ") for name in differences(outcome.params, params)]
    outcome.contract, outcome.params = anew.contract, params
    if spec.mirrors:
        outcome.digest = promises.digest(wording.content(told))
    outcome.save(update_fields=["contract", "params", "digest"])
    trail.record(
        "outcome.reworded", subject=outcome, record=outcome.record, by=by, at=at, before=before,
        after={"version": anew.contract.version, "changed": changed},
        cause=f"signal:{outcome.signal_id}",
    )  # fmt: skip
    is_same = not changed and gate is not None and spec.gate and gate.who == spec.gate.who
    if spec.gate and not is_same:
        outcome.state = State.HELD
        outcome.save(update_fields=["state"])
        approvals.ask_anew(outcome, spec.gate, asked_by=by, at=at)


def differences(then: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What is otherwise, by its name: as it was, and as it is."""
    names = sorted({*then, *now} - _SAYS_NOTHING)
    told = {name: (str(then.get(name) or ""), str(now.get(name) or "")) for name in names}
    return {name: both for name, both in told.items() if both[0] != both[1]}


def waits_for(anew: Reworded) -> str:
    """For whom it would wait first, as half a sentence; empty where nobody is asked."""
    return gates.whom(anew.spec.gate.who) if anew.spec and anew.spec.gate else ""


def as_of_now(outcome: Outcome, told: Proposal) -> dict[str, Any]:
    """What its own version would have it carry if it were promised now."""
    spec = _spec_in(outcome.contract, outcome)
    return _params(outcome, spec, told) if spec else outcome.params


def _spec_in(contract: Contract, outcome: Outcome) -> OutcomeSpec | None:
    rows = (row for row in contract.outcomes if row["name"] == outcome.name)
    return next((promises.spec_from(row) for row in rows), None)


def _unwanted(outcome: Outcome, now: Contract, spec: OutcomeSpec) -> str:
    """Why the version of now does not have this very thing done for the record as it stands."""
    proposal = outcome.proposal
    same = (outcome.kind, outcome.target, outcome.contract.trigger)
    if (spec.kind, spec.target, now.trigger) != same:
        return f"{_called(now)} has something else done in its place."
    condition = promises.condition_from(now.condition)
    if not condition.holds(conditions.facts(proposal)):
        return f"{_called(now)} counts where {condition}; that is not so."
    if proposal.state != now.trigger and proposal.state not in spec.wanted:
        return f"{_called(now)} does not ask for it while it is {_state(proposal)}."
    return ""


def _params(outcome: Outcome, spec: OutcomeSpec, proposal: Proposal) -> dict[str, Any]:
    params = wording.fill(spec.params, proposal, due_at=_due_at(outcome, spec))
    params["url"] = reverse("proposals:proposal", args=[proposal.pk])
    if spec.facts:
        return params | wording.facts(proposal)
    return params | (wording.content(proposal) if spec.mirrors else {})


def _due_at(outcome: Outcome, spec: OutcomeSpec) -> datetime | None:
    """As it was, while the same time is agreed; else counted anew from its promise."""
    minutes, was = spec.params.get("due_within"), outcome.params.get("due_at")
    if not minutes:
        return None
    if was and outcome.params.get("due_within") == minutes:
        return datetime.fromisoformat(was)
    whose = outcome.proposal.stands_in_for or outcome.proposal.owner
    hours = calendars.hours_of(whose.team)
    return business_time.add(outcome.promised_at, int(minutes), hours)


def _called(contract: Contract) -> str:
    return f"Version {contract.version} of “{contract.name}”"


def _state(proposal: Proposal) -> str:
    return str(proposal.get_state_display()).lower()
