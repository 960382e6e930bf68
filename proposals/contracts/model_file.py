"""Contracts in the operating model file."""

from datetime import datetime
from typing import Any

from meshline.audit.actors import Someone
from meshline.policy.operating_model import ModelError
from meshline.sections import (
    Field,
    Identity,
    Node,
    Section,
    SectionError,
    Values,
    Wrong,
    line_of_text,
    listing,
    mapping,
    maybe,
    minutes,
    one_of,
    text,
)
from proposals.contracts import publishing, terms, versions
from proposals.contracts.catalogue import DEEDS, Form
from proposals.contracts.terms import LONGEST_NAME, Content
from proposals.models import Contract
from proposals.states import State
from proposals.tiers import Retry, Tier

SAYS = "The operating model file says so."


# --- What is here -------------------------------------------------------------------------------
def _here() -> dict[Identity, Values]:
    """The contracts in force; one that was retired is not here."""
    return {(row.slug,): _said_of(row) for row in Contract.objects.live().order_by("slug")}


def _said_of(row: Contract) -> Values:
    return {"slug": row.slug, **versions.terms_of(row).content}


# --- What is made so ----------------------------------------------------------------------------
def _add(values: Values, *, by: Someone, at: datetime) -> None:
    content = {name: value for name, value in values.items() if name != "slug"}
    try:
        publishing.put_in_force(
            slug=values["slug"], content=content, why=SAYS, together=False, by=by, at=at
        )
    except ModelError as error:
        raise SectionError(str(error), _place(error.field, content)) from None


def _change(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    row = Contract.objects.live().get(slug=identity[0])
    _add({**_said_of(row), **values}, by=by, at=at)


def _retire(identity: Identity, *, by: Someone, at: datetime) -> None:
    head = Contract.objects.head(identity[0])
    publishing.retire_at_once(
        slug=identity[0], in_force=head.version if head else 0, reason=SAYS, by=by, at=at
    )


def _place(place: str | None, content: Content) -> str | None:
    """Where that stands in a file: parameters have a mapping of their own there."""
    parts = (place or "").split(".")
    if len(parts) == 3 and parts[0] == "outcomes" and parts[1].isdecimal():
        row = content["outcomes"][int(parts[1])]
        deed = DEEDS.get(row.get("kind", "")) if isinstance(row, dict) else None
        if deed and deed.parameter(parts[2]):
            return ".".join([*parts[:2], "params", parts[2]])
    return place


# --- Reading ------------------------------------------------------------------------------------
def _plain(node: Node) -> Any:
    """A value as JSON has it."""
    if isinstance(node.value, dict):
        return {name: _plain(one) for name, one in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(one) for one in node.value]
    return node.value


def _condition(node: Node) -> Content:
    if node.value is None:
        return {}
    try:
        return terms.condition(_plain(node) if mapping(node) else {})
    except terms.TermsError as error:
        raise Wrong(str(error)) from None


def _outcome(node: Node) -> Content:
    parts = mapping(node)
    row = _plain(node)
    if isinstance(row.get("gate"), dict):
        row["gate"] = _with_minutes(parts["gate"], ["within"])
    if isinstance(row.get("params"), dict):
        deed = DEEDS.get(row["kind"]) if isinstance(row.get("kind"), str) else None
        spans = [one.name for one in deed.parameters if one.form is Form.SPAN] if deed else []
        row["params"] = _with_minutes(parts["params"], spans)
    return terms.tidied(row)


def _with_minutes(node: Node, names: list[str]) -> Content:
    """A mapping whose spans may be written as the screens do, "4 h"."""
    found: Content = _plain(node)
    for name in names:
        if isinstance(found.get(name), str):
            try:
                found[name] = minutes("mh")(node.value[name])
            except Wrong as error:
                raise Wrong(f"{name}: {error}", node.value[name].line) from None
    return found


def _said_once(outcomes: list[Content]) -> None:
    if len(outcomes) > terms.MOST_OUTCOMES:
        raise Wrong(f"At most {terms.MOST_OUTCOMES} outcomes; this has {len(outcomes):,}.")


def _or_none(value: str) -> str | None:
    return value or None


_STATES = one_of(*(state.value for state in State))

CONTRACTS = Section(
    key="contracts",
    noun="contract",
    identity=("slug",),
    fields={
        "slug": Field(text),
        "name": Field(text, check=line_of_text(LONGEST_NAME), needed=True),
        "trigger": Field(_STATES, needed=True),
        "condition": Field(_condition, unsaid={}),
        "outcomes": Field(listing(_outcome), check=_said_once, needed=True),
        "tier": Field(maybe(one_of(*Tier), ""), write=_or_none, unsaid=""),
        "retry": Field(maybe(one_of(*Retry), ""), write=_or_none, unsaid=""),
        "owner": Field(maybe(text, ""), write=_or_none, unsaid=""),
        "ticket": Field(maybe(text, ""), write=_or_none, refers_to="ticket kind", unsaid=""),
        "severity": Field(maybe(text, ""), write=_or_none, refers_to="severity or none", unsaid=""),
    },
    here=_here,
    add=_add,
    change=_change,
    remove=_retire,
)

SECTIONS = [CONTRACTS]
