"""Trigger → outcomes: after each change exactly the wanted outcomes stand in the outbox."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.urls import reverse

from exceptions import troubles
from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.policy import business_time, calendars, roles
from meshline.policy.business_time import Hours
from proposals import budgets, forcing, holds, tiers
from proposals.contracts import approvals, conditions, promises, versions, wording
from proposals.contracts.catalogue import MOVE_TASK, OPEN_TICKET
from proposals.contracts.gates import Gate
from proposals.contracts.promises import Made, OutcomeSpec, Plan, Wanted
from proposals.history import History
from proposals.models import Approval, Outcome, Proposal, Signal
from proposals.models.outcome import State as OutcomeState
from proposals.scheduling import Schedule
from proposals.states import State
from proposals.story import Story
from proposals.tiers import Tier

# From these an outcome is simply called off: nothing of it is out there yet.
CALLED_OFF_FROM = (OutcomeState.DUE, OutcomeState.HELD, OutcomeState.GIVEN_UP)
PROMISER = part("contracts", "Contracts")


def promise(stories: list[Story], *, at: datetime, by: User | None = None) -> None:
    """Make the outbox say what these stories ask for: promise, call off, revive, undo.

    `by` is the person behind it, where one acts here; else the event that brought it may say who.
    """
    contracts, connections = versions.governing(stories), roles.connections()
    made = _made([story.proposal for story in stories])
    replaced = forcing.replaced([outcome.pk for mine in made.values() for outcome in mine])
    batch = _Batch(at, connections, by)
    real = [story for story in stories if not story.proposal.is_synthetic]
    schedule = Schedule(real, contracts, due_at=batch.due_at, at=at)
    done = schedule.done
    for story in stories:
        mine = made[story.proposal.pk]
        facts = conditions.facts(story.proposal)
        required = promises.wanted(story.told, contracts, played=connections, facts=facts)
        required += _beyond(story, required, mine)
        if story.proposal.is_synthetic:
            required = [want for want in required if want.spec.may_be_tried]
        shown = promises.digest(wording.content(story.proposal))
        digests = {want.spec.name: shown for want in required if want.spec.mirrors}
        known = [
            _as_made(one, is_replaced=one.pk in replaced, is_done=one.pk in done) for one in mine
        ]
        plan = promises.plan(required, known, digests)
        batch.take(story, plan, {outcome.pk: outcome for outcome in mine}, digests)
        if not story.proposal.is_synthetic:
            schedule.take(story, required)
    batch.write()
    standing = [one for mine in made.values() for one in mine if one.pk not in replaced]
    schedule.write([*standing, *batch.created])


def undo(outcome: Outcome, *, at: datetime, not_before: datetime | None = None) -> Outcome | None:
    """Promise what takes a carried outcome back, once; None when nothing does. What another one
    was forced in place of stays as it is.

    Its proposal is locked by the caller: whether it is on hold must still be so at the end.
    """
    if not outcome.undo or forcing.is_replaced(outcome):
        return None
    back = Outcome.objects.select_for_update(of=("self",)).filter(undo_of=outcome).first()
    if back is not None and not _is_let_be(back):
        return None
    back = back or _undoing(outcome, at)
    back.state, back.unwanted_at, back.unwanted_why = OutcomeState.DUE, None, ""
    back.next_attempt_at = not_before or at
    held = Proposal.objects.filter(pk=outcome.proposal_id).exclude(hold="")
    holds.rest(back, is_on_hold=held.exists())
    back.save()
    trail.record_all([_promised(back, at, why=outcome.unwanted_why)])
    return back


def promise_anyway(story: Story, want: Wanted, *, by: User, at: datetime) -> Outcome:
    """Promise what its contract did not ask for here, under the key it would have: `by` says so.

    From then on it is kept as if it had been asked for. The proposal is locked by the caller.
    """
    made = _made([story.proposal])[story.proposal.pk]
    known = [_as_made(outcome, is_replaced=False, is_done=False) for outcome in made]
    shown = promises.digest(wording.content(story.proposal))
    batch = _Batch(at, roles.connections(), by)
    plan = Plan(create=[(want, promises.next_number(want, known))])
    batch.take(story, plan, {}, {want.spec.name: shown})
    batch.created[0].promised_by = by
    batch.write()
    return batch.created[0]


def let_be(back: Outcome, *, because: str, by: Someone, at: datetime) -> None:
    """What was to be taken back stays after all: nothing of that is carried yet."""
    back.state, back.unwanted_at, back.unwanted_why = OutcomeState.CANCELLED, at, because
    back.save(update_fields=["state", "unwanted_at", "unwanted_why"])
    trail.record(
        "outcome.called-off", subject=back, record=back.record, by=by, at=at,
        after={"outcome": back.kind}, why=because,
    )  # fmt: skip


class _Batch:
    """What a batch of stories does to the outbox, gathered first and written set-based."""

    def __init__(self, at: datetime, connections: dict[str, str], by: User | None) -> None:
        self.at = at
        self.by = by
        self.connections = connections
        self.created: list[Outcome] = []
        self.changed: list[Outcome] = []
        self.lines: list[TrailLine] = []
        self.settled: list[tuple[Outcome, str]] = []
        # What waits for somebody first: by which gate, and whose act led to it.
        self.gated: list[tuple[Outcome, Gate, User | None]] = []
        self.asked_again: list[Approval] = []
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
            self._revive(mine[pk], story)
        for pk in plan.keep:
            self._want_again(mine[pk])
        for pk in plan.drop:
            self._drop(mine[pk], story.told)

    def write(self) -> None:
        bulk.insert(self.created)
        bulk.update(
            self.changed, ["state", "on_hold", "unwanted_at", "unwanted_why", "next_attempt_at"]
        )
        # Lines name their outcome by its id, which exists only now.
        real = [made for made in self.created if not made.is_synthetic]
        trail.record_all([*(_promised(made, self.at) for made in real), *self.lines])
        for outcome in self.created:
            if outcome.kind == OPEN_TICKET:
                _open_ticket(outcome, self.at)
        if self.gated or self.asked_again:
            approvals.ask(self.gated, again=self.asked_again, at=self.at)
        for outcome, because in self.settled:
            troubles.settle(subject=outcome.ref, because=because, by=PROMISER, at=self.at)

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
            key="/".join([*proposal.known_as, want.contract.slug, spec.name, str(number)]),
            digest=digests.get(spec.name, "") if spec.mirrors else "",
            params=params | _content(spec, proposal),
            undo=spec.undo,
            tier=tier,
            tier_rank=tiers.RANK[tier],
            promised_at=self.at,
            budget_ends_at=budgets.ends_at(tier, received_at, self._hours_of(proposal)),
            next_attempt_at=self.at,
            is_synthetic=proposal.is_synthetic,
        )
        if outcome.kind == OPEN_TICKET:
            outcome.state, outcome.proven_at = OutcomeState.PROVEN, self.at
        return outcome

    def _take_back(self, outcome: Outcome) -> None:
        """Promise what takes it back, or let that go out after all."""
        back = getattr(outcome, "undone_by", None)
        if back is None:
            self._rest(back := _undoing(outcome, self.at))
            self.created.append(back)
        elif _is_let_be(back):
            back.proposal = outcome.proposal
            back.state, back.next_attempt_at = OutcomeState.DUE, self.at
            back.unwanted_at, back.unwanted_why = None, ""
            self._rest(back)
            self.changed.append(back)
            self._line("outcome.wanted-again", back)

    def _rest(self, outcome: Outcome) -> None:
        """It waits for its proposal's hold; a ticket does not, it is for people here."""
        is_on_hold = bool(outcome.proposal.hold) and outcome.kind != OPEN_TICKET
        holds.rest(outcome, is_on_hold=is_on_hold)

    def _caused_by(self, outcome: Outcome, story: Story) -> User | None:
        """The person whose act led to it, where it was one: who acts now, else who brought it."""
        if self.by is not None:
            return self.by
        origins = {signal.pk: signal.origin for signal, _ in story.fresh}
        return approvals.brought_by(outcome, origins.get(outcome.signal_id or 0, ""))

    def _revive(self, outcome: Outcome, story: Story) -> None:
        caused_by = self._caused_by(outcome, story)
        waits = approvals.ask_again(outcome, caused_by=caused_by, at=self.at)
        self.asked_again += [waits] if waits else []
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

    def _drop(self, outcome: Outcome, told: History) -> None:
        """Call off what is not carried yet; undo what is; mark what is on its way.

        What a person called off or rejected is left alone: so it never comes back.
        """
        if outcome.unwanted_at is not None or outcome.state == OutcomeState.CANCELLED:
            return
        outcome.unwanted_at = self.at
        outcome.unwanted_why = _why_dropped(outcome, told)
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
        if outcome.is_synthetic:
            return
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
        return self.due_at(want.episode.since or self.at, int(minutes), proposal)

    def due_at(self, start: datetime, minutes: int, proposal: Proposal) -> datetime:
        return business_time.add(start, minutes, self._hours_of(proposal))

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


