"""Routing rules: an ordered list, the first whose condition holds decides, the last always holds.

Pure: read from JSON, told in words, decided over facts. A rule is

    {"slug": "large", "name": "Large deals", "when": <a condition of meshline.clauses>,
     "then": <a target of proposals.routing.targets>, "note": "why it is there"}

and the last of the list, the default, has no "when".
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from meshline import clauses, compiled_clauses, sound_conditions
from meshline.clauses import ClauseError, Condition, Field, Fields, Kind, Verdict
from meshline.sentences import NO_TAGS, has_tags
from meshline.sound_conditions import Known
from proposals.history import Naming
from proposals.routing import targets
from proposals.routing.targets import Names, Target, TargetError
from proposals.states import State
from proposals.tiers import Tier

MOST_RULES = 200
LONGEST_NAME, LONGEST_NOTE = 80, 300
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")

# What a condition may ask, by the kind of record.
FIELDS: dict[str, Fields] = {
    "proposal": {
        "source": Field("Source"),
        "tier": Field("Latency tier", choices=dict(Tier.choices())),
        "state": Field("State", choices=dict(State.choices())),
        "title": Field("Title"),
        "amount": Field("Amount", Kind.NUMBER),
        "currency": Field("Currency"),
        "contact_name": Field("Contact's name"),
        "contact_email": Field("Contact's e-mail"),
        "contact_domain": Field("Contact's e-mail domain"),
        "owner_named": Field("Owner named by the source"),
        "owner_known": Field(
            "Owner named is known here", Kind.FLAG,
            so="the owner named is known here", not_so="nobody here is the owner named",
        ),
        "owner_active": Field(
            "Owner named works here", Kind.FLAG,
            so="the owner named works here", not_so="the owner named does not work here",
        ),
        "owner_present": Field(
            "Owner named is present", Kind.FLAG,
            so="the owner named is present", not_so="the owner named is not present",
        ),
        "owner_team": Field("Team of the owner named"),
    }
}  # fmt: skip
# Told as they are only to who sees personal data and amounts.
PRIVATE = {"amount", "contact_name", "contact_email", "contact_domain"}
# Of what was told, what a decision may rest on.
_TOLD = ("title", "amount", "currency", "contact_name", "contact_email", "owner_email")


class RuleError(Exception):
    """A rule set that cannot be: a sentence, which rule (from 1; 0 for all), and which part of it.

    The part is as in "when.2.1" or "then.members.1.weight".
    """

    def __init__(self, sentence: str, rule: int = 0, part: str = "") -> None:
        super().__init__(sentence)
        self.rule, self.part = rule, part


@dataclass(frozen=True)
class Rule:
    slug: str
    name: str
    when: Condition
    then: Target
    note: str = ""

    @property
    def is_default(self) -> bool:
        return holds_always(self.when)

    def words(self, names: Names) -> str:
        when = "Otherwise" if self.is_default else f"When {self.when}"
        return f"{when}, {self.then.words(names)}."

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"slug": self.slug, "name": self.name}
        if self.when != clauses.ALWAYS:
            said["when"] = plain(self.when.as_json())
        said["then"] = self.then.as_json()
        return {**said, "note": self.note} if self.note else said


@dataclass(frozen=True)
class Step:
    """A rule that was asked, and what became of its condition."""

    number: int
    rule: Rule
    verdict: Verdict


@dataclass(frozen=True)
class RuleSet:
    """One version's rules, ready to decide."""

    rules: tuple[Rule, ...]

    def decide(self, facts: Mapping[str, Any]) -> Rule:
        """The first rule whose condition holds; the default at the latest."""
        folded = compiled_clauses.folded(facts)
        return next(rule for rule, holds in self._compiled if holds(folded, facts))

    @cached_property
    def _compiled(self) -> list[tuple[Rule, compiled_clauses.Test]]:
        return [(rule, compiled_clauses.compiled(rule.when)) for rule in self.rules]

    def path(self, facts: Mapping[str, Any]) -> list[Step]:
        """Each rule that was asked, in order, with every clause's verdict; the last one decided."""
        steps = []
        for number, rule in enumerate(self.rules, start=1):
            steps.append(Step(number, rule, rule.when.judge(facts)))
            if steps[-1].verdict.held:
                break
        return steps

    def rule(self, slug: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.slug == slug), None)

    @property
    def people(self) -> set[str]:
        return {email for rule in self.rules for email in rule.then.people}

    def as_json(self) -> list[dict[str, Any]]:
        return [rule.as_json() for rule in self.rules]


