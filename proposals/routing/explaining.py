"""Why a record went where it went: the rules that were asked, each clause, and what was seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meshline import clauses, masking
from meshline.clauses import Condition, Verdict
from proposals.models import Proposal, RoutingDecision
from proposals.routing import rulebook, rules
from proposals.routing.rules import FIELDS, PRIVATE, RuleSet
from proposals.routing.targets import Names


@dataclass(frozen=True)
class Line:
    """One clause with its verdict; a group comes before its parts, which are a step deeper."""

    sentence: str
    held: bool
    seen: str
    depth: int
    is_group: bool = False


@dataclass(frozen=True)
class Asked:
    """A rule that was asked: the last one of a path decided, the others did not hold."""

    number: int
    slug: str
    name: str
    sentence: str
    is_default: bool
    lines: list[Line]


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True)
class Routed:
    """The last decision about a record, by the version that made it."""

    decision: RoutingDecision
    version: int
    is_in_force: bool
    decided: Asked
    others: list[Asked]
    facts: list[Fact]
    why: str


def path(
    rule_set: RuleSet, facts: Mapping[str, Any], names: Names, *, masked: bool = False
) -> list[Asked]:
    """Every rule these facts were put to, in order; the last one decides."""
    return [
        Asked(
            number=step.number,
            slug=step.rule.slug,
            name=step.rule.name,
            sentence=_words(step.rule.words(names), masked),
            is_default=step.rule.is_default,
            lines=list(_lines(step.rule.when, step.verdict, masked)),
        )
        for step in rule_set.path(facts)
    ]


def seen(facts: Mapping[str, Any], *, masked: bool = False) -> list[Fact]:
    """What was known, field by field."""
    return [
        Fact(about.label, _value(name, facts.get(name), masked))
        for name, about in FIELDS["proposal"].items()
    ]


def why(proposal: Proposal, *, masked: bool) -> Routed | None:
    """Why this proposal went to its owner; None where no rule was ever asked."""
    made = RoutingDecision.objects.filter(record=proposal.record)
    last = made.select_related("owner", "meant_for").order_by("-pk").first()
    if last is None:
        return None
    by, facts = rulebook.version(last.rules_id), rules.from_json(last.facts)
    asked = path(by.rules, facts, rulebook.names(by.rules), masked=masked)
    return Routed(
        decision=last,
        version=by.number,
        is_in_force=by.pk == rulebook.in_force().pk,
        decided=asked[-1],
        others=asked[:-1],
        facts=seen(facts, masked=masked),
        why=_words(last.why, masked),
    )


def _lines(condition: Condition, verdict: Verdict, masked: bool, depth: int = 0) -> Iterator[Line]:
    """The clauses of a condition; what joins the outermost is said by the rule's sentence."""
    parts = _parts(condition)
    is_outermost = depth == 0 and isinstance(condition, clauses.Together)
    if not parts:
        if not is_outermost:
            sentence, value = _words(verdict.sentence, masked), _seen_by(condition, verdict, masked)
            yield Line(sentence, verdict.held, value, depth)
        return
    if not is_outermost:
        yield Line(_heading(condition), verdict.held, "", depth, is_group=True)
    for part, judged in zip(parts, verdict.parts, strict=True):
        yield from _lines(part, judged, masked, depth + (not is_outermost))


def _parts(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, clauses.Together):
        return condition.parts
    return (condition.part,) if isinstance(condition, clauses.Not) else ()


def _heading(condition: Condition) -> str:
    if isinstance(condition, clauses.Not):
        return "Not"
    is_all = isinstance(condition, clauses.Together) and condition.word == "all"
    return "All of" if is_all else "Any of"


def _seen_by(condition: Condition, verdict: Verdict, masked: bool) -> str:
    """The value a clause saw, as far as this reader may see it."""
    if isinstance(condition, clauses.Clause):
        asked = {condition.field}
    else:
        asked = set(condition.names) if isinstance(condition, clauses.Cel) else set()
    return masking.MASK if masked and asked & PRIVATE else _words(verdict.seen, masked)


def _value(name: str, value: Any, masked: bool) -> str:
    shown = clauses.shown(value, FIELDS["proposal"][name])
    if masked and value and name in PRIVATE:
        return masking.MASK
    return _words(shown, masked)


def _words(text: str, masked: bool) -> str:
    return masking.words(text) if masked else text
