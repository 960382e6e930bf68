"""The workflow map: each path from its trigger to its proof, as it is configured and stands now.

A path is a state that a proposal comes into, with the live contracts that go by it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q

from connectors import showing
from exceptions.kinds import KINDS, Kind
from meshline.people.permissions import Permission, Role
from meshline.policy import calendars, raci, sla, spans
from meshline.sentences import inside
from proposals import authority, states
from proposals.authority import PEOPLE, RECORD
from proposals.contracts import gates, promises, sentences
from proposals.contracts.sentences import Names
from proposals.models import Contract, Outcome
from proposals.models.outcome import State as OutcomeState
from proposals.states import State
from reconciliation import gathering, lints
from reconciliation.lints.lint import Grade, Lint
from reconciliation.model_facts import Asked, Facts

# Stands for the connection that brought a proposal, whichever that is.
ITS_SOURCE = "its source"
PROCESS = "proposal-state"
LOOKED_BACK = timedelta(days=30)
FAILS_AS = "delivery-failed"
OPEN_TICKET = "ticket.open"


@dataclass(frozen=True)
class Place:
    """Where a thing is changed or seen: a page, a row of it, and what that page itself takes."""

    url_name: str
    args: tuple[Any, ...] = ()
    row: str = ""
    query: str = ""
    takes: Permission | None = None


@dataclass(frozen=True)
class Part:
    """One part of a path: what it says, more about it, where it is agreed, and what it lacks.

    Of its places, the first that somebody may open is theirs.
    """

    name: str
    title: str
    says: str
    more: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    gaps: tuple[Lint, ...] = ()
    # Who has it when it fails is agreed elsewhere than how soon it is mended.
    whose: tuple[Place, ...] = ()

    @property
    def is_broken(self) -> bool:
        return any(lint.grade is Grade.ERROR for lint in self.gaps)


@dataclass(frozen=True)
class Effect:
    """One outcome of a path, from its gate to its number."""

    asked: Asked
    says: str
    where: str
    gate: str
    proof: str
    idempotency: str
    metric: str
    gaps: tuple[Lint, ...] = ()

    @property
    def is_broken(self) -> bool:
        return any(lint.grade is Grade.ERROR for lint in self.gaps)

    @property
    def agreed_in(self) -> tuple[Place, ...]:
        return (Place("proposals:contract", (self.asked.contract,)),)

    @property
    def carried_in(self) -> tuple[Place, ...]:
        """The outcomes of its kind, which say how each was proven."""
        return (Place("connectors:outcomes", query=urlencode({"kind": self.asked.kind})),)

    @property
    def is_left_out(self) -> bool:
        """Optional, and nothing plays its part: not asked for."""
        return any(lint.code == "outcome-not-asked" for lint in self.gaps)


@dataclass(frozen=True)
class Path:
    """A trigger, and all that is agreed about it."""

    state: State
    contracts: list[Contract]
    parts: dict[str, Part]
    effects: list[Effect]
    # That concern every path, and this one as well.
    common: list[Lint] = field(default_factory=list)

    @property
    def gaps(self) -> list[Lint]:
        """What is broken here, the gravest first."""
        mine = [lint for part in self.parts.values() for lint in part.gaps]
        return [*mine, *(lint for effect in self.effects for lint in effect.gaps)]

    @property
    def errors(self) -> list[Lint]:
        return [lint for lint in self.gaps if lint.grade is Grade.ERROR]

    @property
    def warnings(self) -> list[Lint]:
        return [lint for lint in self.gaps if lint.grade is Grade.WARNING]


def every(*, at: datetime) -> list[Path]:
    """Every path, in the order of a proposal's life."""
    return _paths(State, at)


def one(state: State, *, at: datetime) -> Path:
    return _paths([state], at)[0]


def _paths(wanted: Iterable[State], at: datetime) -> list[Path]:
    # Read once, for the facts as well: somebody may publish in between.
    contracts = gathering.contracts()
    facts = gathering.facts(at=at, live=contracts)
    live: dict[State, list[Contract]] = {}
    for contract in contracts:
        live.setdefault(State(contract.trigger), []).append(contract)
    drawing = _Drawing(facts, lints.every(facts), at)
    return [drawing.path(state, live.get(state, [])) for state in wanted]


