"""Rules that end nowhere, are never reached, or ask for a connection that is gone."""

from collections.abc import Iterator

from reconciliation.lints.lint import CONTRACTS, ROUTING, Grade, Lint
from reconciliation.model_facts import Facts


def routing_without_an_end(facts: Facts) -> Iterator[Lint]:
    if facts.rules is None:
        return
    if not facts.rules or facts.rules[-1].when is not None:
        sentence = "No routing rule holds always: what none matches has no agreed owner."
        yield Lint("routing-no-default", Grade.ERROR, sentence, ROUTING, step="routing")
    seen: dict[str, str] = {}
    for place, rule in enumerate(facts.rules):
        if rule.when is None and place + 1 < len(facts.rules):
            sentence = f"“{rule.name}” holds always, so no rule below it is ever reached."
            yield Lint("contradiction", Grade.ERROR, sentence, ROUTING, step="routing")
        if first := seen.get(repr(rule.when)):
            sentence = f"“{rule.name}” asks the same as “{first}” above it, and is never reached."
            yield Lint("contradiction", Grade.ERROR, sentence, ROUTING, step="routing")
        elif rule.when is not None:
            seen[repr(rule.when)] = rule.name


def routing_by_connections_that_are_gone(facts: Facts) -> Iterator[Lint]:
    for rule in facts.rules or ():
        for source in rule.strange:
            sentence = f"“{rule.name}” asks for the source “{source}”, which is no connection here."
            yield Lint("source-gone", Grade.WARNING, sentence, ROUTING, step="routing")


def contracts_by_connections_that_are_gone(facts: Facts) -> Iterator[Lint]:
    for name, source in facts.strange:
        sentence = f"“{name}” asks for the source “{source}”, which is no connection here."
        yield Lint("source-gone", Grade.WARNING, sentence, CONTRACTS)
