"""Rules: deciding one event against 200 of them, beside writing one."""

import time
import uuid

from meshline import instant
from proposals.history import Naming
from proposals.routing import assigning, rules
from proposals.routing.roster import Roster
from proposals.routing.rules import RuleSet
from proposals.routing.turns import Book
from proposals.states import State
from tests.bench.report import Ratio, medians
from tests.bench.rig import Rig
from tests.factories import digest_all, document, post_pandadoc

RULES, DECIDED, WRITTEN = 200, 2000, 400
# Of so many rules one is an expression.
EXPRESSION_EVERY = 10


def run(bed: Rig) -> list[Ratio]:
    """An event that only the last of 200 rules takes ÷ digesting one, in one process."""
    return medians(_run)


def _run() -> list[Ratio]:
    decided, written = _decided(_many()), _written()
    name = "rules: deciding against 200 ÷ writing it"
    return [Ratio(name, decided * 1000, written * 1000, "ms", at_most=0.2)]


def _decided(rule_set: RuleSet) -> float:
    """Seconds an event: its facts, every rule's condition, whose it is."""
    roster, book = Roster(at=instant.now()), Book(rule_set)
    fields = {
        "title": "Website relaunch", "amount": "1234.50", "currency": "EUR",
        "contact_name": "Nina Brook", "contact_email": "nina@customer.example.com",
        "owner_email": "remy@example.com",
    }  # fmt: skip
    naming = Naming(State.SENT, "minutes", fields)
    started = time.perf_counter()
    for _ in range(DECIDED):
        facts = assigning.facts_of(naming, source="pandadoc", roster=roster)
        made = assigning.decide(rule_set, facts, roster=roster, book=book)
    took = (time.perf_counter() - started) / DECIDED
    assert made.rule is not None
    assert made.rule.slug == "default"
    return took


def _written() -> float:
    """Seconds an event: translated, told, its outcomes promised and its trail written, a hundred at
    a time as a worker does."""
    for _ in range(WRITTEN // 100):
        run = uuid.uuid4().hex[:8]
        post_pandadoc([document("sent", id=f"{run}-{n}") for n in range(100)], event_id=run)
    started = time.perf_counter()
    assert digest_all() == WRITTEN
    return (time.perf_counter() - started) / WRITTEN


def _many() -> RuleSet:
    """Rules as companies write them: a few clauses each, some in groups, some as expressions."""
    content = [_rule(number) for number in range(RULES - 1)]
    return rules.read([*content, {"slug": "default", "name": "x", "then": {"to": "named"}}])


def _rule(number: int) -> dict:
    large = {"field": "amount", "op": "at_least", "value": str(1000 + number)}
    theirs = {"field": "contact_domain", "op": "is", "value": f"buyer-{number}.example.com"}
    named = {"field": "title", "op": "contains", "value": f"project {number}"}
    when: dict = {"all": [large, {"any": [theirs, named]}]}
    if number % EXPRESSION_EVERY == 0:
        when = {"all": [large, {"cel": f"source == 'system-{number}' && amount > {number}.0"}]}
    return {"slug": f"rule-{number}", "name": f"Rule {number}", "when": when,
            "then": {"to": "person", "person": "remy@example.com"}}  # fmt: skip
