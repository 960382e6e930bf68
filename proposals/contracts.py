"""Trigger → outcomes: after each change exactly the wanted outcomes stand in the outbox."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.urls import reverse

from exceptions import desk
from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import part
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.policy import business_time, calendars, roles
from meshline.policy.business_time import Hours
from proposals import (
    approvals,
    budgets,
    conditions,
    holds,
    promises,
    tiers,
    versions,
    wording,
)
from proposals.catalogue import OPEN_TICKET
from proposals.gates import Gate
from proposals.models import Outcome, Proposal, Signal
from proposals.models.outcome import State as OutcomeState
from proposals.promises import Made, OutcomeSpec, Plan, Wanted
from proposals.states import State
from proposals.story import Story
from proposals.tiers import Tier

# The outcome whose due time the proposal's row shows.
FOLLOW_UP = "follow-up"
# From these an outcome is simply called off: nothing of it is out there yet.
CALLED_OFF_FROM = (OutcomeState.DUE, OutcomeState.HELD, OutcomeState.GIVEN_UP)
PROMISER = part("contracts", "Contracts")


def promise(stories: list[Story], *, at: datetime, by: User | None = None) -> None:
    """Make the outbox say what these stories ask for: promise, call off, revive, undo.

    `by` is the person behind it, where it is no event that says who.
    """
    contracts, connections = versions.governing(stories), roles.connections()
    made = _made([story.proposal for story in stories])
    batch = _Batch(at, connections, by)
    for story in stories:
        mine = made[story.proposal.pk]
        facts = conditions.facts(story.proposal)
        required = promises.wanted(story.told, contracts, played=connections, facts=facts)
        shown = promises.digest(wording.content(story.proposal))
        digests = {want.spec.name: shown for want in required if want.spec.mirrors}
        plan = promises.plan(required, [_as_made(outcome) for outcome in mine], digests)
        batch.take(story, plan, {outcome.pk: outcome for outcome in mine}, digests)
        batch.schedule_follow_up(story.proposal, required)
    batch.write()


def undo(outcome: Outcome, *, at: datetime) -> Outcome | None:
    """Promise what takes a carried outcome back, once; None when nothing does."""
    if not outcome.undo or Outcome.objects.filter(undo_of=outcome).exists():
        return None
    back = _undoing(outcome, at)
    held = Proposal.objects.filter(pk=outcome.proposal_id).exclude(hold="")
    holds.rest(back, is_on_hold=held.exists())
    back.save()
    trail.record_all([_promised(back, at, why=outcome.unwanted_why)])
    return back


class _Batch:
    """What a batch of stories does to the outbox, gathered first and written set-based."""

    def __init__(self, at: datetime, connections: dict[str, str], by: User | None) -> None:
        self.at = at
        self.by = by
        self.connections = connections
        self.created: list[Outcome] = []
        self.changed: list[Outcome] = []
        self.scheduled: list[Proposal] = []
        self.lines: list[TrailLine] = []
        self.settled: list[tuple[Outcome, str]] = []
        # What waits for somebody first: by which gate, and whose act led to it.
        self.gated: list[tuple[Outcome, Gate, User | None]] = []
        self._hours: dict[int | None, Hours] = {}

    def take(
        self, story: Story, plan: Plan, mine: dict[int, Outcome], digests: dict[str, str]
    ) -> None:
        for want, number in plan.create:
            outcome = self._new(story, want, number, digests)
            self.created.append(outcome)
            if want.spec.gate:
                outcome.state = OutcomeState.HELD
                self.gated.append((outcome, want.spec.gate, self._caused_by(outcome, story)))
            self._rest(outcome)
        for pk in plan.revive:
            self._revive(mine[pk])
        for pk in plan.keep:
            self._want_again(mine[pk])
        for pk in plan.drop:
            self._drop(mine[pk])

    def schedule_follow_up(self, proposal: Proposal, required: list[Wanted]) -> None:
        """The row shows when the owner is to follow up, as long as that is still asked for."""
        wants = [want for want in required if want.spec.name == FOLLOW_UP]
        due_at = self._due_at(proposal, wants[-1]) if wants else None
        if proposal.next_follow_up_at != due_at:
            proposal.next_follow_up_at = due_at
            self.scheduled.append(proposal)

    def write(self) -> None:
        bulk.insert(self.created)
        bulk.update(
            self.changed, ["state", "on_hold", "unwanted_at", "unwanted_why", "next_attempt_at"]
        )
        bulk.update(self.scheduled, ["next_follow_up_at"])
        # Lines name their outcome by its id, which exists only now.
        trail.record_all([*(_promised(made, self.at) for made in self.created), *self.lines])
        for outcome in self.created:
            if outcome.kind == OPEN_TICKET:
                _open_ticket(outcome, self.at)
        if self.gated:
            approvals.ask(self.gated, at=self.at)
        for outcome, because in self.settled:
            desk.settle(subject=outcome.ref, because=because, by=PROMISER, at=self.at)

    def _new(self, story: Story, want: Wanted, number: int, digests: dict[str, str]) -> Outcome:
        proposal, spec = story.proposal, want.spec
        tier, received_at = _urgency(story, self.at, want.contract.tier)
        params = wording.fill(spec.params, proposal, due_at=self._due_at(proposal, want))
        params["url"] = reverse("proposals:proposal", args=[proposal.pk])
        outcome = Outcome(
            proposal=proposal,
            contract_id=want.contract.id,
            name=spec.name,
            kind=spec.kind,
            target=spec.target,
            connection=self.connections.get(spec.target, ""),
            signal_id=want.episode.events[0],
            # Named by the document, not by our row: a fresh installation finds what is there.
            key=f"{proposal.source}/{proposal.external_id}/{want.contract.slug}/{spec.name}/{number}",
            digest=digests.get(spec.name, "") if spec.mirrors else "",
            params=params | _content(spec, proposal),
            undo=spec.undo,
            tier=tier,
            tier_rank=tiers.RANK[tier],
            promised_at=self.at,
            budget_ends_at=budgets.ends_at(tier, received_at, self._hours_of(proposal)),
            next_attempt_at=self.at,
        )
        if outcome.kind == OPEN_TICKET:
            outcome.state, outcome.proven_at = OutcomeState.PROVEN, self.at
        return outcome

    def _take_back(self, outcome: Outcome) -> None:
        back = _undoing(outcome, self.at)
        self._rest(back)
        self.created.append(back)

    def _rest(self, outcome: Outcome) -> None:
        """It waits for its proposal's hold; a ticket does not, it is for people here."""
        is_on_hold = bool(outcome.proposal.hold) and outcome.kind != OPEN_TICKET
        holds.rest(outcome, is_on_hold=is_on_hold)

    def _caused_by(self, outcome: Outcome, story: Story) -> User | None:
        """The person whose act led to it, where it was one."""
        origins = {signal.pk: signal.origin for signal, _ in story.fresh}
        origin = origins.get(outcome.signal_id or 0) or _origin_of(outcome)
        kind, _, pk = origin.partition(":")
        named = pk.partition(":")[0] if kind == "person" else ""
        return User.objects.filter(pk=int(named)).first() if named.isdecimal() else self.by

    def _revive(self, outcome: Outcome) -> None:
        waits = approvals.ask_again(outcome, at=self.at)
        outcome.state = OutcomeState.HELD if waits else OutcomeState.DUE
        outcome.next_attempt_at = self.at
        self._rest(outcome)
        outcome.unwanted_at, outcome.unwanted_why = None, ""
        self.changed.append(outcome)
        self._line("outcome.wanted-again", outcome)

    def _want_again(self, outcome: Outcome) -> None:
        """What was no longer asked for is again, while nothing of it was taken back."""
        outcome.unwanted_at, outcome.unwanted_why = None, ""
        self.changed.append(outcome)
        self._line("outcome.wanted-again", outcome)

    def _drop(self, outcome: Outcome) -> None:
        """Call off what is not carried yet; undo what is; mark what is on its way.

        What a person called off or rejected is left alone: so it never comes back.
        """
        if outcome.unwanted_at is not None or outcome.state == OutcomeState.CANCELLED:
            return
        outcome.unwanted_at = self.at
        outcome.unwanted_why = _why_dropped(outcome)
        self.changed.append(outcome)
        if outcome.state in CALLED_OFF_FROM:
            outcome.state = OutcomeState.CANCELLED
            self._line("outcome.called-off", outcome)
            self.settled.append((outcome, outcome.unwanted_why))
            # A try whose answer never came may have reached the other side all the same.
            if outcome.undo and outcome.attempts:
                self._take_back(outcome)
        elif outcome.kind == OPEN_TICKET:
            self.settled.append((outcome, outcome.unwanted_why))
        elif outcome.undo and outcome.state in (OutcomeState.DELIVERED, OutcomeState.PROVEN):
            self._take_back(outcome)

    def _line(self, what: str, outcome: Outcome) -> None:
        self.lines.append(
            trail.line(
                what,
                subject=outcome,
                record=outcome.record,
                by=PROMISER,
                at=self.at,
                after={"outcome": outcome.kind},
                why=outcome.unwanted_why,
            )
        )

    def _due_at(self, proposal: Proposal, want: Wanted) -> datetime | None:
        """When the task is due: business minutes after the episode began, in the owner's hours."""
        minutes = want.spec.params.get("due_within")
        if not minutes:
            return None
        start = want.episode.since or self.at
        return business_time.add(start, int(minutes), self._hours_of(proposal))

    def _hours_of(self, proposal: Proposal) -> Hours:
        # Whoever stands in has it in the hours of whose it is: nothing is due later for that.
        whose = proposal.stands_in_for or proposal.owner
        if whose.team_id not in self._hours:
            self._hours[whose.team_id] = calendars.hours_of(whose.team)
        return self._hours[whose.team_id]


