"""Contracts as sentences a person can check: pure, no database, no clock."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time

from exceptions.kinds import KINDS
from proposals.contracts import gates
from proposals.contracts.catalogue import DEEDS
from proposals.contracts.promises import ContractSpec, OutcomeSpec
from proposals.states import MOVES, State
from proposals.tiers import BUDGET, Tier

# The parts that connections play, as people call them.
PARTS = {
    "quoting": "the quoting tool",
    "crm": "the CRM",
    "billing": "the billing tool",
    "chat": "the chat",
    "automation": "the automation tool",
    "meshline": "Meshline",
}
# What Meshline does itself no connection plays.
PLAYED = tuple(part for part in PARTS if part != "meshline")
_UNPLAYED = ", which nothing plays yet"
# What carrying an outcome of a kind does, and what taking it back does; {thing} is its name.
_DEEDS = {
    "deal.upsert": "create or update the deal",
    "task.create": "create the {thing} task",
    "task.complete": "close the {thing} task",
    "task.move": "move the {thing} task",
    "notice.tell": "tell the owner",
    "ticket.open": "open a ticket",
    "invoice.create": "create the invoice",
    "message.post": "post a message",
    "webhook.send": "send a signed webhook",
}
_NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Names:
    """What sentences must know of this company: who plays which part, how long a day is."""

    parts: Mapping[str, str]
    minutes_a_day: int = 480


def deed(kind: str, name: str) -> str:
    """What an outcome does, as in "create the follow-up task"."""
    thing = name.removesuffix("-undo").removesuffix("-move").replace("_", " ")
    return _DEEDS.get(kind, kind.replace(".", " ").replace("-", " ")).format(thing=thing)


def place(target: str, connection: str) -> str:
    """Where it happens: "in hubspot (the CRM)"; nothing where Meshline does it itself."""
    if target == "meshline":
        return ""
    return f"in {connection} ({part(target)})" if connection else f"in {part(target)}{_UNPLAYED}"


def part(target: str) -> str:
    """A part inside a sentence: "the CRM"."""
    return PARTS.get(target, target)


def outcome(spec: OutcomeSpec, trigger: State, names: Names) -> str:
    """One outcome of a contract, without a full stop."""
    said = " ".join(filter(None, [deed(spec.kind, spec.name), _where(spec, names)]))
    if spec.mirrors:
        said += f"{',' * said.endswith(_UNPLAYED)} and again whenever its content changes"
    parts = [
        said + _about(spec) + _texts(spec), _priority(spec), _after(spec, names),
        _due(spec, names), _while(spec, trigger), _then(spec),
    ]  # fmt: skip
    return ", ".join(one for one in parts if one).replace(", ;", ";")


def contract(spec: ContractSpec, names: Names) -> list[str]:
    """Everything that follows when a proposal comes into the contract's state."""
    return [outcome(one, spec.trigger, names) for one in spec.outcomes]


def proof(spec: OutcomeSpec) -> str:
    """What proves that an outcome happened: as the contract says, or as usual for its kind."""
    known = DEEDS.get(spec.kind)
    return spec.proof or (known.proof if known else "")


def undone(state: State, live: Iterable[ContractSpec]) -> list[str]:
    """What other contracts asked for and coming into `state` takes back."""
    return [
        f"{deed(spec.undo, spec.name)} that follows when a proposal is {said(trigger)}"
        for trigger, spec in _of_others(state, live)
        if spec.undo and _is_left_for(state, spec)
    ] + [
        f"close the ticket “{_ticket(spec)}”"
        for _, spec in _of_others(state, live)
        if spec.kind == "ticket.open" and _is_left_for(state, spec)
    ]


def kept(state: State, live: Iterable[ContractSpec]) -> list[str]:
    """What other contracts asked for and stays open in `state`."""
    return [
        f"leave the {spec.name.replace('_', ' ')} task open"
        for _, spec in _of_others(state, live)
        if spec.undo and state in spec.wanted
    ]


def minutes_a_day(windows: Iterable[tuple[int, time, time]]) -> int:
    """How long a working day is on average, by a calendar's windows."""
    spans = [(day, _minute(closes) - _minute(opens)) for day, opens, closes in windows]
    days = {day for day, _ in spans}
    return round(sum(minutes for _, minutes in spans) / len(days)) if days else 480


