"""Who answers for which process in the operating model file: the set in force, and planned ones."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from meshline import instant
from meshline.audit.actors import Someone
from meshline.people.model_file import person, team
from meshline.people.permissions import Role
from meshline.policy import operating_model, raci_sets
from meshline.policy.models import RaciAssignment
from meshline.policy.raci_sets import ROLE, Holder
from meshline.sections import (
    Field,
    Identity,
    Node,
    Section,
    Values,
    Wrong,
    line_of_text,
    listing,
    maybe,
    text,
)

LETTERS = [letter.value for letter in RaciAssignment.Letter]
ACCOUNTABLE = RaciAssignment.Letter.ACCOUNTABLE.value
# What an entry that names none of these says.
_NOBODY: Values = {"consulted": [], "informed": []}
HOLDER = "person, team or role"
ROLES = {f"{ROLE}{role.value}" for role in Role}
_NOW = ""
_ONE = "Exactly one is accountable: write the name of one person, team or role."
# No name has these: two names stand in one text.
_SEPARATORS = re.compile(r"[,;]|@.*@")


# --- What is here -------------------------------------------------------------------------------
def _here() -> dict[Identity, Values]:
    """By process the set that counts now, then those that are planned, by their moment."""
    at = instant.now()
    found: dict[Identity, Values] = {}
    for rows in raci_sets.everything(at=at):
        since = rows[0].effective_from
        moment = _written(since) if since > at else _NOW
        found[(rows[0].process, moment)] = _said_of(rows, moment)
    return found


def _said_of(rows: raci_sets.Rows, moment: str) -> Values:
    said: Values = {"process": rows[0].process, "effective_from": moment}
    held = raci_sets.held(rows)
    named = {letter: [_name_of(one) for one in held.get(letter, [])] for letter in LETTERS}
    return {**said, **named, ACCOUNTABLE: next(iter(named[ACCOUNTABLE]), None)}


def _name_of(holder: Holder) -> str:
    name = raci_sets.name_of(holder)
    return name.lower() if "@" in name else name


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}Z"


# --- What is made so ----------------------------------------------------------------------------
def _add(values: Values, *, by: Someone, at: datetime) -> None:
    identity = (values["process"], values["effective_from"])
    _change(identity, {**_NOBODY, **values}, by=by, at=at)


def _change(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    holders = {
        letter: [_holder(name) for name in _listed(values[letter])]
        for letter in LETTERS
        if letter in values
    }
    operating_model.set_raci(
        process=identity[0], holders=holders, effective_from=_moment(identity), may_repeat=True,
        by=by, at=at,
    )  # fmt: skip


def _remove(identity: Identity, *, by: Someone, at: datetime) -> None:
    moment = _moment(identity)
    if moment is None:
        # Only what the file names: a set that is planned is an entry of its own.
        operating_model.remove_raci(process=identity[0], with_planned=False, by=by, at=at)
    else:
        operating_model.cancel_raci(process=identity[0], effective_from=moment, by=by, at=at)


def _moment(identity: Identity) -> datetime | None:
    return datetime.fromisoformat(identity[1]) if identity[1] else None


def _holder(name: str) -> Holder:
    if name in ROLES:
        return Role(name.removeprefix(ROLE))
    found = person(name) if "@" in name else team(name)
    if found is None:
        raise Wrong(f"There is no {HOLDER} {name!r}.")
    return found


def _listed(names: str | list[str] | None) -> list[str]:
    if names is None:
        return []
    return [names] if isinstance(names, str) else names


# --- What is read -------------------------------------------------------------------------------
def _read_name(node: Node) -> str:
    """A person by their e-mail, a team by its slug, a role as "role:manager"."""
    name = text(node).strip()
    return name.lower() if "@" in name else name


def _read_one(node: Node) -> str:
    """A name as above; several are told that they are too many, and not how a text is written."""
    said = node.value
    if isinstance(said, list) or (isinstance(said, str) and _SEPARATORS.search(said)):
        raise Wrong(_ONE)
    return _read_name(node)


def _read_moment(node: Node) -> str:
    """A moment with its offset, to the minute; in UTC from here on."""
    words = text(node)
    try:
        moment = datetime.fromisoformat(words)
        is_whole = moment.tzinfo is not None and not (moment.second or moment.microsecond)
        if is_whole and 1 < moment.year < 9999:
            return _written(moment)
    except ValueError:
        pass
    raise Wrong(
        f"“{words[:60]}” is no moment; write day, whole minute and offset, like "
        "2026-12-07T09:00+01:00 or 2026-12-07T08:00Z."
    )


def _no_name_twice(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise Wrong("Somebody is named twice; once is enough.")


def _in_force(change: Any) -> bool:
    return not change.get("effective_from")


def _repeats(identity: Identity, sets: Mapping[Identity, Values]) -> bool:
    """Whether a set that is planned names whom the one before it names: then nothing begins."""
    process, moment = identity
    earlier = [since for name, since in sets if name == process and since < moment]
    return bool(earlier) and _named(sets[identity]) == _named(sets[process, max(earlier)])


def _named(values: Values) -> Values:
    return {letter: (_NOBODY | values).get(letter) for letter in LETTERS}


_SEVERAL = Field(listing(_read_name), refers_to=HOLDER, check=_no_name_twice, unsaid=[])

RACI = Section(
    key="raci",
    noun="process",
    identity=("process", "effective_from"),
    fields={
        "process": Field(text, check=line_of_text(80)),
        "effective_from": Field(maybe(_read_moment, _NOW), unsaid=_NOW),
        "responsible": Field(
            listing(_read_name), refers_to=HOLDER, check=_no_name_twice, needed=True
        ),
        "accountable": Field(maybe(_read_one), refers_to=HOLDER, needed=True),
        "consulted": _SEVERAL,
        "informed": _SEVERAL,
    },
    here=_here,
    add=_add,
    change=_change,
    remove=_remove,
    first=_in_force,
    repeats=_repeats,
)

SECTIONS = [RACI]
