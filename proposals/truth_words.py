"""The one table of whose word counts, in words: who moves a proposal, and whose value wins."""

from collections.abc import Mapping
from dataclasses import dataclass

from meshline.policy import called
from meshline.policy.called import Called
from meshline.policy.models import SourceOfTruth
from meshline.policy.tolerance import EXACT
from meshline.policy.truth import PEOPLE, How, Truth
from proposals import authority
from proposals.authority import Authorities
from proposals.fields import GROUPS, LABELS
from proposals.whose_word import Preview

ITS_ORIGIN = "the connection that brought the proposal"
_BY_DEFAULT = {
    "quoting": ITS_ORIGIN,
    "billing": "the billing tool",
    "close": "people: a RevOps operator or manager",
}
_MOVES = {"quoting": "Quoting", "billing": "Billing", "close": "Closing"}


@dataclass(frozen=True)
class Row:
    """A move or a field, who is its authority, and how that wins."""

    record: str
    name: str
    label: str
    # The states a move leads to; nothing for a field.
    states: str
    how: str
    authority: str
    is_default: bool
    # What reconciliation lets pass as equal, in words; nothing where it must be exactly equal.
    passes: str = ""

    @property
    def is_field(self) -> bool:
        return not self.states


def table() -> list[Row]:
    """Every move and field of a proposal, as agreed or as it is by itself."""
    authorities = authority.load()
    moves = [_move(part, authorities) for part in authority.moves()]
    rows = SourceOfTruth.objects.filter(record_kind=authority.RECORD)
    passes = {row.field: str(row.tolerance) for row in rows if row.tolerance != EXACT}
    fields = (_field(name, authorities, passes.get(name, "")) for name in GROUPS)
    return [*moves, *fields]


def row(name: str) -> Row | None:
    """One line of it; None where there is no such move or field."""
    return next((one for one in table() if one.name == name), None)


def who(connection: str, name: str, names: Called | None = None) -> str:
    """An authority in words; without a connection, what counts by itself."""
    if connection == PEOPLE:
        return _BY_DEFAULT["close"]
    if not connection:
        return _BY_DEFAULT.get(name, ITS_ORIGIN)
    return (called.names() if names is None else names)[connection]


def _move(part: str, authorities: Authorities) -> Row:
    named = authorities.configured.get(part, "")
    return Row(
        record="Proposal", name=part, label=_MOVES.get(part, part.capitalize()),
        states=authority.states_of(part), how=How.ALWAYS.label,
        authority=who(named, part, authorities.called), is_default=not named,
    )  # fmt: skip


def _field(name: str, authorities: Authorities, passes: str) -> Row:
    agreed = authorities.agreed.get(name, Truth())
    label = LABELS[name]
    said = who(agreed.connection, name, authorities.called) if agreed.how.has_authority else ""
    return Row(
        record="Proposal", name=name, label=label[:1].upper() + label[1:], states="",
        how=agreed.how.label, authority=said, is_default=name not in authorities.agreed,
        passes=passes,
    )  # fmt: skip


def would(name: str, agreed: Truth, found: Preview) -> str:
    """What agreeing on this would do, as a sentence."""
    if name not in GROUPS:
        states = authority.states_of(name)
        may = f"From then on {states} is for {who(agreed.connection, name)} to say"
        return f"{may}; what was refused before stays refused."
    if not found.open and not found.over:
        return f"No proposal was told its {LABELS[name]} by several systems; none would change."
    return f"{_wins(name, agreed, found)} {_for_how_many(found)}: {_so_many(found)}."


def silence(name: str, agreed: Truth, found: Preview) -> str:
    """A warning where the authority has never told the field; empty where it has."""
    if not found.is_silent:
        return ""
    return (
        f"{called.names()[agreed.connection]} has not told the {LABELS[name]} of any proposal so "
        "far. Until it does, the most recent word of the others counts."
    )


def agreed_now(name: str, changed: int) -> str:
    """What was agreed, once it is."""
    if name not in GROUPS:
        line = row(name)
        return f"{line.label} is agreed: {line.authority}." if line else ""
    said = f"Of the {LABELS[name]} counts {authority.load().counts(name)}."
    if not changed:
        return f"{said} No proposal had to change."
    return f"{said} {changed} proposal{'' if changed == 1 else 's'} changed."


def as_agreed(name: str, said: Mapping[str, str]) -> dict[str, str]:
    """What was agreed on one of them, field by field; with nothing agreed, how it is by itself."""
    by_itself = How.RECENT if name in GROUPS else How.ALWAYS
    how = How(said["how"]) if said.get("how") in set(How) else by_itself
    whose = {"Authority": who(said.get("connection", ""), name)} if how.has_authority else {}
    near = {"Passes as equal": said["tolerance"]} if said.get("tolerance") else {}
    return {"Which value counts": how.label, **whose, **near}


def _wins(name: str, agreed: Truth, found: Preview) -> str:
    label = LABELS[name]
    if agreed.how is How.ASK:
        return f"A person is asked where the {label} differs,"
    if agreed.how is How.RECENT:
        return f"The most recent {label} counts"
    names = called.names()
    whose = f"{names[agreed.connection] or 'The origin'}'s {label}"
    others = [f"{names[one]}'s" for one in sorted(found.others)] or ["others'"]
    return f"{whose} wins over {' and '.join(others)}"


def _for_how_many(found: Preview) -> str:
    counted = [(found.open, "open"), (found.over, "closed")]
    kinds = " and ".join(f"{n} {kind}" for n, kind in counted if n)
    return f"for {kinds} proposal{'' if found.open + found.over == 1 else 's'}"


def _so_many(found: Preview) -> str:
    said = f"{found.changes or 'none'} would change"
    if not found.asked:
        return said
    return f"{said}, {found.asked} would wait for a decision with a ticket each"
