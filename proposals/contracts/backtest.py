"""A changed contract played against what really came in: gained, lost, otherwise. Writes nothing.

The last 250 events, of the last seven days at most; proposal by proposal, so that it can be done in
pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meshline.policy.business_time import Hours
from proposals import budgets
from proposals.contracts import gates, rehearsal
from proposals.contracts.promises import ContractSpec
from proposals.contracts.rehearsal import Effect, Stage
from proposals.models import Outcome, Proposal, Signal
from proposals.tiers import Tier

MOST_EVENTS = 250
SINCE = timedelta(days=7)
# Proposals at a time.
CHUNK = 25


@dataclass(frozen=True)
class Window:
    """The events that are played: their ids by proposal, and the newest of them."""

    events: dict[int, set[int]]
    until: int

    @property
    def count(self) -> int:
        return sum(map(len, self.events.values()))

    def chunk(self, *, after: int, most: int | None = CHUNK) -> list[int]:
        """The next proposals behind this one, in the order of their ids."""
        return sorted(pk for pk in self.events if pk > after)[:most]

    def done(self, *, after: int) -> int:
        return sum(pk <= after for pk in self.events)


@dataclass(frozen=True)
class Change:
    """One outcome that would be otherwise, and how, in words from → to."""

    before: Effect
    after: Effect
    words: dict[str, tuple[str, str]]
    # Whether what really happened was in time, by the one and by the other.
    verdict: tuple[str, str] | None = None


@dataclass(frozen=True)
class Difference:
    """What would be different for one proposal."""

    proposal: Proposal
    gained: list[Effect] = field(default_factory=list)
    lost: list[Effect] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)

    @property
    def is_any(self) -> bool:
        return bool(self.gained or self.lost or self.changed)


def window(*, at: datetime, until: int | None = None) -> Window:
    """The last events; none newer than `until`, so that a window stays what it was."""
    rows = Signal.objects.exclude(result=Signal.Result.REFUSED).filter(received_at__gt=at - SINCE)
    if until is not None:
        rows = rows.filter(pk__lte=until)
    events: dict[int, set[int]] = {}
    newest = 0
    for pk, proposal in rows.order_by("-pk").values_list("pk", "proposal_id")[:MOST_EVENTS]:
        events.setdefault(proposal, set()).add(pk)
        newest = max(newest, pk)
    return Window(events, newest if until is None else until)


def compare(
    ids: Sequence[int], played: Window, old: Sequence[ContractSpec], new: Sequence[ContractSpec]
) -> list[Difference]:
    """What would be different for these proposals, if `new` had been in force instead of `old`."""
    proposals = Proposal.objects.filter(pk__in=ids).select_related("owner__team").order_by("pk")
    signals, stage = rehearsal.signals_of(proposals), Stage()
    real = _real(ids)
    found = []
    for proposal in proposals:
        counted = played.events[proposal.pk]
        before, after = (
            {
                effect.key: effect
                for effect in rehearsal.promised(
                    proposal, signals[proposal.pk], contracts, counted=counted, stage=stage
                )
            }
            for contracts in (old, new)
        )
        found.append(_difference(proposal, before, after, real, stage))
    return found


_Effects = dict[tuple[str, str, int], Effect]


def _difference(
    proposal: Proposal, before: _Effects, after: _Effects, real: dict[str, Outcome], stage: Stage
) -> Difference:
    changed = []
    for key in before.keys() & after.keys():
        words = _otherwise(before[key], after[key])
        if words:
            outcome = real.get(_key(proposal, before[key]))
            verdict = _verdict(outcome, before[key], after[key], stage.hours_of(proposal))
            changed.append(Change(before[key], after[key], words, verdict))
    return Difference(
        proposal,
        gained=[effect for key, effect in after.items() if key not in before],
        lost=[effect for key, effect in before.items() if key not in after],
        changed=sorted(changed, key=lambda change: change.before.key),
    )


def _otherwise(old: Effect, new: Effect) -> dict[str, tuple[str, str]]:
    """What is not the same, by what it is about."""
    told = {
        **{name: (old.texts.get(name, ""), new.texts.get(name, "")) for name in
           dict.fromkeys([*old.texts, *new.texts])},
        "kind": (old.spec.kind, new.spec.kind),
        "due": (_moment(old.due_at), _moment(new.due_at)),
        "tier": (old.tier.value, new.tier.value),
        "waits for": (_gate(old), _gate(new)),
    }  # fmt: skip
    return {about: words for about, words in told.items() if words[0] != words[1]}


def _verdict(
    outcome: Outcome | None, old: Effect, new: Effect, hours: Hours
) -> tuple[str, str] | None:
    """Whether it was proven in time by either tier; None where that is the same or not known."""
    if old.tier is new.tier or outcome is None or outcome.proven_at is None:
        return None
    first, second = (
        _in_time(outcome.proven_at, effect.since, effect.tier, hours) for effect in (old, new)
    )
    return (first, second) if first != second else None


def _in_time(proven_at: datetime, since: datetime, tier: Tier, hours: Hours) -> str:
    return "in time" if proven_at <= budgets.ends_at(tier, since, hours) else "late"


def _real(ids: Sequence[int]) -> dict[str, Outcome]:
    rows = Outcome.objects.filter(proposal__in=list(ids), undo_of=None)
    return {row.key: row for row in rows.only("key", "proven_at")}


def _key(proposal: Proposal, effect: Effect) -> str:
    document = f"{proposal.source}/{proposal.external_id}"
    return f"{document}/{effect.slug}/{effect.spec.name}/{effect.number}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "none"


def _gate(effect: Effect) -> str:
    return gates.whom(effect.spec.gate.who) if effect.spec.gate else "nobody"
