"""Who may say that a proposal moved, and whose word counts for a field."""

from collections.abc import Iterator

from proposals.fields import LABELS
from proposals.states import AUTHORITY, State
from reconciliation.lints.lint import CONNECTIONS, MODEL, Fix, Grade, Lint
from reconciliation.model_facts import Door, Facts


def moves_nobody_may_make(facts: Facts) -> Iterator[Lint]:
    for state in State:
        part = AUTHORITY[state]
        named = facts.authorities.get(part, "")
        billing = facts.parts.get("billing", "")
        if named and facts.door(named) is None:
            sentence = f"Only {named} may say {state.label.lower()}, and it is no connection here."
            yield Lint("authority-unknown", Grade.ERROR, sentence, MODEL, state, "source")
        elif part == "billing" and not named and not billing:
            sentence = f"Nothing is connected that may say {state.label.lower()}."
            yield Lint("authority-missing", Grade.ERROR, sentence, CONNECTIONS, state, "source")
        elif part == "quoting" and not named and not facts.sources and not facts.parts.get(part):
            sentence = f"No quoting tool is connected that could say {state.label.lower()}."
            yield Lint("authority-missing", Grade.ERROR, sentence, CONNECTIONS, state, "source")


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