class _Drawing:
    """What all paths share, looked up once."""

    def __init__(self, facts: Facts, found: list[Lint], at: datetime) -> None:
        self.facts, self.found, self.at = facts, found, at
        self.authorities = authority.load()
        minutes_a_day = sentences.minutes_a_day(calendars.hours_of(None).windows)
        parts = {
            part: door.name if (door := facts.door(slug)) else slug
            for part, slug in facts.parts.items()
        }
        self.names = Names(parts, minutes_a_day)
        self.numbers = _numbers(at)
        self.rules = gathering.rule_rows()

    def path(self, state: State, contracts: list[Contract]) -> Path:
        parts = [
            self._trigger(state, contracts), self._source(state), self._routing(),
            self._owner(), self._failure(state, contracts),
        ]  # fmt: skip
        effects = [effect for contract in contracts for effect in self._effects(state, contract)]
        return Path(state, contracts, {part.name: part for part in parts}, effects)

    # --- Parts ---
    def _trigger(self, state: State, contracts: list[Contract]) -> Part:
        before = [one.label.lower() for one in State if states.is_move(one, state)]
        named = ", ".join(f"{one.name} v{one.version}" for one in contracts)
        # One contract has a page; several stand in their list.
        slugs = tuple(one.slug for one in contracts) if len(contracts) == 1 else ()
        return Part(
            "trigger", "Trigger", f"A proposal is {state.label.lower()}",
            (
                f"From {_either(before)}." if before else "It begins there.",
                f"By contract: {named}." if named else "No contract goes by it: nothing follows.",
            ),
            (Place("proposals:contract" if slugs else "proposals:contracts", slugs),),
        )  # fmt: skip

    def _source(self, state: State) -> Part:
        named = self.authorities.of(state, source=ITS_SOURCE)
        also = ", ".join(sorted(states.ALSO.get(state, ())))
        if named == PEOPLE:
            says = "People: a RevOps operator or manager"
        elif named == ITS_SOURCE:
            says = "The connection that brought the proposal"
        else:
            says = self.authorities.called[named] or "Nobody: nothing plays the part"
        more = (f"Of its own matter also {also}.",) if also else ()
        gaps = self._gaps("source", state)
        return Part("source", "Source of truth", says, more, _whose_word(state), gaps)

    def _routing(self) -> Part:
        gaps = tuple(lint for lint in self.found if lint.step == "routing")
        number = len(self.rules)
        last = str(self.rules[-1].get("name", "")) if self.rules else ""
        says = f"{number} rule{'' if number == 1 else 's'}, the first that holds"
        more = (f"Otherwise: {last}.",) if last else ()
        return Part("routing", "Routing", says, more, (Place("proposals:routing"),), gaps)

    def _owner(self) -> Part:
        answer = next(one for one in self.facts.processes if one.process == PROCESS)
        accountable = raci.accountable_for(PROCESS, at=self.at)
        return Part(
            "owner", "Owner", f"{answer.now} now",
            (
                f"Responsible: {', '.join(answer.responsible) or 'nobody named'}.",
                f"Accountable: {', '.join(answer.accountable) or 'nobody named'}; now "
                f"{accountable.user.name}.",
            ),
            _owners(PROCESS), self._about_process(PROCESS),
        )  # fmt: skip

    def _failure(self, state: State, contracts: list[Contract]) -> Part:
        kind, severity = _fails_as(contracts)
        agreed = sla.in_force(kind.name, severity)
        gaps = tuple(
            lint for lint in self.found if lint.step == "failure" and lint.about == str(agreed.pk)
        )
        return Part(
            "failure", "Failure path", f"A ticket: {kind.label.lower()} ({severity})",
            (
                f"Acknowledged within {spans.words(agreed.ack_within)}, fixed within "
                f"{spans.words(agreed.fix_within)} of working time.",
                *self._answers(kind, contracts),
            ),
            (
                Place("exceptions:change-sla", (agreed.pk,)),
                Place("exceptions:slas", row=f"sla-{agreed.pk}"),
            ),
            (*gaps, *self._gaps("failure", state), *self._about_process(kind.process)),
            self._whose(kind, contracts),
        )  # fmt: skip

    def _whose(self, kind: Kind, contracts: list[Contract]) -> tuple[Place, ...]:
        """Where the first who has it is agreed: in a contract that names somebody, or by owners."""
        own = next((one for one in contracts if one.owner), None)
        return (Place("proposals:contract", (own.slug,)),) if own else _owners(kind.process)

    def _answers(self, kind: Kind, contracts: list[Contract]) -> Iterator[str]:
        """Who has the ticket: whoever a contract names, else who is responsible for its kind."""
        own = [one for one in contracts if one.owner]
        for contract in own:
            yield f"To {gates.answers(contract.owner)}, where “{contract.name}” fails."
        if len(own) < len(contracts) or not contracts:
            answer = next(one for one in self.facts.processes if one.process == kind.process)
            yield f"To who is responsible for {inside(answer.label)}: {answer.now} now."

    # --- Outcomes ---
    def _effects(self, state: State, contract: Contract) -> list[Effect]:
        found = []
        for row in contract.outcomes:
            spec = promises.spec_from(row)
            asked = next(
                one for one in self.facts.asked
                if (one.contract, one.name) == (contract.slug, spec.name)
            )  # fmt: skip
            says = sentences.outcome(spec, state, self.names)
            found.append(
                Effect(
                    asked=asked, says=says[:1].upper() + says[1:] + ".",
                    where=self._where(asked), gate=_gate(row),
                    proof=self._proof(asked, row), idempotency=_idempotency(asked),
                    metric=self.numbers.get((contract.slug, spec.name), "none in 30 days"),
                    gaps=self._gaps("outcomes", state, f"{contract.slug}/{spec.name}"),
                )
            )  # fmt: skip
        return found

    def _where(self, asked: Asked) -> str:
        if asked.target == "meshline":
            return "Meshline itself"
        door = self.facts.door(self.facts.parts.get(asked.target, ""))
        part = sentences.PARTS.get(asked.target, asked.target)
        return f"{door.name} ({part})" if door else f"{part}: nothing plays it"

    def _proof(self, asked: Asked, row: dict[str, Any]) -> str:
        if row.get("proof"):
            return str(row["proof"])
        if asked.kind == OPEN_TICKET:
            return "The ticket itself"
        if asked.kind == "webhook.send":
            return "Their 2xx: it cannot be read back"
        if asked.target == "meshline":
            return "The notice stands in front of its person"
        return "Read back from the other side"

    # --- Lints ---
    def _gaps(self, step: str, state: State, about: str = "") -> tuple[Lint, ...]:
        return tuple(
            lint for lint in self.found
            if lint.step == step and lint.path == state and (not about or lint.about == about)
        )  # fmt: skip

    def _about_process(self, process: str) -> tuple[Lint, ...]:
        return tuple(lint for lint in self.found if lint.step == "owner" and lint.about == process)