def working_time(minutes: int, minutes_a_day: int) -> str:
    """A span of business time in words: "two working days", "4 business hours"."""
    days, rest = divmod(minutes, minutes_a_day)
    if days and not rest:
        number = _NUMBERS[days] if days < len(_NUMBERS) else str(days)
        return f"{number} working day{'' if days == 1 else 's'}"
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return f"{hours} business hour{'' if hours == 1 else 's'}"
    return f"{minutes} business minute{'' if minutes == 1 else 's'}"


def budget(tier: Tier) -> str:
    """How soon what comes in this tier is proven: "60 seconds", "4 business hours"."""
    span = BUDGET[tier]
    if tier is Tier.HOURS:
        return working_time(int(span.total_seconds()) // 60, minutes_a_day=24 * 60)
    if span.days:
        return f"{span.days} day{'' if span.days == 1 else 's'}"
    minutes, seconds = divmod(span.seconds, 60)
    return f"{span.seconds} seconds" if seconds or minutes < 2 else f"{minutes} minutes"


def said(state: State) -> str:
    """A state inside a sentence."""
    return state.value.replace("-", " ")


def either(states: Iterable[State]) -> str:
    """ "sent, viewed or signed", in the order of a proposal's life."""
    wanted = set(states)
    words = [said(state) for state in State if state in wanted]
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nothing"


def _minute(at: time) -> int:
    # The end of a day is written as its last microsecond.
    return 1440 if at == time.max else at.hour * 60 + at.minute


def _where(spec: OutcomeSpec, names: Names) -> str:
    connection = names.parts.get(spec.target, "")
    if spec.optional and not connection:
        return f"in {part(spec.target)} as soon as one is connected"
    return place(spec.target, connection)


def _about(spec: OutcomeSpec) -> str:
    return _which(spec) + (", once and never again" if spec.once else "")


def _which(spec: OutcomeSpec) -> str:
    if spec.kind == "ticket.open":
        return f" “{_ticket(spec)}”"
    if spec.kind == "webhook.send" and (word := spec.params.get("type")):
        return f", of the type {word}"
    return " for the owner" if spec.kind == "task.create" else ""


def _texts(spec: OutcomeSpec) -> str:
    """What a task, a ticket, a notice or a message says."""
    texts = [spec.params.get(name) for name in ("subject", "body")]
    said = ", ".join(f"“{_spoken(text)}”" for text in texts if text)
    return f": {said}" if said else ""


def _priority(spec: OutcomeSpec) -> str:
    """ "high priority", as the catalogue calls it."""
    known, told = DEEDS.get(spec.kind), spec.params.get("priority")
    about = known.parameter("priority") if known else None
    return f"{about.choices.get(told, told).lower()} priority" if about and told else ""


def _after(spec: OutcomeSpec, names: Names) -> str:
    if spec.gate is None:
        return ""
    within = working_time(spec.gate.within, names.minutes_a_day)
    return f"once {gates.whom(spec.gate.who)} has approved it (within {within})"


def _due(spec: OutcomeSpec, names: Names) -> str:
    minutes = spec.params.get("due_within")
    return f"due {working_time(int(minutes), names.minutes_a_day)} later" if minutes else ""


def _while(spec: OutcomeSpec, trigger: State) -> str:
    if spec.mirrors:
        return ""
    it = "it" if spec.wanted == {trigger} else "the proposal"
    return f"as long as {it} is {either(spec.wanted)}"


def _then(spec: OutcomeSpec) -> str:
    if spec.kind == "ticket.open":
        return "; then it closes by itself"
    return "; then close it" if spec.undo else ""


def _ticket(spec: OutcomeSpec) -> str:
    kind = KINDS.get(spec.params.get("ticket", ""))
    return kind.label if kind else "Something to decide"


def _spoken(text: str) -> str:
    """A text with its places named rather than filled: "‹title› went out"."""
    return _PLACE.sub(r"‹\1›", text).rstrip(".")


def _of_others(state: State, live: Iterable[ContractSpec]) -> Iterable[tuple[State, OutcomeSpec]]:
    return [
        (one.trigger, spec)
        for one in live
        if one.trigger is not state
        for spec in one.outcomes
        if not spec.mirrors
    ]


def _is_left_for(state: State, spec: OutcomeSpec) -> bool:
    """Whether a proposal can step from where the outcome is wanted right into `state`."""
    return state not in spec.wanted and any(state in MOVES[here] for here in spec.wanted)
