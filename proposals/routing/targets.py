"""Whom a routing rule gives a record to: read from JSON and told in words. Pure.

In JSON it is one of

    {"to": "named"}                        the owner the source names
    {"to": "person", "person": "ines@example.com"}
    {"to": "pool", "members": [{"person": "ines@example.com", "weight": 2}, …], "most_open": 20}
    {"to": "team", "team": "sales"}        who is on call, else its lead, else who is there longest
    {"to": "queue", "process": "proposal-state"}   its Responsible, with a ticket to choose an owner
    {"to": "fallback"}                     the company's fallback owner

People are named by their e-mail and teams by their slug, as in the operating model file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_MEMBERS = 50
HEAVIEST = 100
MOST_OPEN = 10_000
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class TargetError(Exception):
    """A target that cannot be, in a sentence, and which part of it: "members.2.weight"."""

    def __init__(self, sentence: str, place: str = "") -> None:
        super().__init__(sentence)
        self.place = place


@dataclass(frozen=True)
class Names:
    """What people, teams and processes are called; whoever is not here goes by their own id."""

    people: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """The common part: which people, teams and processes it names."""

    @property
    def people(self) -> tuple[str, ...]:
        return ()

    def as_json(self) -> dict[str, Any]:
        return {"to": WORDS[type(self)]}

    def words(self, names: Names) -> str:
        """As in "give it to …"."""
        raise NotImplementedError


@dataclass(frozen=True)
class Named(Target):
    def words(self, names: Names) -> str:
        return "give it to the owner its source names"


@dataclass(frozen=True)
class Fallback(Target):
    def words(self, names: Names) -> str:
        return "give it to the fallback owner"


@dataclass(frozen=True)
class Person(Target):
    person: str

    @property
    def people(self) -> tuple[str, ...]:
        return (self.person,)

    def as_json(self) -> dict[str, Any]:
        return {"to": "person", "person": self.person}

    def words(self, names: Names) -> str:
        return f"give it to {names.people.get(self.person, self.person)}"


@dataclass(frozen=True)
class Member:
    person: str
    weight: int = 1


@dataclass(frozen=True)
class Pool(Target):
    """Its members in turn, the heavier ones oftener; nobody beyond `most_open` open records."""

    members: tuple[Member, ...]
    most_open: int | None = None

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(member.person for member in self.members)

    def as_json(self) -> dict[str, Any]:
        members = [{"person": one.person, "weight": one.weight} for one in self.members]
        said: dict[str, Any] = {"to": "pool", "members": members}
        return said if self.most_open is None else {**said, "most_open": self.most_open}

    def words(self, names: Names) -> str:
        even = len({member.weight for member in self.members}) == 1
        turns = [_member(one, names, even=even) for one in self.members]
        limit = f", each up to {self.most_open} open" if self.most_open else ""
        return f"give it to the next in turn of {_and(turns)}{limit}"


@dataclass(frozen=True)
class InTeam(Target):
    team: str

    def as_json(self) -> dict[str, Any]:
        return {"to": "team", "team": self.team}

    def words(self, names: Names) -> str:
        return f"give it to who is on call in {names.teams.get(self.team, self.team)}, or its lead"


@dataclass(frozen=True)
class Queue(Target):
    process: str

    def as_json(self) -> dict[str, Any]:
        return {"to": "queue", "process": self.process}

    def words(self, names: Names) -> str:
        name = names.processes.get(self.process, self.process)
        return f"put it before who is responsible for {name}, with a ticket to choose its owner"


WORDS: dict[type[Target], str] = {
    Named: "named", Person: "person", Pool: "pool", InTeam: "team", Queue: "queue",
    Fallback: "fallback",
}  # fmt: skip
# What each kind needs beside its name, and may say.
_PARTS = {
    "named": ((), ()), "fallback": ((), ()), "person": (("person",), ()),
    "pool": (("members",), ("most_open",)), "team": (("team",), ()), "queue": (("process",), ()),
}  # fmt: skip


def read(node: Any) -> Target:
    """The target this JSON says. Raises TargetError with the place and what would be right."""
    kinds = ", ".join(_PARTS)
    if not isinstance(node, dict):
        raise TargetError(f"Say whom it goes to: {kinds}.")
    kind = node.get("to")
    if not isinstance(kind, str) or kind not in _PARTS:
        raise TargetError(f"A rule gives to one of {kinds}.", "to")
    needed, more = _PARTS[kind]
    for name in node:
        if name not in ("to", *needed, *more):
            raise TargetError(f"A rule to “{kind}” has no “{str(name)[:40]}”.", "to")
    return _read_kind(kind, node)


def _read_kind(kind: str, node: dict[str, Any]) -> Target:
    if kind == "named":
        return Named()
    if kind == "person":
        return Person(_email(node.get("person"), "person"))
    if kind == "pool":
        return _pool(node)
    if kind == "team":
        return InTeam(_slug(node.get("team"), "team", "a team"))
    if kind == "queue":
        return Queue(_slug(node.get("process"), "process", "a process"))
    return Fallback()


def _pool(node: dict[str, Any]) -> Pool:
    given = node.get("members")
    if not isinstance(given, list) or not given:
        raise TargetError("A pool has at least one member; add somebody.", "members")
    if len(given) > MOST_MEMBERS:
        raise TargetError(f"At most {MOST_MEMBERS} members in a pool.", "members")
    members = tuple(_read_member(one, place) for place, one in enumerate(given, start=1))
    seen: set[str] = set()
    for place, member in enumerate(members, start=1):
        if member.person in seen:
            raise TargetError(
                f"{member.person} is in the pool twice; use a weight.", f"members.{place}.person"
            )
        seen.add(member.person)
    return Pool(members, _limit(node.get("most_open")))


def _read_member(node: Any, place: int) -> Member:
    here = f"members.{place}"
    if not isinstance(node, dict) or not set(node) <= {"person", "weight"}:
        raise TargetError("A member is a person and a weight.", here)
    weight = node.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= HEAVIEST:
        raise TargetError(f"A weight is a whole number from 1 to {HEAVIEST}.", f"{here}.weight")
    return Member(_email(node.get("person"), f"{here}.person"), weight)


def _limit(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_OPEN:
        raise TargetError(
            f"The limit is a whole number from 1 to {MOST_OPEN:,}, or nothing for none.",
            "most_open",
        )
    return value


def _email(value: Any, place: str) -> str:
    email = value.strip().lower() if isinstance(value, str) else ""
    if not email or len(email) > 254 or "@" not in email or not email.isprintable():
        raise TargetError("Choose a person, by their e-mail.", place)
    return email


def _slug(value: Any, place: str, what: str) -> str:
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise TargetError(f"Choose {what}.", place)
    return value


def _member(member: Member, names: Names, *, even: bool) -> str:
    name = names.people.get(member.person, member.person)
    return name if even else f"{name} ({member.weight})"


def _and(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