def _why_dropped(outcome: Outcome, told: History) -> str:
    state, contract = outcome.proposal.state, outcome.contract
    condition = promises.condition_from(contract.condition)
    if not condition.holds(conditions.facts(outcome.proposal)):
        return f"“{contract.name}” counts where {condition}; that is not so."[:300]
    if outcome.digest and contract.trigger == state:
        return "What it shows has changed; a newer one takes its place."
    now, ended = State(state), _ended_by(outcome, told)
    if ended is None or ended is now:
        return f"The proposal is {now.label.lower()} now."
    return f"The proposal was {ended.label.lower()} meanwhile, and is {now.label.lower()} now."


def _ended_by(outcome: Outcome, told: History) -> State | None:
    """The first state after its own in which it is not wanted; None where it has no place."""
    wanted = {state for row in outcome.contract.outcomes if row["name"] == outcome.name
              for state in row["wanted"]}  # fmt: skip
    places = (at for at, one in enumerate(told.episodes) if outcome.signal_id in one.events)
    after = told.episodes[next(places, len(told.episodes)) :]
    return next((one.state for one in after if one.state not in wanted), None)


def _made(proposals: list[Proposal]) -> dict[int, list[Outcome]]:
    found: dict[int, list[Outcome]] = defaultdict(list)
    by_pk = {proposal.pk: proposal for proposal in proposals}
    rows = (
        Outcome.everything.select_for_update(of=("self",))
        .filter(proposal__in=list(by_pk), undo_of=None)
        # No contract asks for these: a person does.
        .exclude(kind=MOVE_TASK)
        .select_related("contract", "undone_by")
        .order_by("pk")
    )
    for outcome in rows:
        outcome.proposal = by_pk[outcome.proposal_id]
        found[outcome.proposal_id].append(outcome)
    return found


