"""What becomes of one outcome that is replayed: it fires, is suppressed, or is blocked, and why.

It is really done, in the caller's transaction: who only looks ahead takes it back.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors import holding, registry, replay_facts, replaying, retrying, showing
from connectors.base import Delivery
from connectors.holding import Held
from connectors.models import Connection
from connectors.registry import UnknownSystem
from connectors.replay_facts import Facts
from connectors.replay_words import Line, Verdict, Versions
from connectors.replaying import Effect
from meshline.people.models import User
from proposals import rewording, steering
from proposals.models import Contract, Outcome, Proposal
from proposals.models.outcome import State


def replay(
    outcome: Outcome, versions: Versions, facts: Facts, fired: Collection[int], *,
    by: User, at: datetime,
) -> Line:  # fmt: skip
    """Carry a locked outcome again, as far as nothing stands against it. `fired` are those before
    it that are let go as well."""
    since = tuple(changed(outcome, facts))
    stands = _suppressed(outcome, facts, at) or _blocked(outcome, facts, at)
    if stands:
        return _line(outcome, facts, *stands, changed=since)
    if versions is Versions.NOW:
        told = facts.told[outcome.proposal_id]
        anew = rewording.look(outcome, facts.live.get(outcome.contract.slug), told)
        why = anew.refusal or _lacks(outcome, facts, anew.params or {})
        if why:
            return _line(outcome, facts, Verdict.BLOCKED, why, changed=since)
        rewording.reword(outcome, anew, told, by=by, at=at)
        if outcome.state == State.HELD:
            why = f"{_version(outcome)} has it wait for {rewording.waits_for(anew)} first."
            return _further(outcome, facts, Verdict.BLOCKED, why, since)
    elif lacks := _lacks(outcome, facts, outcome.params):
        return _line(outcome, facts, Verdict.BLOCKED, lacks, changed=since)
    return _carried(outcome, facts, fired, since, by, at)


def lacking(outcome: Outcome) -> str:
    """Why it would be refused again with what it carries; empty where that has all."""
    return _lacks(outcome, replay_facts.of([outcome]), outcome.params)


# --- The verdict ----------------------------------------------------------------------------------
def _suppressed(outcome: Outcome, facts: Facts, at: datetime) -> tuple[Verdict, str] | None:
    if outcome.pk in facts.replaced:
        return Verdict.SUPPRESSED, outcome.unwanted_why
    if outcome.state == State.PROVEN:
        there = f" ({outcome.external_id})" if outcome.external_id else ""
        return Verdict.SUPPRESSED, f"Proven already under its key{there}: it is not done again."
    if outcome.state == State.CANCELLED:
        said = outcome.unwanted_why or "Somebody said so."
        return Verdict.SUPPRESSED, f"It was called off. {said}"
    if outcome.unwanted_at is not None:
        return Verdict.SUPPRESSED, f"It is not asked for any more. {outcome.unwanted_why}"
    if outcome.state == State.LEASED:
        return Verdict.SUPPRESSED, "It is being carried at this moment."
    is_due = outcome.state == State.DUE and outcome.next_attempt_at <= at
    if is_due and not outcome.tries and not _held(outcome, facts, at):
        return Verdict.SUPPRESSED, "It is due already and goes out by itself."
    return None


def _blocked(outcome: Outcome, facts: Facts, at: datetime) -> tuple[Verdict, str] | None:
    """What a person has to decide or to put right first: nothing is done with it."""
    if outcome.on_hold or outcome.state == State.HELD:
        held = _held(outcome, facts, at)
        why = held.why if held else f"Its proposal is on hold: {outcome.proposal.hold}."
        return Verdict.BLOCKED, why
    return None


def _lacks(outcome: Outcome, facts: Facts, params: dict[str, Any]) -> str:
    """Which field it cannot do without in what it is to carry; empty where that has all."""
    delivery = _delivery(outcome, facts)
    needs = sorted(delivery.needs) if delivery else []
    missing = [name.replace("_", " ") for name in needs if not params.get(name)]
    if not missing:
        return ""
    said = f"What it carries has no {' and no '.join(missing)}: it would be refused again."
    now = rewording.as_of_now(outcome, facts.told[outcome.proposal_id])
    if params is outcome.params and all(now.get(name) for name in needs):
        return f"{said} The proposal has it by now; replay it with the versions of now."
    return f"{said} Have it put right in the quoting tool first."


def _carried(
    outcome: Outcome, facts: Facts, fired: Collection[int], changed: tuple[str, ...],
    by: User, at: datetime,
) -> Line:  # fmt: skip
    """Due now; what still stands between it and the other side is said."""
    there = facts.connections.get(outcome.connection)
    done_there = retrying.is_only_proven(outcome, there)
    steering.retry(outcome_id=outcome.pk, by=by, at=at, only_prove=done_there)
    # As it stands now: the verb wrote into a row of its own.
    again = Outcome.objects.select_related("contract", "proposal").get(pk=outcome.pk)
    if done_there:
        why = f"It was done there ({again.external_id}) and is only read back; nothing fires."
        return _further(again, facts, Verdict.SUPPRESSED, why, changed)
    held = _held(again, facts, at)
    if held and held.behind not in fired:
        why = f"It is due, and waits: {held.why}"
        return _line(again, facts, Verdict.BLOCKED, why, changed=changed, is_done=True)
    why = held.why if held else _may_be_twice(again, there)
    return _line(again, facts, Verdict.FIRES, why, changed=changed, is_done=True, fires=True)


def _may_be_twice(outcome: Outcome, there: Connection | None) -> str:
    if retrying.is_once(outcome, there) and outcome.first_tried_at:
        return (
            "The other side knows no repeats: if an earlier try worked, it is done twice. Look "
            "there first."
        )
    return "Under its old key: whatever of it is there already stays one effect."


# --- What changed since ---------------------------------------------------------------------------
def changed(outcome: Outcome, facts: Facts) -> list[str]:
    """What is otherwise than when it was promised."""
    return [
        *_moved_on(outcome, facts),
        *_contract_since(outcome.contract, facts.heads[outcome.contract.slug]),
        *_would_carry(outcome, facts.told[outcome.proposal_id]),
    ]


def _moved_on(outcome: Outcome, facts: Facts) -> list[str]:
    brought_to, now = facts.brought_to.get(outcome.signal_id or 0), outcome.proposal.version
    return [] if brought_to is None else replaying.moved(brought_to, now)


def _contract_since(contract: Contract, now: Contract) -> list[str]:
    if now.is_retired:
        return [f"The contract “{contract.name}” is retired since."]
    if now.pk == contract.pk:
        return []
    return [
        f"The contract “{contract.name}” is at version {now.version} since; this was promised by "
        f"version {contract.version}."
    ]


def _would_carry(outcome: Outcome, told: Proposal) -> list[str]:
    differs = rewording.differences(outcome.params, rewording.as_of_now(outcome, told))
    return [
        f"Its {name.replace('_', ' ')} would be {today or 'nothing'} today; it carries "
        f"{then or 'nothing'}."
        for name, (then, today) in differs.items()
    ]


# --- Underneath -----------------------------------------------------------------------------------
def _line(
    outcome: Outcome, facts: Facts, verdict: Verdict, why: str, *, changed: tuple[str, ...],
    is_done: bool = False, fires: bool = False,
) -> Line:  # fmt: skip
    name = showing.says(outcome.kind)
    where = f" in {facts.names[outcome.connection]}" if outcome.connection else ""
    effect = Effect(f"{name}{where}, under the key {outcome.key}", f"carried {outcome.key}")
    return Line(
        subject=outcome.ref, name=f"{name}{where}", verdict=verdict, why=why,
        effects=(effect,) if fires else (), version=f"As {_version(outcome)} says.",
        changed=changed, is_done=is_done, mark=_mark(outcome),
    )  # fmt: skip


def _further(
    outcome: Outcome, facts: Facts, verdict: Verdict, why: str, changed: tuple[str, ...]
) -> Line:
    """Nothing fires, and yet it comes a step further: to who approves it, or to its proof."""
    line = _line(outcome, facts, verdict, why, changed=changed, is_done=True)
    return replace(line, goes_on=True)


def _mark(outcome: Outcome) -> str:
    """What it carries, and how often it was tried: another try is another thing to look at."""
    told = json.dumps([outcome.params, outcome.attempts], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _version(outcome: Outcome) -> str:
    return f"version {outcome.contract.version} of “{outcome.contract.name}”"


def _held(outcome: Outcome, facts: Facts, at: datetime) -> Held | None:
    return holding.reason(outcome, at=at, there=facts.connections)


def _delivery(outcome: Outcome, facts: Facts) -> Delivery | None:
    there = facts.connections.get(outcome.connection)
    try:
        return registry.system(there.system).delivery(outcome.kind) if there else None
    except UnknownSystem:
        return None
