"""Is the operating model whole? What is missing, too long or against itself: pure, over facts.

Each lint is a sentence, how grave it is, and where it is mended. Reading the facts is gathering's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Any

from meshline.policy import spans
from meshline.sentences import inside
from proposals.contracts import gates, sentences, terms
from proposals.contracts.catalogue import DEEDS
from proposals.fields import LABELS
from proposals.states import AUTHORITY, State
from reconciliation.model_facts import Asked, Door, Facts, Source


class Grade(StrEnum):
    """How grave: what does not work now, what will not, what is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Fix:
    """Where it is mended: words, and a URL name with its arguments."""

    label: str
    url_name: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Lint:
    """One thing that is not as it should be; `path` is the trigger it belongs to, `step` its part.

    `about` names the thing within the step, such as an outcome.
    """

    code: str
    grade: Grade
    sentence: str
    fix: Fix
    path: str = ""
    step: str = ""
    about: str = ""


# --- Where things are mended ---------------------------------------------------------------------
_CONNECTIONS = Fix("Connections", "connectors:connections")
_CONTRACTS = Fix("Contracts", "proposals:contracts")
_COMPANY = Fix("The company", "owners:company")
_MODEL = Fix("Operating model", "operating-model")
_ROUTING = Fix("Routing rules", "proposals:routing")
_ROTA = Fix("Rota", "rota:coverage")

# What an outcome makes of a proposal, once the other side has done it and says so.
LEADS_TO = {"invoice.create": State.INVOICED}
_SEVERITIES = ["critical", "high", "normal", "low"]
# From so many events on, a field that none of them filled is one nobody maps.
_ENOUGH_EVENTS = 5
# What of every proposal somebody must have said.
_REQUIRED = ("title", "amount", "owner_email")


def every(facts: Facts) -> list[Lint]:
    """All that is not as it should be, the gravest first."""
    found = [lint for look in _LOOKS for lint in look(facts)]
    order = {grade: place for place, grade in enumerate(Grade)}
    return sorted(found, key=lambda one: (order[one.grade], one.code, one.path, one.sentence))


def of_path(lints: Iterable[Lint], state: State) -> list[Lint]:
    """Those that belong to one path, or to every path."""
    return [lint for lint in lints if lint.path == state]


# --- Outcomes and their connections --------------------------------------------------------------
def outcomes_without_a_connection(facts: Facts) -> Iterator[Lint]:
    for asked in facts.asked:
        if asked.target == "meshline":
            continue
        what = f"{asked.name.replace('_', ' ')} ({asked.kind}) after {asked.trigger.label.lower()}"
        slug = facts.parts.get(asked.target, "")
        if not slug:
            yield from _unplayed(asked, what)
        elif lint := _door_trouble(asked, what, slug, facts.door(slug)):
            yield lint


def _unplayed(asked: Asked, what: str) -> Iterator[Lint]:
    nobody = f"nothing plays the part of {sentences.part(asked.target)}"
    if asked.optional:
        sentence = f"{what} is not asked for: {nobody} yet."
        yield _of(asked, "outcome-not-asked", Grade.NOTE, sentence, _CONNECTIONS)
    else:
        sentence = f"{what} has no connection: {nobody}."
        yield _of(asked, "outcome-no-connection", Grade.ERROR, sentence, _CONNECTIONS)