def _whose_word(state: State) -> tuple[Place, ...]:
    part = states.AUTHORITY[state]
    return (
        Place("connectors:truth", (RECORD, part), takes=Permission.CHANGE_OPERATING_MODEL),
        Place("connectors:truths", row=f"truth-{part}"),
    )


def _owners(process: str) -> tuple[Place, ...]:
    return (Place("exceptions:change-owners", (process,)),)


def _fails_as(contracts: list[Contract]) -> tuple[Kind, str]:
    """The kind of ticket that a failure opens and its severity: a contract may say another."""
    for contract in contracts:
        kind = KINDS.get(getattr(contract, "ticket", ""))
        severity = getattr(contract, "severity", "")
        if kind or severity:
            kind = kind or KINDS[FAILS_AS]
            return kind, severity or kind.severity.value
    return KINDS[FAILS_AS], KINDS[FAILS_AS].severity.value


def _gate(row: dict[str, Any]) -> str:
    gate = row.get("gate") or {}
    if not gate:
        return ""
    within = gate.get("within")
    most = f", {spans.words(int(within))} at most" if within else ""
    return f"Waits for {_whom(str(gate.get('who', '')))}{most}"


def _whom(word: str) -> str:
    """Whom a gate names: "role:manager", "person:vera@example.com", "accountable:delivery"."""
    kind, _, name = word.partition(":")
    if kind == "role" and name in set(Role):
        return f"any {Role(name).label}"
    if kind == "accountable":
        return f"who is accountable for {name.replace('-', ' ')}"
    return name or "somebody with the approver's right"


def _idempotency(asked: Asked) -> str:
    if asked.target == "meshline":
        return "Once, by its key."
    return showing.idempotency(asked.kind)[1]


def _numbers(at: datetime) -> dict[tuple[str, str], str]:
    """By contract and outcome: how many were proven in the last 30 days, and how many failed."""
    rows = (
        Outcome.objects.filter(promised_at__gt=at - LOOKED_BACK, undo_of=None)
        .values_list("contract__slug", "name")
        .annotate(
            promised=Count("pk"),
            proven=Count("pk", filter=Q(state=OutcomeState.PROVEN)),
            given_up=Count("pk", filter=Q(state=OutcomeState.GIVEN_UP)),
        )
    )
    return {(slug, name): _number(*numbers) for slug, name, *numbers in rows}


def _number(promised: int, proven: int, given_up: int) -> str:
    lost = f", {given_up} given up" if given_up else ""
    return f"{proven} of {promised} proven{lost}"


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