# --- Reading --------------------------------------------------------------------------------------
def read(content: Any, *, record_kind: str = "proposal") -> RuleSet:
    """The rules that this JSON says. Raises RuleError with the place and what would be right."""
    if not isinstance(content, list) or not content:
        raise RuleError("There is no rule; the last one, the default, must always be there.")
    if len(content) > MOST_RULES:
        raise RuleError(f"At most {MOST_RULES} rules; join some with “any of”.")
    fields = FIELDS[record_kind]
    found = [read_rule(node, fields, number) for number, node in enumerate(content, start=1)]
    _refuse_twins(found)
    _refuse_unreachable(found)
    return RuleSet(tuple(found))


def write(content: Any, *, known: Known | None = None) -> RuleSet:
    """The rules that somebody writes now: read, with conditions that can say something.

    `known` is what there is for a field to be, such as connections. Raises RuleError.
    """
    read_now = read(content)
    for number, node in enumerate(content, start=1):
        check_condition(node.get("when"), number, known=known)
    return read_now


def check_condition(node: Any, number: int, *, known: Known | None = None) -> None:
    """Refuse a condition that can be read but says nothing. Raises RuleError."""
    if node is None:
        return
    try:
        sound_conditions.read(node, FIELDS["proposal"], known)
    except ClauseError as error:
        raise _in_condition(error, number) from None


def read_rule(node: Any, fields: Fields, number: int) -> Rule:
    if not isinstance(node, dict):
        raise RuleError("A rule has a slug, a name, a condition and whom it gives to.", number)
    if unknown := set(map(str, node)) - {"slug", "name", "when", "then", "note"}:
        raise RuleError(f"A rule has no “{min(unknown)[:40]}”.", number)
    slug = node.get("slug")
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
        raise RuleError("Use 1 to 60 small letters, digits and hyphens.", number, "slug")
    name = _text(node.get("name"), LONGEST_NAME, number, "name")
    note = _text(node["note"], LONGEST_NOTE, number, "note") if node.get("note") else ""
    when, then = _condition(node.get("when"), fields, number), _target(node.get("then"), number)
    return Rule(slug, name, when, then, note)