def _door_trouble(asked: Asked, what: str, slug: str, door: Door | None) -> Lint | None:
    if door is None:
        sentence = f"{what} goes to {slug}, and there is no such connection any more."
        return _of(asked, "outcome-no-connection", Grade.ERROR, sentence, _CONNECTIONS)
    fix = Fix(door.name, "connectors:connection", (slug,))
    if asked.kind not in door.carries:
        sentence = f"{what} goes to {door.name}, which cannot carry that."
        return _of(asked, "outcome-not-carried", Grade.ERROR, sentence, fix)
    if door.status == "disabled":
        sentence = f"{what} goes to {door.name}, which is disabled."
        return _of(asked, "outcome-no-connection", Grade.ERROR, sentence, fix)
    if not door.has_credential:
        sentence = f"{what} goes to {door.name}, which has no credential yet."
        return _of(asked, "outcome-no-connection", Grade.ERROR, sentence, fix)
    if door.status == "paused":
        sentence = f"{what} waits: {door.name} is paused. {door.why}".strip()
        return _of(asked, "outcome-waits", Grade.WARNING, sentence, fix)
    if not door.answers:
        sentence = f"{what} waits: {door.name} does not answer."
        return _of(asked, "outcome-waits", Grade.WARNING, sentence, fix)
    return None


# --- Who may say it ------------------------------------------------------------------------------
def moves_nobody_may_make(facts: Facts) -> Iterator[Lint]:
    for state in State:
        part = AUTHORITY[state]
        named = facts.authorities.get(part, "")
        billing = facts.parts.get("billing", "")
        if named and facts.door(named) is None:
            sentence = f"Only {named} may say {state.label.lower()}, and it is no connection here."
            yield Lint("authority-unknown", Grade.ERROR, sentence, _MODEL, state, "source")
        elif part == "billing" and not named and not billing:
            sentence = f"Nothing is connected that may say {state.label.lower()}."
            yield Lint("authority-missing", Grade.ERROR, sentence, _CONNECTIONS, state, "source")
        elif part == "quoting" and not named and not facts.sources and not facts.parts.get(part):
            sentence = f"No quoting tool is connected that could say {state.label.lower()}."
            yield Lint("authority-missing", Grade.ERROR, sentence, _CONNECTIONS, state, "source")


def moves_whose_source_is_shut(facts: Facts) -> Iterator[Lint]:
    """Whoever may make a move is there, and nothing is taken from them now."""
    for state in State:
        doors = _who_may_say(state, facts)
        shut = [door for door in doors if door.status in ("disabled", "paused")]
        if doors and len(shut) == len(doors):
            yield _shut(state, min(shut, key=lambda door: door.status != "paused"))


def _who_may_say(state: State, facts: Facts) -> list[Door]:
    """The connection that is named for it; else the one that plays the part, and of what a quoting
    tool says each that brings proposals."""
    part = AUTHORITY[state]
    slugs = {facts.authorities.get(part) or facts.parts.get(part, "")}
    if part == "quoting" and part not in facts.authorities:
        slugs |= {source.connection for source in facts.sources}
    return [door for door in facts.doors if door.slug in slugs]


def _shut(state: State, door: Door) -> Lint:
    said, fix = state.label.lower(), Fix(door.name, "connectors:connection", (door.slug,))
    if door.status == "paused":
        sentence = f"{door.name} says what is {said}, and is paused. {door.why}".strip()
        return Lint("authority-waits", Grade.WARNING, sentence, fix, state, "source")
    sentence = f"Nobody can say {said}: {door.name}, which would, is disabled."
    return Lint("authority-disabled", Grade.ERROR, sentence, fix, state, "source")


def authorities_that_say_nothing(facts: Facts) -> Iterator[Lint]:
    """A field whose authority has never told it: what is agreed has no effect yet."""
    for name, door in facts.silent.items():
        sentence = (
            f"Of the {LABELS[name]} counts what {door} says, and it has not told one so far: the "
            "most recent word of the others counts instead."
        )
        fix = Fix(f"Whose {LABELS[name]} counts", "connectors:truth", ("proposal", name))
        yield Lint("authority-silent", Grade.WARNING, sentence, fix, step="source", about=name)


