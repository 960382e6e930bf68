"""The routing rules in the operating model file: the whole ordered list of one kind of record."""

from datetime import datetime
from typing import Any

from meshline.audit.actors import Someone
from meshline.sections import Field, Identity, Node, Section, SectionError, Values, Wrong, text
from proposals.models import RoutingRules
from proposals.routing import rulebook, rules
from proposals.routing.rulebook import RulesError
from proposals.routing.rules import RuleError
from proposals.routing.targets import Names


def _here() -> dict[Identity, Values]:
    return {
        (row.record_kind,): {"record": row.record_kind, "rules": row.content}
        for row in RoutingRules.objects.filter(is_live=True).order_by("record_kind")
    }


def _read(node: Node) -> list[dict[str, Any]]:
    """The list in its one form, with each rule checked as far as it goes by itself."""
    try:
        return rules.write(_data(node)).as_json()
    except RuleError as error:
        sentence = f"rule {error.rule}: {error}" if error.rule else str(error)
        raise Wrong(sentence, _line(node, error.rule, error.part)) from None


def _data(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: _data(part) for name, part in node.value.items()}
    return [_data(part) for part in node.value] if isinstance(node.value, list) else node.value


def _line(node: Node, rule: int, part: str) -> int:
    """The line nearest to what is wrong: of the rule, and as far into it as the place leads."""
    if not rule or not isinstance(node.value, list) or rule > len(node.value):
        return node.line
    here = node.value[rule - 1]
    for step in filter(None, part.split(".")):
        below = _below(here, step)
        if below is None:
            break
        here = below
    return here.line


def _below(node: Node, step: str) -> Node | None:
    """A part by its name or its number; a condition's groups are lists under their word."""
    value = node.value
    if isinstance(value, dict) and step.isdigit():
        inner = next((value[word] for word in ("all", "any", "not") if word in value), None)
        return _below(inner, step) if inner else None
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdigit() and 0 < int(step) <= len(value):
        return value[int(step) - 1]
    return None


def _change(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    try:
        rulebook.set_rules(values["rules"], by=by, at=at)
    except RulesError as error:
        name = f"rule {error.rule}, “{values['rules'][error.rule - 1]['slug']}”: "
        raise SectionError(f"{name if error.rule else ''}{error}", "rules") from None


def _told(before: Any, after: Any) -> str:
    """Which rules come and go, as sentences."""
    new = rules.read(after)
    if before is None:
        return f"{len(new.rules)} rules"
    told = rules.difference(rules.read(before), new, Names())
    gone = [f"- {name}: {said}" for name, said in told["before"].items()]
    return " ".join([*gone, *(f"+ {name}: {said}" for name, said in told["after"].items())])


ROUTING_RULES = Section(
    key="routing_rules",
    noun="rule set",
    identity=("record",),
    fields={
        "record": Field(text, refers_to="kind of record"),
        "rules": Field(_read, needed=True, told=_told),
    },
    here=_here,
    change=_change,
)

SECTIONS = [ROUTING_RULES]
