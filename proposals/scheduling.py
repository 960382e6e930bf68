"""Follow-ups as the story asks for them: scheduled, moved, handed on and ended with it.

Told anew with the proposal, like its outcomes, so that the same events leave the same follow-ups
open whatever order they came in. Whoever changes one has its proposal locked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.audit.models import TrailLine
from meshline.policy import called
from proposals import following
from proposals.contracts.promises import ContractSpec, Wanted
from proposals.following import Asked, Known
from proposals.models import FollowUp, Outcome, Proposal, Signal
from proposals.models.follow_up import How, State
from proposals.signals import TASK_COMPLETED, TOUCH
from proposals.states import State as ProposalState
from proposals.story import Story

SCHEDULER = part("follow-ups", "Follow-ups")
_COLUMNS = [
    "contract", "signal", "outcome", "owner", "stands_in_for", "since", "within", "due_at",
    "state", "ended_at", "ended_by", "ended_by_label", "how", "note", "first_touch_at",
    "first_touch", "version",
]  # fmt: skip

# How the time at which one is due is counted: from when, how many business minutes, for whom.
DueAt = Callable[[datetime, int, Proposal], datetime]


class Schedule:
    """What a batch of stories does to follow-ups, gathered first and written set-based."""

    def __init__(
        self, stories: list[Story], contracts: list[ContractSpec], *, due_at: DueAt, at: datetime
    ) -> None:
        self.at, self.due_at = at, due_at
        self.slas = following.slas(contracts)
        self.slugs = {contract.id: contract.slug for contract in contracts}
        self.stories = stories
        self.known = _known([story.proposal for story in stories])
        self.made: list[FollowUp] = []
        self.cancelled: list[FollowUp] = []
        self.changed: dict[int, FollowUp] = {}
        # In which stretch each of these stands: what makes its task is looked for there.
        self.asked: list[tuple[FollowUp, Asked]] = []
        self.lines: list[TrailLine] = []

    @property
    def done(self) -> set[int]:
        """The outcomes of what was completed: what became of them stays so."""
        rows = (one for mine in self.known.values() for one in mine)
        return {one.outcome_id for one in rows if one.outcome_id and one.completed_at}

    def take(self, story: Story, required: list[Wanted]) -> None:
        proposal = story.proposal
        mine = {one.pk: one for one in self.known[proposal.pk]}
        wants = following.asked(required, ProposalState(proposal.state), self.slas)
        plan = following.plan(wants, [_as_known(one) for one in mine.values()])
        for pk in plan.cancel:
            self._cancel(mine[pk], proposal)
        for pk, want in plan.reopen:
            self._reopen(mine[pk], want, proposal)
        for pk, want in plan.keep:
            self._keep(mine[pk], want, proposal)
        for want in plan.create:
            self._create(want, proposal)

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Write it, with the task that each has among these, and what was told of them."""
        self._link(list(outcomes))
        bulk.update(self.cancelled, _COLUMNS)
        bulk.update(list(self.changed.values()), _COLUMNS)
        bulk.insert(self.made)
        trail.record_all([*(_scheduled(one, self.at) for one in self.made), *self._taken_lines()])
        for one in self.made:
            self.known[one.proposal_id].append(one)
        self._hear()
        self._show_next()

    # --- What the story asks for -----------------------------------------------------------------
    def _create(self, want: Asked, proposal: Proposal) -> None:
        since = want.since or self.at
        made = FollowUp(
            proposal=proposal, kind=want.kind, contract_id=want.contract_id,
            signal_id=want.events[0], owner=proposal.owner, stands_in_for=proposal.stands_in_for,
            since=since, within=want.minutes, due_at=self.due_at(since, want.minutes, proposal),
            scheduled_at=self.at,
        )  # fmt: skip
        self.made.append(made)
        self.asked.append((made, want))

    def _cancel(self, one: FollowUp, proposal: Proposal) -> None:
        one.state, one.how = State.CANCELLED, How.SUPERFLUOUS
        one.ended_at, one.ended_by_label = self.at, SCHEDULER.actor_label
        one.version += 1
        self.cancelled.append(one)
        state = ProposalState(proposal.state).label.lower()
        self._line("follow-up.cancelled", one, why=f"The proposal is {state} now.")

    def _reopen(self, one: FollowUp, want: Asked, proposal: Proposal) -> None:
        open_again(one)
        self._changed(one)
        self._line("follow-up.wanted-again", one)
        self._keep(one, want, proposal)

    def _keep(self, one: FollowUp, want: Asked, proposal: Proposal) -> None:
        """The same, with whom it is now and by when, as far as no person chose that."""
        self.asked.append((one, want))
        self._hand_on(one, proposal)
        since = want.since or one.since
        due_at = one.due_at if one.moved_at else self.due_at(since, want.minutes, proposal)
        if due_at != one.due_at:
            before = {"due": one.due_at}
            self._line("follow-up.moved", one, before=before, after={"due": due_at})
        here = (one.since, one.within, one.due_at, one.contract_id)
        if here != (since, want.minutes, due_at, want.contract_id):
            one.since, one.within, one.due_at = since, want.minutes, due_at
            one.contract_id = want.contract_id
            self._changed(one)

    def _hand_on(self, one: FollowUp, proposal: Proposal) -> None:
        """It is with whom the proposal is: handed over, given away, and back again."""
        if (one.owner_id, one.stands_in_for_id) == (proposal.owner_id, proposal.stands_in_for_id):
            return
        before, one.owner = _whose(one), proposal.owner
        one.stands_in_for = proposal.stands_in_for
        self._changed(one)
        why = proposal.owner_why
        self._line("follow-up.handed-over", one, before=before, after=_whose(one), why=why)

    def _link(self, outcomes: list[Outcome]) -> None:
        """To what makes its task: the newest of its stretch."""
        for one, want in self.asked:
            task = next((made for made in reversed(outcomes) if self._makes(made, one, want)), None)
            if one.outcome_id == (task.pk if task else None):
                continue
            one.outcome = task
            if one.pk:
                self._changed(one)

    def _makes(self, outcome: Outcome, one: FollowUp, want: Asked) -> bool:
        return (
            outcome.proposal_id == one.proposal_id
            and outcome.name == want.kind
            and outcome.undo_of_id is None
            and outcome.signal_id in want.events
            and self.slugs.get(outcome.contract_id, want.slug) == want.slug
        )

    # --- What was told of them -------------------------------------------------------------------
    def _hear(self) -> None:
        """What people did over there: that they did it, and when they first turned to it."""
        heard: list[FollowUp] = []
        for story in self.stories:
            for signal, incoming in story.fresh:
                if signal.kind == TASK_COMPLETED:
                    heard += self._complete(story, signal, incoming.by)
        heard += [one for one in self._touched() if one not in heard]
        bulk.update(heard, _COLUMNS)
        trail.record_all(self._taken_lines())

    def _complete(self, story: Story, signal: Signal, by: Someone) -> list[FollowUp]:
        """A person completed its task over there, be it that nobody waited for it any more."""
        task = signal.piece.partition(":")[2]
        for one in self.known[story.proposal.pk]:
            outcome = one.outcome
            if one.completed_at or outcome is None or not task or outcome.external_id != task:
                continue
            end(one, how=How.CRM, label=by.actor_label, at=signal.occurred_at)
            settle_task(outcome, because="It was completed there.", at=self.at)
            self._line(
                "follow-up.completed", one, by=by, cause=signal.origin,
                after={"completed": signal.occurred_at, "in": called.names()[signal.source]},
            )  # fmt: skip
            return [one]
        return []

    def _touched(self) -> list[FollowUp]:
        """Those whose first touch is another one, now that these stories are told anew."""
        told = {
            story.proposal.pk for story in self.stories
            if any(signal.kind.startswith((TOUCH, TASK_COMPLETED)) for signal, _ in story.fresh)
        }  # fmt: skip
        told |= {one.proposal_id for one in self.made}
        if not told:
            return []
        touches: dict[int, list[Signal]] = defaultdict(list)
        rows = Signal.objects.filter(proposal__in=told, kind__startswith=TOUCH)
        for signal in rows.order_by("occurred_at", "pk"):
            touches[signal.proposal_id].append(signal)
        mine = [one for pk in told for one in self.known[pk]]
        return [one for one in mine if self._touch(one, touches.get(one.proposal_id, []))]

    def _touch(self, one: FollowUp, touches: list[Signal]) -> bool:
        """The earliest since it was wanted; of what is done none afterwards."""
        until = one.completed_at
        after = (s for s in touches if s.occurred_at >= one.since)
        first = next((s for s in after if until is None or s.occurred_at <= until), None)
        moment = first.occurred_at if first else None
        if moment == one.first_touch_at:
            return False
        one.first_touch_at = moment
        one.first_touch = first.kind.removeprefix(TOUCH) if first else ""
        one.version += 1
        self._line(
            "follow-up.touched", one, cause=first.origin if first else "",
            after={"first touch": moment, "by": one.get_first_touch_display()},
        )  # fmt: skip
        return True

    # --- Written down ----------------------------------------------------------------------------
    def _show_next(self) -> None:
        """The proposal's row shows the earliest of what is open."""
        proposals = []
        for story in self.stories:
            proposal = story.proposal
            if show_next(proposal, self.known[proposal.pk]):
                proposals.append(proposal)
        bulk.update(proposals, ["next_follow_up_at"])

    def _changed(self, one: FollowUp) -> None:
        if one.pk not in self.changed:
            one.version += 1
            self.changed[one.pk] = one

    def _taken_lines(self) -> list[TrailLine]:
        taken, self.lines = self.lines, []
        return taken

    def _line(
        self, what: str, one: FollowUp, *, by: Someone = SCHEDULER, why: str = "",
        cause: str = "", before: dict[str, Any] | None = None, after: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.lines.append(
            trail.line(
                what,
                subject=one,
                record=one.record,
                by=by,
                at=self.at,
                before=before,
                after={"follow-up": one.label, **(after or {})},
                why=why,
                cause=cause or f"signal:{one.signal_id}",
            )
        )


def show_next(proposal: Proposal, follow_ups: Iterable[FollowUp]) -> bool:
    """Bring the row's next follow-up in line with these; whether it was another one."""
    due_at = min((one.due_at for one in follow_ups if one.is_open), default=None)
    if proposal.next_follow_up_at == due_at:
        return False
    proposal.next_follow_up_at = due_at
    return True


def end(one: FollowUp, *, how: How, label: str, at: datetime) -> None:
    """It is done; in memory alone."""
    one.state, one.how, one.ended_at = State.COMPLETED, how, at
    one.ended_by, one.ended_by_label = None, label
    one.version += 1


def open_again(one: FollowUp) -> None:
    """As if it had never ended; in memory alone."""
    one.state, one.how, one.note = State.OPEN, "", ""
    one.ended_at, one.ended_by, one.ended_by_label = None, None, ""


def settle_task(outcome: Outcome, *, because: str, at: datetime) -> None:
    """Its task is done over there: when the story moves on, nothing is left to close."""
    outcome.unwanted_at, outcome.unwanted_why = outcome.unwanted_at or at, because
    outcome.save(update_fields=["unwanted_at", "unwanted_why"])


def _known(proposals: list[Proposal]) -> dict[int, list[FollowUp]]:
    found: dict[int, list[FollowUp]] = {proposal.pk: [] for proposal in proposals}
    rows = FollowUp.objects.filter(proposal__in=list(found))
    joined = rows.select_related("contract", "outcome", "owner", "stands_in_for")
    for one in joined.order_by("pk"):
        found[one.proposal_id].append(one)
    return found


def _as_known(one: FollowUp) -> Known:
    return Known(
        one.pk, one.kind, one.contract.slug, one.signal_id, one.is_open, bool(one.completed_at)
    )


def _whose(one: FollowUp) -> dict[str, Any]:
    home = one.stands_in_for
    return {"owner": one.owner} | ({"standing in for": home} if home else {})


def _scheduled(one: FollowUp, at: datetime) -> TrailLine:
    return trail.line(
        "follow-up.scheduled", subject=one, record=one.record, by=SCHEDULER, at=at,
        after={"follow-up": one.label, "due": one.due_at, **_whose(one)},
        cause=f"signal:{one.signal_id}",
    )  # fmt: skip