# --- Owners --------------------------------------------------------------------------------------
def owners_who_are_gone(facts: Facts) -> Iterator[Lint]:
    for answer in facts.processes:
        fix = Fix(
            f"Owners of {inside(answer.label)}", "exceptions:change-owners", (answer.process,)
        )
        for name in answer.gone:
            sentence = f"{name} answers for {inside(answer.label)}, but is no longer active."
            yield Lint("owner-gone", Grade.ERROR, sentence, fix, step="owner",
                       about=answer.process)  # fmt: skip
        for why in answer.no_work:
            sentence = f"{why}: named as responsible for {inside(answer.label)}."
            yield Lint("owner-no-work", Grade.ERROR, sentence, fix, step="owner",
                       about=answer.process)  # fmt: skip
        if answer.is_fallback:
            sentence = (
                f"Nobody responsible for {inside(answer.label)} can be given work now: "
                f"{answer.now} has it, as the fallback."
            )
            yield Lint("owner-fallback", Grade.WARNING, sentence, fix, step="owner",
                       about=answer.process)  # fmt: skip
    if not facts.fallback:
        yield Lint("owner-gone", Grade.WARNING, "No fallback owner is named.", _COMPANY)
    elif not facts.fallback_is_active:
        sentence = f"{facts.fallback} is the fallback owner, but is no longer active."
        yield Lint("owner-gone", Grade.ERROR, sentence, _COMPANY)
    elif facts.fallback_no_work:
        sentence = f"{facts.fallback_no_work}: named as the fallback owner."
        yield Lint("owner-no-work", Grade.ERROR, sentence, _COMPANY)
    yield from _owners_elsewhere(facts)


def _owners_elsewhere(facts: Facts) -> Iterator[Lint]:
    for door in facts.doors:
        if door.owner and not door.owner_is_active:
            fix = Fix(door.name, "connectors:connection", (door.slug,))
            sentence = f"{door.owner} owns {door.name}, but is no longer active."
            yield Lint("owner-gone", Grade.ERROR, sentence, fix)
    for rule in facts.rules or ():
        for person in rule.people:
            if person in facts.gone:
                sentence = f"The rule “{rule.name}” gives to {person}, who is no longer active."
                yield Lint("owner-gone", Grade.ERROR, sentence, _ROUTING, step="routing")
    for name, number in facts.left_behind.items():
        fix = Fix("Queue", "exceptions:queue")
        sentence = f"{name} is no longer active and still owns {number} open {_things(number)}."
        yield Lint("owner-gone", Grade.ERROR, sentence, fix)
    for team in facts.empty_teams:
        sentence = f"The team {team} answers for something, but nobody in it is active."
        yield Lint("owner-gone", Grade.ERROR, sentence, Fix("People", "people:people"))


def contracts_that_name_nobody(facts: Facts) -> Iterator[Lint]:
    """A review gate, or who answers when it fails: somebody who has left, or nobody at all."""
    for asked in facts.asked:
        refusal = gates.refusal_of_gate(asked.gate, facts.known) if asked.gate else ""
        if refusal:
            sentence = f"{asked.name} of {asked.of} waits at a review gate. {refusal}"
            yield _of(asked, "gate-gone", Grade.ERROR, sentence, _CONTRACTS)
    answering = {asked.contract: asked for asked in facts.asked if asked.owner}
    for slug, asked in answering.items():
        if refusal := gates.refusal_of_owner(asked.owner, facts.known):
            sentence = f"Somebody is to answer when {asked.of} fails. {refusal}"
            yield Lint("owner-gone", Grade.ERROR, sentence, _CONTRACTS, asked.trigger, "failure",
                       about=slug)  # fmt: skip


def gates_with_one_alone(facts: Facts) -> Iterator[Lint]:
    """A review gate at which one person decides: on what they cause, others have to."""
    for asked in facts.asked:
        deciding = facts.deciders.get(asked.gate, ())
        if len(deciding) == 1 and not gates.refusal_of_gate(asked.gate, facts.known):
            sentence = (
                f"{asked.name} of {asked.of} waits for {gates.whom(asked.gate)}: only "
                f"{deciding[0]} may decide. What they cause goes to the next in line."
            )
            yield _of(asked, "gate-one", Grade.NOTE, sentence, _CONTRACTS)


