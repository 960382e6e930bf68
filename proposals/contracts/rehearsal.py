"""What contracts would ask for, played through on stored histories: nothing here writes anything.

The outbox is played as rows in memory: each event in the order in which it came, and after each the
same `promises.wanted` and `promises.plan` that the real one goes by.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from meshline.clauses import Verdict
from meshline.policy import business_time, calendars, roles
from meshline.policy.business_time import Hours
from proposals import authority, history, retelling
from proposals.authority import Authorities
from proposals.contracts import conditions, promises, wording
from proposals.contracts.promises import ContractSpec, Made, OutcomeSpec, Wanted
from proposals.history import Event, History
from proposals.models import Proposal, Signal
from proposals.tiers import Tier

# Told of a text, these are not the contract's own words.
_OURS = ("owner_email", "due_at", "due_within")


@dataclass(frozen=True)
class Effect:
    """One outcome that would be promised: its texts filled in, when it is due, how fast, for whom
    it waits first."""

    slug: str
    number: int
    spec: OutcomeSpec
    texts: Mapping[str, str]
    tier: Tier
    due_at: datetime | None
    # When what led to it had come in.
    since: datetime

    @property
    def key(self) -> tuple[str, str, int]:
        return self.slug, self.spec.name, self.number


@dataclass(frozen=True)
class Trial:
    """What one contract would ask for of one real proposal."""

    proposal: Proposal
    verdict: Verdict
    effects: list[Effect]
    # Not asked for, because nothing plays their part.
    left_out: list[OutcomeSpec]
    # It has never been (or is not) in the state: as if it came into it now.
    is_supposed: bool


@dataclass
class Stage:
    """What is the same for all that is played: who plays which part, whose word counts, and
    people's hours."""

    played: Mapping[str, str] = field(default_factory=roles.connections)
    authorities: Authorities = field(default_factory=authority.load)
    _hours: dict[int | None, Hours] = field(default_factory=dict)

    def told(self, proposal: Proposal, events: Iterable[Event]) -> History:
        """These events as the story of this proposal."""
        return history.tell(events, self.authorities.truths(source=proposal.source))

    def hours_of(self, proposal: Proposal) -> Hours:
        team = proposal.owner.team
        if proposal.owner.team_id not in self._hours:
            self._hours[proposal.owner.team_id] = calendars.hours_of(team)
        return self._hours[proposal.owner.team_id]


def signals_of(proposals: Iterable[Proposal]) -> dict[int, list[Signal]]:
    """What counts of what was told of each, in the order in which it came in."""
    found: dict[int, list[Signal]] = {proposal.pk: [] for proposal in proposals}
    rows = Signal.objects.filter(proposal__in=list(found)).order_by("pk")
    for signal in rows.exclude(result=Signal.Result.REFUSED):
        found[signal.proposal_id].append(signal)
    return found


def trial(
    proposal: Proposal, signals: Sequence[Signal], contract: ContractSpec, *, at: datetime
) -> Trial:
    """Try a contract on a proposal as these signals tell it."""
    events, stage = [_event(signal) for signal in signals], Stage()
    told = stage.told(proposal, events)
    is_supposed = told.state is not contract.trigger
    if is_supposed:
        latest = max([at, *(event.occurred_at for event in events)])
        moment = latest + timedelta.resolution
        events.append(Event(0, contract.trigger, moment, forced=True))
        told = stage.told(proposal, events)
    shown = _as_told(proposal, told)
    facts = conditions.facts(shown)
    asked = promises.wanted(told, [contract], facts=facts)
    now = [want for want in asked if want.episode == told.current]
    missing = [want for want in now if want.spec.optional and want.spec.target not in stage.played]
    since = signals[-1].received_at if signals else at
    tier = signals[-1].tier if signals else Tier.MINUTES
    return Trial(
        proposal=shown,
        verdict=contract.condition.judge(facts),
        effects=[
            _effect(want, 1, shown, stage, tier, since) for want in now if want not in missing
        ],
        left_out=[want.spec for want in missing],
        is_supposed=is_supposed,
    )


def promised(
    proposal: Proposal, signals: Sequence[Signal], contracts: Sequence[ContractSpec], *,
    counted: set[int], stage: Stage,
) -> list[Effect]:  # fmt: skip
    """What the counted ones of these signals would have had promised under these contracts."""
    effects: list[Effect] = []
    made: dict[int, Made] = {}
    events: list[Event] = []
    first = next((at for at, signal in enumerate(signals) if signal.pk in counted), 0)
    events = [_event(signal) for signal in signals[:first]]
    if events:
        _play(proposal, events, contracts, made, stage)
    for signal in signals[first:]:
        events.append(_event(signal))
        shown, created = _play(proposal, events, contracts, made, stage)
        if signal.pk in counted:
            effects += [
                _effect(want, number, shown, stage, signal.tier, signal.received_at)
                for want, number in created
            ]
    return effects


def _play(
    proposal: Proposal, events: list[Event], contracts: Sequence[ContractSpec],
    made: dict[int, Made], stage: Stage,
) -> tuple[Proposal, list[tuple[Wanted, int]]]:  # fmt: skip
    """One step: what the outbox would do on plain rows. The record as told, and what is new."""
    told = stage.told(proposal, events)
    shown = _as_told(proposal, told)
    facts = conditions.facts(shown)
    required = promises.wanted(told, contracts, played=stage.played, facts=facts)
    content = promises.digest(wording.content(shown))
    digests = {want.spec.name: content for want in required if want.spec.mirrors}
    plan = promises.plan(required, list(made.values()), digests)
    for pk in plan.drop:
        made[pk] = replace(made[pk], is_cancelled=True)
    for pk in plan.revive:
        made[pk] = replace(made[pk], is_cancelled=False)
    for want, _ in plan.create:
        pk, spec = len(made), want.spec
        digest = digests[spec.name] if spec.mirrors else ""
        made[pk] = Made(pk, want.contract.slug, spec.name, want.episode.events[0], digest, False)
    return shown, plan.create


def _effect(
    want: Wanted, number: int, shown: Proposal, stage: Stage, tier: str, since: datetime
) -> Effect:
    minutes = want.spec.params.get("due_within")
    begun = want.episode.since or since
    due_at = business_time.add(begun, int(minutes), stage.hours_of(shown)) if minutes else None
    filled: dict[str, Any] = wording.fill(want.spec.params, shown)
    texts = {name: str(value) for name, value in filled.items() if name not in _OURS}
    own = want.contract.tier or Tier(tier)
    return Effect(want.contract.slug, number, want.spec, texts, own, due_at, since)


def _as_told(proposal: Proposal, told: History) -> Proposal:
    """The proposal as it was told then; its owner is whose it is now."""
    shown = copy.copy(proposal)
    retelling.fill_in(shown, told)
    return shown


def _event(signal: Signal) -> Event:
    # Played under the contracts at hand, whichever there were when it came in.
    return replace(retelling.event_of(signal), under=None)
