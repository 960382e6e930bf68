"""Outcomes that no connection carries now, or ever."""

from collections.abc import Iterator

from proposals.contracts import sentences
from reconciliation.lints.lint import CONNECTIONS, Fix, Grade, Lint, of_outcome
from reconciliation.model_facts import Asked, Door, Facts


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
        yield of_outcome(asked, "outcome-not-asked", Grade.NOTE, sentence, CONNECTIONS)
    else:
        sentence = f"{what} has no connection: {nobody}."
        yield of_outcome(asked, "outcome-no-connection", Grade.ERROR, sentence, CONNECTIONS)


def _door_trouble(asked: Asked, what: str, slug: str, door: Door | None) -> Lint | None:
    if door is None:
        sentence = f"{what} goes to {slug}, and there is no such connection any more."
        return of_outcome(asked, "outcome-no-connection", Grade.ERROR, sentence, CONNECTIONS)
    fix = Fix(door.name, "connectors:connection", (slug,))
    if asked.kind not in door.carries:
        sentence = f"{what} goes to {door.name}, which cannot carry that."
        return of_outcome(asked, "outcome-not-carried", Grade.ERROR, sentence, fix)
    if door.status == "disabled":
        sentence = f"{what} goes to {door.name}, which is disabled."
        return of_outcome(asked, "outcome-no-connection", Grade.ERROR, sentence, fix)
    if not door.has_credential:
        sentence = f"{what} goes to {door.name}, which has no credential yet."
        return of_outcome(asked, "outcome-no-connection", Grade.ERROR, sentence, fix)
    if door.status == "paused":
        sentence = f"{what} waits: {door.name} is paused. {door.why}".strip()
        return of_outcome(asked, "outcome-waits", Grade.WARNING, sentence, fix)
    if not door.answers:
        sentence = f"{what} waits: {door.name} does not answer."
        return of_outcome(asked, "outcome-waits", Grade.WARNING, sentence, fix)
    return None