# --- Routing -------------------------------------------------------------------------------------
def routing_without_an_end(facts: Facts) -> Iterator[Lint]:
    if facts.rules is None:
        return
    if not facts.rules or facts.rules[-1].when is not None:
        sentence = "No routing rule holds always: what none matches has no agreed owner."
        yield Lint("routing-no-default", Grade.ERROR, sentence, _ROUTING, step="routing")
    seen: dict[str, str] = {}
    for place, rule in enumerate(facts.rules):
        if rule.when is None and place + 1 < len(facts.rules):
            sentence = f"“{rule.name}” holds always, so no rule below it is ever reached."
            yield Lint("contradiction", Grade.ERROR, sentence, _ROUTING, step="routing")
        if first := seen.get(repr(rule.when)):
            sentence = f"“{rule.name}” asks the same as “{first}” above it, and is never reached."
            yield Lint("contradiction", Grade.ERROR, sentence, _ROUTING, step="routing")
        elif rule.when is not None:
            seen[repr(rule.when)] = rule.name


def routing_by_connections_that_are_gone(facts: Facts) -> Iterator[Lint]:
    for rule in facts.rules or ():
        for source in rule.strange:
            sentence = f"“{rule.name}” asks for the source “{source}”, which is no connection here."
            yield Lint("source-gone", Grade.WARNING, sentence, _ROUTING, step="routing")


def contracts_by_connections_that_are_gone(facts: Facts) -> Iterator[Lint]:
    for name, source in facts.strange:
        sentence = f"“{name}” asks for the source “{source}”, which is no connection here."
        yield Lint("source-gone", Grade.WARNING, sentence, _CONTRACTS)


# --- Time ----------------------------------------------------------------------------------------
def rota_gaps(facts: Facts) -> Iterator[Lint]:
    kept = [rota for rota in facts.rotas if rota.is_kept]
    if facts.rotas and not kept:
        teams = " and ".join(rota.name for rota in facts.rotas)
        sentence = f"No rota is kept for {teams}: tickets go to the lead, or who is there longest."
        yield Lint("rota-none", Grade.NOTE, sentence, _ROTA)
    for rota in kept:
        if rota.gaps:
            first, last = rota.gaps[0]
            more = f", and {len(rota.gaps) - 1} more" if len(rota.gaps) > 1 else ""
            sentence = (
                f"Within 7 days nobody of {rota.name} is on call from {_moment(first)} to "
                f"{_moment(last)}{more}."
            )
            yield Lint("rota-gap", Grade.WARNING, sentence, _ROTA)


def on_call_twice(facts: Facts) -> Iterator[Lint]:
    for one in facts.doubles:
        first, second = one.teams
        sentence = (
            f"{one.name} is on call for {first} and {second} at once, from "
            f"{_moment(one.starts_at)} to {_moment(one.ends_at)}."
        )
        yield Lint("rota-double", Grade.WARNING, sentence, _ROTA)


def on_call_without_the_right(facts: Facts) -> Iterator[Lint]:
    for one in facts.unable:
        sentence = f"{one.why}: on call for {one.team}, which has tickets."
        yield Lint("rota-no-work", Grade.ERROR, sentence, _ROTA)


def promises_too_long(facts: Facts) -> Iterator[Lint]:
    """An SLA whose deadline lies where nobody is on call any more, or that no calendar reaches."""
    for promise in facts.promises:
        fix = Fix("SLA", "exceptions:change-sla", (promise.pk,))
        whose = f"{promise.severity} {promise.kind or 'tickets'}"
        what = f"The SLA of {whose} ({spans.words(promise.fix)})"
        for hours in facts.calendars:
            if promise.fix > hours.minutes:
                sentence = f"{what} is longer than {hours.name} works in two years."
                yield Lint("sla-too-long", Grade.ERROR, sentence, fix, step="failure",
                           about=str(promise.pk))  # fmt: skip
        for rota in facts.rotas:
            if rota.is_kept and promise.fix > rota.reach and rota.ends_at:
                sentence = (
                    f"{what} reaches beyond the rota of {rota.name}, which ends "
                    f"{_moment(rota.ends_at)}, {spans.words(rota.reach)} of working time from now."
                )
                yield Lint("sla-beyond-rota", Grade.WARNING, sentence, fix, step="failure",
                           about=str(promise.pk))  # fmt: skip


