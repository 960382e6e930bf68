"""A proposal's story as its page tells it: each step, what it changed, why, because of what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.audit.timeline import Entry
from meshline.policy import called
from meshline.policy.called import Called
from meshline.web import words
from proposals.contracts import sentences
from proposals.models import Outcome, Signal
from proposals.states import State

# Received longer than this after it happened, both times are told.
_LATE = timedelta(minutes=2)
_ICONS = {
    "proposal.held": "player-pause", "proposal.let-go": "player-play",
    "proposal.changed": "pencil", "proposal.assigned": "user-check",
    "proposal.handed-over": "arrows-exchange", "proposal.returned": "arrow-back-up",
    "proposal.kept": "user-check",
    "signal.superseded": "versions", "signal.refused": "ban", "signal.noted": "note",
    "outcome.promised": "send", "outcome.delivered": "package", "outcome.proven": "shield-check",
    "outcome.given-up": "alert-triangle", "outcome.called-off": "ban", "outcome.cancelled": "ban",
    "outcome.retried": "refresh", "outcome.wanted-again": "rotate-clockwise",
    "outcome.approved": "check", "outcome.rejected": "ban",
    "message.released": "lock-open", "message.replayed": "repeat",
    "follow-up.scheduled": "calendar-event", "follow-up.moved": "clock",
    "follow-up.rescheduled": "clock", "follow-up.completed": "circle-check",
    "follow-up.undone": "arrow-back-up", "follow-up.cancelled": "ban",
    "follow-up.wanted-again": "rotate-clockwise", "follow-up.handed-over": "arrows-exchange",
    "follow-up.touched": "headset",
}  # fmt: skip
_DEEDS = {
    "outcome.promised": "Promised", "outcome.delivered": "Delivered", "outcome.proven": "Proven",
    "outcome.given-up": "Given up", "outcome.called-off": "Called off",
    "outcome.cancelled": "Cancelled", "outcome.retried": "To be tried again",
    "outcome.wanted-again": "Wanted again", "outcome.approved": "Approved",
    "outcome.rejected": "Rejected",
}  # fmt: skip
# Told in the headline already, or on the page the step leads to.
_TOLD = {
    "proposal": {"state", "since", "hold"},
    "outcome": {"outcome", "in", "key"},
    "signal": {"said"},
    "followup": {"follow-up", "state"},
    "ticket": set(),
}


@dataclass(frozen=True)
class Step:
    """One step of the story."""

    entry: Entry
    icon: str
    headline: str
    from_state: str
    to_state: str
    change: dict[str, dict[str, Any]]
    occurred_at: datetime | None  # told where it is late
    late: timedelta | None

    @property
    def has_change(self) -> bool:
        return any(self.change.values())

    @property
    def late_words(self) -> str:
        return words.span(self.late) if self.late else ""

    @property
    def leads_back(self) -> bool:
        """Whether something else led to it; a person's own act is its own cause."""
        return bool(self.entry.cause) and self.entry.line.actor_kind != "person"

    @property
    def is_elsewhere(self) -> bool:
        """Whether what this step is about has a page that is not the proposal's own."""
        return self.entry.line.subject_kind != "proposal"


def tell(
    lines: list[TrailLine], outcomes: Iterable[Outcome], *, masked: bool, opens: timeline.Opens
) -> list[Step]:
    """These lines of one proposal's trail as steps, in their order."""
    signals = _signals(lines)
    named = {str(outcome.pk): outcome for outcome in outcomes}
    entries, names = timeline.read(lines, masked=masked, opens=opens), called.names()
    return [_step(entry, signals, named, names) for entry in entries]


def _signals(lines: list[TrailLine]) -> dict[str, Signal]:
    """The signals behind these lines, by what brought them, in one query."""
    origins = {line.cause for line in lines if line.cause}
    return {signal.origin: signal for signal in Signal.objects.filter(origin__in=origins)}


def _step(
    entry: Entry, signals: dict[str, Signal], outcomes: dict[str, Outcome], names: Called
) -> Step:
    line = entry.line
    moved = line.what == "proposal.moved"
    to_state = str(entry.after.get("state", "")) if moved else ""
    signal = signals.get(line.cause)
    return Step(
        entry=entry,
        icon=_icon(line.what, to_state),
        headline=_headline(entry, signal, outcomes.get(line.subject_id), names),
        from_state=str(entry.before.get("state", "")) if moved else "",
        to_state=to_state,
        change={"before": _left(entry, entry.before), "after": _left(entry, entry.after)},
        occurred_at=signal.occurred_at if signal else None,
        late=_late(signal),
    )


def _icon(what: str, to_state: str) -> str:
    if what == "proposal.moved":
        return "status-change" if to_state else "pencil"
    return _ICONS.get(what, "inbox" if what.startswith("ticket.") else "circle-dot")


def _headline(entry: Entry, signal: Signal | None, outcome: Outcome | None, names: Called) -> str:
    what, after = entry.line.what, entry.after
    if what == "proposal.changed" and entry.before.get("title") == "":
        return "First heard of"
    if what in ("proposal.moved", "proposal.changed"):
        return entry.words.removeprefix("Proposal ").capitalize()
    if what == "proposal.held":
        return f"Put on hold: {str(after.get('hold', '')).lower()}"
    if what == "proposal.let-go":
        return f"Hold lifted: {str(entry.before.get('hold', '')).lower()}"
    if what == "proposal.assigned":
        return f"Given to {after.get('owner', 'somebody')}"
    if what == "proposal.handed-over":
        return f"Handed over to {after.get('owner', 'somebody')}"
    if what == "proposal.returned":
        return f"Back with {after.get('owner', 'its owner')}"
    if what.startswith("outcome."):
        return _of_outcome(what, str(after.get("outcome", "")), outcome, names)
    if what.startswith("signal."):
        return f"{entry.words.removeprefix('Signal ').capitalize()}: it said {_said(signal)}"
    return entry.words


def _of_outcome(what: str, kind: str, outcome: Outcome | None, names: Called) -> str:
    deed = sentences.deed(kind, outcome.name if outcome else "")
    place = sentences.place(outcome.target, names[outcome.connection]) if outcome else ""
    return f"{_DEEDS.get(what, 'Outcome')}: {deed} {place}".strip()


def _said(signal: Signal | None) -> str:
    return sentences.said(State(signal.target)) if signal and signal.target else "its fields"


def _left(entry: Entry, side: dict[str, Any]) -> dict[str, Any]:
    told = _TOLD.get(entry.line.subject_kind, set())
    return {name: value for name, value in side.items() if name not in told and value != ""}


def _late(signal: Signal | None) -> timedelta | None:
    late = signal.received_at - signal.occurred_at if signal else timedelta()
    return late if late > _LATE else None
