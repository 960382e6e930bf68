"""What happens to a ticket next and when, in words; and what the clock did about it so far."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from exceptions import clocks, escalation, steps
from exceptions.models import Step, Ticket
from exceptions.steps import Level, Planned

# So many of those ahead are worth reading.
AHEAD = 3
_TOLD = {
    Level.QUIET: "whoever has it is told quietly",
    Level.OWNER: "whoever has it is told",
    Level.LEAD: "whoever has it and their lead are told",
    Level.ACCOUNTABLE: "who is accountable is told",
}
_UP = {
    Level.SECONDARY: "it goes to the second on call",
    Level.LEAD: "it goes to the team's lead",
    Level.ACCOUNTABLE: "it goes to who is accountable",
}
_DEEDS = {steps.ACK: "acknowledged", steps.FIX: "fixed"}


@dataclass(frozen=True)
class Line:
    """One step in words."""

    at: datetime
    words: str
    more: str = ""
    is_late: bool = False


@dataclass(frozen=True)
class Outlook:
    """A ticket's steps: ahead, as things are now, and taken, the latest first."""

    ahead: list[Line]
    taken: list[Line]
    # Why its clocks stand still.
    paused: str = ""


def outlook(ticket: Ticket) -> Outlook:
    taken = [_taken(step) for step in ticket.steps.order_by("-done_at", "-pk")]
    if not ticket.is_unresolved:
        return Outlook(list(_looked_at_again(ticket)), taken)
    ahead = [Line(one.due_at, _ahead(one)) for one in escalation.ahead(ticket)[:AHEAD]]
    return Outlook(ahead, taken, clocks.words(ticket))


def _looked_at_again(ticket: Ticket) -> Iterator[Line]:
    if ticket.recheck_at:
        words = "Looked at again: what is not proven by then opens the ticket again"
        yield Line(ticket.recheck_at, words)


def _ahead(step: Planned) -> str:
    if step.name == steps.LAPSE:
        return "If nothing is done with it, the acknowledgement lapses"
    if step.level is None:
        return "If nobody acknowledges it, it is called to mind again"
    if step.clock not in _DEEDS:
        return f"If nobody acknowledges it, {_UP[step.level]}"
    return f"If it is not {_DEEDS[step.clock]}, {_TOLD[step.level]} ({step.percent} % of its time)"


def _taken(step: Step) -> Line:
    return Line(step.done_at, _NAMES.get(step.name, "Called to mind"), step.what, step.is_late)


_NAMES = {
    **{f"ack-{level}": "Warned: to be acknowledged" for level in _TOLD},
    **{f"fix-{level}": "Warned: to be fixed" for level in _TOLD},
    **{f"up-{level}": "Handed up" for level in _UP},
    steps.LAPSE: "The acknowledgement lapsed",
}