def graver_is_slower(facts: Facts) -> Iterator[Lint]:
    for kind in sorted({promise.kind for promise in facts.promises}):
        rows = sorted(
            (one for one in facts.promises if one.kind == kind and one.severity in _SEVERITIES),
            key=lambda one: _SEVERITIES.index(one.severity),
        )
        for graver, milder in pairwise(rows):
            if graver.fix > milder.fix or graver.ack > milder.ack:
                sentence = (
                    f"{graver.severity.capitalize()} {kind or 'tickets'} may take longer "
                    f"({spans.words(graver.ack)} / {spans.words(graver.fix)}) than "
                    f"{milder.severity} ones "
                    f"({spans.words(milder.ack)} / {spans.words(milder.fix)})."
                )
                fix = Fix("SLA", "exceptions:change-sla", (graver.pk,))
                yield Lint("contradiction", Grade.WARNING, sentence, fix, step="failure")


# --- Fields --------------------------------------------------------------------------------------
def fields_nobody_maps(facts: Facts) -> Iterator[Lint]:
    """A text names what nothing fills; or a source has never told what the contracts need."""
    for asked in facts.asked:
        for place in sorted(asked.places - facts.behind.keys()):
            sentence = f"{asked.name} of {asked.of} names {{{place}}}, which nothing fills."
            yield _of(asked, "field-unknown", Grade.ERROR, sentence, _CONTRACTS)
    needed = _needed(facts)
    for source in facts.sources:
        if source.events < _ENOUGH_EVENTS:
            continue
        for name, wanted_by in needed.items():
            if not source.told & set(facts.behind[name]):
                sentence = (
                    f"None of the last {source.events} events of {source.name} told "
                    f"{' or '.join(facts.behind[name])}, which {wanted_by.name} after "
                    f"{wanted_by.trigger.label.lower()} names as {{{name}}}."
                )
                fix = _mapping_of(facts.door(source.connection), source)
                yield _of(wanted_by, "field-not-mapped", Grade.WARNING, sentence, fix)
    yield from _fields_it_cannot_tell(facts.door(facts.parts.get("quoting", "")))


def _fields_it_cannot_tell(door: Door | None) -> Iterator[Lint]:
    """What brings proposals must say what each is, over how much, and whose."""
    if door is None or door.tells is None:
        return
    for name in _REQUIRED:
        if name not in door.tells:
            sentence = (
                f"{door.name} brings proposals and says nothing of their {LABELS[name]}: neither "
                "its connector nor its mapping knows where that stands."
            )
            fix = Fix(f"Mapping of {door.name}", "connectors:mapping", (door.slug,))
            yield Lint("field-not-mapped", Grade.WARNING, sentence, fix)


def _mapping_of(door: Door | None, source: Source) -> Fix:
    if door and door.is_mapped:
        return Fix(f"Mapping of {source.name}", "connectors:mapping", (source.connection,))
    return Fix(source.name, "connectors:connection", (source.connection,))


def _needed(facts: Facts) -> dict[str, Asked]:
    """What the contracts' texts name, each with the first outcome that does."""
    needed: dict[str, Asked] = {}
    for asked in facts.asked:
        for place in sorted(asked.places & facts.behind.keys()):
            if facts.behind[place]:
                needed.setdefault(place, asked)
    return needed