def _content(spec: OutcomeSpec, proposal: Proposal) -> dict[str, Any]:
    if spec.facts:
        return wording.facts(proposal)
    return wording.content(proposal) if spec.mirrors else {}


def _why_dropped(outcome: Outcome) -> str:
    state, contract = outcome.proposal.state, outcome.contract
    condition = promises.condition_from(contract.condition)
    if not condition.holds(conditions.facts(outcome.proposal)):
        return f"“{contract.name}” counts where {condition}; that is not so."[:300]
    if outcome.digest and contract.trigger == state:
        return "What it shows has changed; a newer one takes its place."
    return f"The proposal is {State(state).label.lower()} now."


def _made(proposals: list[Proposal]) -> dict[int, list[Outcome]]:
    found: dict[int, list[Outcome]] = defaultdict(list)
    by_pk = {proposal.pk: proposal for proposal in proposals}
    rows = (
        Outcome.objects.select_for_update(of=("self",))
        .filter(proposal__in=list(by_pk), undo_of=None)
        .select_related("contract")
        .order_by("pk")
    )
    for outcome in rows:
        outcome.proposal = by_pk[outcome.proposal_id]
        found[outcome.proposal_id].append(outcome)
    return found


def _as_made(outcome: Outcome) -> Made:
    # What a person called off stays off: only what the story itself dropped can come back.
    dropped = outcome.state == OutcomeState.CANCELLED and outcome.unwanted_at is not None
    return Made(
        outcome.pk,
        outcome.contract.slug,
        outcome.name,
        outcome.signal_id,
        outcome.digest,
        dropped,
        is_unwanted=outcome.unwanted_at is not None and not outcome.undo,
    )


