"""Owners, gates and teams with nobody behind them who could work."""

from collections.abc import Iterator

from meshline.sentences import inside
from proposals.contracts import gates
from reconciliation.lints.lint import COMPANY, CONTRACTS, ROUTING, Fix, Grade, Lint, of_outcome
from reconciliation.model_facts import Facts


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
        yield Lint("owner-gone", Grade.WARNING, "No fallback owner is named.", COMPANY)
    elif not facts.fallback_is_active:
        sentence = f"{facts.fallback} is the fallback owner, but is no longer active."
        yield Lint("owner-gone", Grade.ERROR, sentence, COMPANY)
    elif facts.fallback_no_work:
        sentence = f"{facts.fallback_no_work}: named as the fallback owner."
        yield Lint("owner-no-work", Grade.ERROR, sentence, COMPANY)
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
                yield Lint("owner-gone", Grade.ERROR, sentence, ROUTING, step="routing")
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
            yield of_outcome(asked, "gate-gone", Grade.ERROR, sentence, CONTRACTS)
    answering = {asked.contract: asked for asked in facts.asked if asked.owner}
    for slug, asked in answering.items():
        if refusal := gates.refusal_of_owner(asked.owner, facts.known):
            sentence = f"Somebody is to answer when {asked.of} fails. {refusal}"
            yield Lint("owner-gone", Grade.ERROR, sentence, CONTRACTS, asked.trigger, "failure",
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
            yield of_outcome(asked, "gate-one", Grade.NOTE, sentence, CONTRACTS)


def _things(number: int) -> str:
    return "thing" if number == 1 else "things"