def _beyond(story: Story, required: list[Wanted], made: list[Outcome]) -> list[Wanted]:
    """What people promised by hand and no contract asks for by now."""
    rows = [one for one in made if one.promised_by_id]
    if not rows:
        return []
    asked = {(want.contract.slug, want.spec.name) for want in required}
    known = [(versions.spec_of(one.contract), one) for one in rows]
    specs = [
        (contract, spec, one.signal_id)
        for contract, one in known
        for spec in contract.outcomes
        if spec.name == one.name and (contract.slug, spec.name) not in asked
    ]
    return promises.by_hand(story.told, specs)


def _as_made(outcome: Outcome, *, is_replaced: bool, is_done: bool) -> Made:
    # What a person called off stays off, and what somebody did is done: only what the story itself
    # dropped can come back.
    dropped = outcome.state == OutcomeState.CANCELLED and outcome.unwanted_at is not None
    return Made(
        outcome.pk,
        outcome.contract.slug,
        outcome.name,
        outcome.signal_id,
        outcome.digest,
        dropped and not is_done,
        is_unwanted=outcome.unwanted_at is not None and not outcome.undo,
        is_replaced=is_replaced,
    )


def _is_let_be(back: Outcome) -> bool:
    """Called off before it was carried, as what it takes back was wanted again; by no person."""
    return back.state == OutcomeState.CANCELLED and back.unwanted_at is not None


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
    ticket = troubles.open_ticket(
        troubles.Trouble(
            kind=outcome.params["ticket"],
            cause=f"{outcome.params['ticket']}:{outcome.key}",
            contract=outcome.contract.slug,
            step=outcome.name,
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