def _origin_of(outcome: Outcome) -> str:
    found = Signal.objects.filter(pk=outcome.signal_id or 0).values_list("origin", flat=True)
    return found.first() or ""


def _undoing(outcome: Outcome, at: datetime) -> Outcome:
    tier = Tier(outcome.tier)
    return Outcome(
        proposal=outcome.proposal,
        contract_id=outcome.contract_id,
        name=f"{outcome.name}-undo",
        kind=outcome.undo,
        target=outcome.target,
        connection=outcome.connection,
        signal_id=outcome.signal_id,
        key=f"{outcome.key}/undo",
        params={**outcome.params, "of_key": outcome.key, "of_id": outcome.external_id},
        undo_of=outcome,
        tier=tier,
        tier_rank=tiers.RANK[tier],
        promised_at=at,
        budget_ends_at=at + tiers.BUDGET[tier],
        next_attempt_at=at,
    )


def _urgency(story: Story, at: datetime, own: Tier | None) -> tuple[Tier, datetime]:
    """The contract's `own` tier or that of what brought this; its budget runs from acceptance."""
    if not story.fresh:
        return own or Tier.MINUTES, at
    signal: Signal = story.fresh[-1][0]
    return own or Tier(signal.tier), signal.received_at


def _promised(outcome: Outcome, at: datetime, why: str = "") -> TrailLine:
    return trail.line(
        "outcome.promised", subject=outcome, record=outcome.record, by=PROMISER, at=at,
        after={"outcome": outcome.kind, "in": outcome.connection, "key": outcome.key},
        why=why, cause=f"signal:{outcome.signal_id}",
    )  # fmt: skip


def _open_ticket(outcome: Outcome, at: datetime) -> None:
    proposal = outcome.proposal
    ticket = desk.open_ticket(
        desk.Trouble(
            kind=outcome.params["ticket"],
            cause=f"{outcome.params['ticket']}:{outcome.key}",
            title=outcome.params["subject"],
            reason=outcome.params["body"],
            subject=outcome.ref,
            evidence={
                "proposal": str(proposal),
                "state": proposal.state,
                "page": reverse("proposals:proposal", args=[proposal.pk]),
                "signal": outcome.signal_id,
            },
            record=proposal.record,
            record_title=str(proposal),
            connection=proposal.source,
            amount=proposal.amount,
            currency=proposal.currency,
            led_from=f"signal:{outcome.signal_id}",
        ),
        by=PROMISER,
        at=at,
    )
    Outcome.objects.filter(pk=outcome.pk).update(external_id=str(ticket.pk))