# --- Against itself ------------------------------------------------------------------------------
def circles(facts: Facts) -> Iterator[Lint]:
    edges: dict[State, set[State]] = {}
    for asked in facts.asked:
        if to := LEADS_TO.get(asked.kind):
            edges.setdefault(asked.trigger, set()).add(to)
    for state in edges:
        if state in _reached(state, edges):
            sentence = f"What follows from {state.label.lower()} leads to it again."
            yield Lint("cycle", Grade.ERROR, sentence, _CONTRACTS, state, "outcomes")
    for chain in facts.circles:
        names = " → ".join([*chain, chain[0]])
        sentence = f"Out at once, they stand in for each other in a circle: {names}."
        yield Lint("cycle", Grade.WARNING, sentence, Fix("Absences", "absences:absences"))


def _reached(start: State, edges: Mapping[State, set[State]]) -> set[State]:
    found: set[State] = set()
    ahead = list(edges.get(start, ()))
    while ahead:
        state = ahead.pop()
        if state not in found:
            found.add(state)
            ahead.extend(edges.get(state, ()))
    return found


def contradictions(facts: Facts) -> Iterator[Lint]:
    seen: dict[tuple, Asked] = {}
    for asked in facts.asked:
        if asked.wanted and asked.trigger not in asked.wanted:
            sentence = (
                f"{asked.name} of {asked.of} is called off at once: it is not wanted while "
                f"the proposal is {asked.trigger.label.lower()}."
            )
            yield _of(asked, "contradiction", Grade.ERROR, sentence, _CONTRACTS)
        if asked.kind in DEEDS and DEEDS[asked.kind].single:
            continue
        same = (asked.trigger, asked.kind, asked.target, asked.params)
        other = seen.setdefault(same, asked)
        if other is not asked and other.contract != asked.contract:
            sentence = (
                f"{asked.of} and {other.of} both ask for {asked.kind} after "
                f"{asked.trigger.label.lower()}: it happens twice."
            )
            yield _of(asked, "contradiction", Grade.WARNING, sentence, _CONTRACTS)


def asked_for_twice(facts: Facts) -> Iterator[Lint]:
    """What a proposal has once, where two contracts in force could each ask for it."""
    single = [one for one in facts.asked if one.kind in DEEDS and DEEDS[one.kind].single]
    for other, asked in combinations(single, 2):
        if other.contract != asked.contract and _are_twice(other, asked):
            sentence = (
                f"{other.of} asks for {asked.kind} after {other.trigger.label.lower()} and "
                f"{asked.of} after {asked.trigger.label.lower()}: for one proposal it happens "
                "twice."
            )
            yield _of(asked, "asked-twice", Grade.ERROR, sentence, _CONTRACTS)


def _are_twice(one: Asked, other: Asked) -> bool:
    if one.kind != other.kind:
        return False
    twice = terms.happens_twice(DEEDS[one.kind], one.trigger, other.trigger)
    return twice and terms.can_both_hold(one.condition, other.condition)


_LOOKS: list[Callable[[Facts], Iterator[Lint]]] = [
    outcomes_without_a_connection, moves_nobody_may_make,
    moves_whose_source_is_shut, authorities_that_say_nothing,
    owners_who_are_gone,
    contracts_that_name_nobody, gates_with_one_alone, routing_without_an_end,
    routing_by_connections_that_are_gone, contracts_by_connections_that_are_gone, rota_gaps,
    on_call_twice, on_call_without_the_right,
    promises_too_long, graver_is_slower, fields_nobody_maps, circles, contradictions,
    asked_for_twice,
]  # fmt: skip


# --- Underneath ----------------------------------------------------------------------------------
def _of(asked: Asked, code: str, grade: Grade, sentence: str, fix: Fix) -> Lint:
    said = sentence[:1].upper() + sentence[1:]
    return Lint(code, grade, said, fix, asked.trigger, "outcomes", f"{asked.contract}/{asked.name}")


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b, %H:%M %Z}".strip()


def _things(number: int) -> str:
    return "thing" if number == 1 else "things"