def _text(value: Any, longest: int, number: int, part: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > longest or not text.isprintable():
        raise RuleError(f"Write 1 to {longest} printable characters.", number, part)
    if has_tags(text):
        raise RuleError(NO_TAGS, number, part)
    return text


def _condition(node: Any, fields: Fields, number: int) -> Condition:
    if node is None:
        return clauses.ALWAYS
    try:
        return clauses.read(node, fields)
    except ClauseError as error:
        raise _in_condition(error, number) from None


def _in_condition(error: ClauseError, number: int) -> RuleError:
    part = f"when.{error.place}" if error.place else "when"
    return RuleError(str(error), number, part)


def _target(node: Any, number: int) -> Target:
    try:
        return targets.read(node)
    except TargetError as error:
        part = f"then.{error.place}" if error.place else "then"
        raise RuleError(str(error), number, part) from None


def _refuse_twins(found: list[Rule]) -> None:
    first: dict[str, int] = {}
    for number, rule in enumerate(found, start=1):
        if rule.slug in first:
            sentence = f"Rule {first[rule.slug]} is called “{rule.slug}” already."
            raise RuleError(sentence, number, "slug")
        first[rule.slug] = number


def _refuse_unreachable(found: list[Rule]) -> None:
    """The default, and nothing else, holds always; no rule asks what an earlier one asked."""
    asked: dict[str, int] = {}
    for number, rule in enumerate(found[:-1], start=1):
        if holds_always(rule.when):
            raise RuleError(
                "It holds always, so that no rule after it is ever reached; only the last one, "
                "the default, does.", number, "when",
            )  # fmt: skip
        same = asked.setdefault(json.dumps(plain(rule.when.as_json()), sort_keys=True), number)
        if same != number:
            raise RuleError(
                f"Rule {same} asks exactly this, so that this one is never reached.", number, "when"
            )
    if not holds_always(found[-1].when):
        raise RuleError(
            "The last rule is the default and has no condition: what nothing else takes must go "
            "somewhere.", len(found), "when",
        )  # fmt: skip


def holds_always(condition: Condition) -> bool:
    """Whether it cannot but hold, as far as its form tells."""
    if isinstance(condition, clauses.Together):
        every = all if condition.word == "all" else any
        return every(holds_always(part) for part in condition.parts)
    if isinstance(condition, clauses.Not):
        return _holds_never(condition.part)
    return isinstance(condition, clauses.Cel) and condition.source == "true"


def _holds_never(condition: Condition) -> bool:
    if isinstance(condition, clauses.Together):
        every = any if condition.word == "all" else all
        return every(_holds_never(part) for part in condition.parts)
    if isinstance(condition, clauses.Not):
        return holds_always(condition.part)
    return isinstance(condition, clauses.Cel) and condition.source == "false"


def plain(node: Any) -> Any:
    """A condition's JSON in its one form: numbers as text, several values as a list."""
    if isinstance(node, dict):
        many = node.get("op") in ("is_one_of", "is_none_of") and isinstance(node.get("value"), str)
        value = [part.strip() for part in node["value"].split(",")] if many else None
        return {name: value if many and name == "value" else plain(x) for name, x in node.items()}
    if isinstance(node, list):
        return [plain(part) for part in node]
    return str(node) if isinstance(node, int) and not isinstance(node, bool) else node


# --- Facts ----------------------------------------------------------------------------------------
def told(naming: Naming, *, source: str) -> dict[str, Any]:
    """What the story tells a rule of a proposal; what is known of people comes beside it."""
    fields = naming.fields
    amount, email = fields.get("amount"), fields.get("contact_email") or ""
    return {
        "source": source,
        "tier": naming.tier,
        "state": naming.state.value,
        "title": fields.get("title") or "",
        "amount": Decimal(amount) if amount else None,
        "currency": fields.get("currency", "") if amount else "",
        "contact_name": fields.get("contact_name") or "",
        "contact_email": email,
        "contact_domain": email.rpartition("@")[2],
        "owner_named": naming.owner,
    }


def basis(naming: Naming) -> str:
    """What a decision rests on, in short: as long as it is the same, nothing is decided anew."""
    known = [naming.state, naming.tier, *(naming.fields.get(name, "") for name in _TOLD)]
    return hashlib.sha256(json.dumps(known, default=str).encode()).hexdigest()[:32]


def as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they are kept."""
    return {k: str(v) if isinstance(v, Decimal) else v for k, v in facts.items()}


def from_json(kept: Mapping[str, Any], *, record_kind: str = "proposal") -> dict[str, Any]:
    """Facts as they were seen."""
    numbers = {n for n, one in FIELDS[record_kind].items() if one.kind is Kind.NUMBER}
    return {k: Decimal(v) if k in numbers and v else v for k, v in kept.items()}


# --- Two versions ---------------------------------------------------------------------------------
def difference(old: RuleSet, new: RuleSet, names: Names) -> dict[str, dict[str, str]]:
    """What changed, rule by rule, as {"before": …, "after": …}; what stayed is left out.

    A rule that only stands elsewhere says where; those that it pushed along say nothing.
    """
    before = {rule.slug: rule for rule in old.rules}
    after = {rule.slug: rule for rule in new.rules}
    moved = _moved([slug for slug in before if slug in after], [s for s in after if s in before])
    told: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    for slug in [*after, *(slug for slug in before if slug not in after)]:
        is_moved = slug in moved
        for side, rules in (("before", before), ("after", after)):
            if slug in rules and (before.get(slug) != after.get(slug) or is_moved):
                title = _title(slug, before, after)
                told[side][title] = _said(rules, slug, names, title, is_moved)
    return told


def _title(slug: str, before: Mapping[str, Rule], after: Mapping[str, Rule]) -> str:
    rule = after.get(slug) or before[slug]
    twins = [one for one in {**before, **after}.values() if one.name == rule.name]
    return rule.name if len(twins) == 1 else f"{rule.name} ({slug})"


def _said(rules: Mapping[str, Rule], slug: str, names: Names, title: str, is_moved: bool) -> str:
    rule = rules[slug]
    called = "" if title.startswith(rule.name) else f"“{rule.name}”. "
    place = f"Place {list(rules).index(slug) + 1}. " if is_moved else ""
    note = f" ({rule.note})" if rule.note else ""
    return f"{called}{place}{rule.words(names)}{note}"


def _moved(old: list[str], new: list[str]) -> set[str]:
    """Those that stand elsewhere among the ones that are in both."""
    stay: set[str] = set()
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        stay |= set(old[block.a : block.a + block.size])
    return set(old) - stay


def slug_for(name: str, taken: Iterable[str]) -> str:
    """A slug for a rule of this name that none of the others has."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "rule"
    numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, MOST_RULES + 2))
    return next(slug for slug in numbered if slug not in set(taken))
