"""A ticket's story: what was done with it, line by line, as one person reads it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exceptions.models import Ticket
from exceptions.showing import Link, Seen, link_to
from meshline import masking
from meshline.audit import timeline
from meshline.audit.models import TrailLine

LENGTH = 200
_STEPS = {
    "ticket.opened": ("Opened", "circle-plus"),
    "ticket.occurred-again": ("Happened again", "repeat"),
    "ticket.claimed": ("Claimed", "user-check"),
    "ticket.released": ("Released", "arrow-back-up"),
    "ticket.acknowledged": ("Acknowledged", "eye"),
    "ticket.escalated": ("Escalated", "trending-up"),
    "ticket.handed-over": ("Handed over", "arrows-exchange"),
    "ticket.returned": ("Returned", "arrow-back-up"),
    "ticket.kept": ("Kept", "user-check"),
    "ticket.owner-changed": ("Owner changed", "arrows-exchange"),
    "ticket.noted": ("Wrote a note", "note"),
    "ticket.assigned": ("Assigned", "arrows-exchange"),
    "ticket.taken-over": ("Taken over", "user-check"),
    "ticket.snoozed": ("Put to sleep", "player-pause"),
    "ticket.woken": ("Woken", "clock"),
    "ticket.linked": ("Linked", "circle-plus"),
    "ticket.unlinked": ("Unlinked", "x"),
    "ticket.undone": ("Taken back", "arrow-back-up"),
    "ticket.due-moved": ("Deadline moved", "clock"),
    "ticket.warned": ("Warned", "bell"),
    "ticket.lapsed": ("Acknowledgement lapsed", "hourglass"),
    "ticket.graver": ("Graver than it was", "trending-up"),
    "ticket.paused": ("Clocks stopped", "player-pause"),
    "ticket.resumed": ("Clocks go on", "player-play"),
    "ticket.reopened": ("Reopened", "rotate-clockwise"),
    "ticket.verified": ("Proven to be right", "circle-check"),
    "ticket.not-verified": ("Still not proven", "help-circle"),
    "ticket.remedied": ("Put right", "tool"),
    "ticket.merged": ("Merged into another", "git-merge"),
    "ticket.took-in": ("Took another in", "git-merge"),
    "ticket.resolved": ("Resolved", "circle-check"),
}
# What is said in words already, or stands elsewhere on the page.
_TOLD = {*_STEPS} - {
    "ticket.escalated", "ticket.due-moved", "ticket.handed-over", "ticket.returned", "ticket.kept",
    "ticket.lapsed", "ticket.graver", "ticket.resumed", "ticket.reopened",
    "ticket.assigned", "ticket.taken-over", "ticket.snoozed", "ticket.undone",
    "ticket.owner-changed",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One line of a ticket's story, or a run of equal ones told as one."""

    words: str
    icon: str
    by: str
    at: datetime
    why: str = ""
    subject: Link | None = None
    change: dict[str, Any] = field(default_factory=dict)
    times: int = 1


def lines(ticket: Ticket) -> list[TrailLine]:
    """The ticket's lines of the trail, newest first; as many as a page can hold, and one more."""
    found = TrailLine.objects.filter(subject_kind="ticket", subject_id=str(ticket.pk))
    return list(found.newest_first()[: LENGTH + 1])


def told(seen: Seen, written: list[TrailLine]) -> list[Step]:
    """What was done with the ticket, newest first; a run of repetitions is one step."""
    steps: list[Step] = []
    for line in written[:LENGTH]:
        step = _step(line, seen)
        if steps and line.what == "ticket.occurred-again" and steps[-1].words == step.words:
            steps[-1] = Step(
                step.words, step.icon, step.by, steps[-1].at, times=steps[-1].times + 1
            )
        else:
            steps.append(step)
    return steps


def _step(line: TrailLine, seen: Seen) -> Step:
    words, icon = _STEPS.get(line.what, (_plain(line.what), "activity"))
    if line.what == "ticket.remedied":
        words = seen.words(str(line.after.get("did", words)))
    if line.what == "ticket.resolved" and line.after.get("resolution"):
        words = f"Resolved: {line.after['resolution']}"
    subject = line.after.get("subject") or line.after.get("ticket")
    subject = subject or (line.what == "ticket.opened" and line.cause)
    return Step(
        words, icon, line.actor_label, line.at,
        why=seen.words(line.why),
        subject=link_to(subject, seen.user) if subject else None,
        change={} if line.what in _TOLD else _change(line, seen),
    )  # fmt: skip


def _change(line: TrailLine, seen: Seen) -> dict[str, Any]:
    sides = {"before": line.before, "after": line.after}
    if seen.is_masked:
        return {side: dict(_masked(values, seen)) for side, values in sides.items()}
    if not line.before and not line.after:
        return {}
    return {side: _readable(values) for side, values in sides.items()}


def _readable(values: dict[str, Any]) -> dict[str, Any]:
    return {name: timeline.readable(value) for name, value in values.items()}


def _masked(values: dict[str, Any], seen: Seen) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        masked = seen.words(value) if isinstance(value, str) else masking.structure(value)
        # In this order, as the trail's own page does it.
        yield name, timeline.readable(masked)


def _plain(what: str) -> str:
    return what.partition(".")[2].replace("-", " ").capitalize() or what
