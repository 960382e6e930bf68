"""Circles, contradictions, and what would happen twice."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from proposals.contracts import terms
from proposals.contracts.catalogue import DEEDS
from proposals.states import State
from reconciliation.lints.lint import CONTRACTS, Fix, Grade, Lint, of_outcome
from reconciliation.model_facts import Asked, Facts

# What an outcome makes of a proposal, once the other side has done it and says so.
LEADS_TO = {"invoice.create": State.INVOICED}


def circles(facts: Facts) -> Iterator[Lint]:
    edges: dict[State, set[State]] = {}
    for asked in facts.asked:
        if to := LEADS_TO.get(asked.kind):
            edges.setdefault(asked.trigger, set()).add(to)
    for state in edges:
        if state in _reached(state, edges):
            sentence = f"What follows from {state.label.lower()} leads to it again."
            yield Lint("cycle", Grade.ERROR, sentence, CONTRACTS, state, "outcomes")
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
            yield of_outcome(asked, "contradiction", Grade.ERROR, sentence, CONTRACTS)
        if asked.kind in DEEDS and DEEDS[asked.kind].single:
            continue
        same = (asked.trigger, asked.kind, asked.target, asked.params)
        other = seen.setdefault(same, asked)
        if other is not asked and other.contract != asked.contract:
            sentence = (
                f"{asked.of} and {other.of} both ask for {asked.kind} after "
                f"{asked.trigger.label.lower()}: it happens twice."
            )
            yield of_outcome(asked, "contradiction", Grade.WARNING, sentence, CONTRACTS)


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
            yield of_outcome(asked, "asked-twice", Grade.ERROR, sentence, CONTRACTS)


def _are_twice(one: Asked, other: Asked) -> bool:
    if one.kind != other.kind:
        return False
    twice = terms.happens_twice(DEEDS[one.kind], one.trigger, other.trigger)
    return twice and terms.can_both_hold(one.condition, other.condition)
