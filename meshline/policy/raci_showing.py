"""Owners as their pages show them: who is named and how they stand, set by set, and who it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy import called, raci, raci_sets
from meshline.policy.models import SINCE_EVER, RaciAssignment
from meshline.policy.processes import PROCESSES, Process, connection_of, is_asked_for, known
from meshline.policy.raci_sets import Holder, Rows

LETTERS = ["accountable", "responsible", "consulted", "informed"]
# Of the sets that counted before, so many are shown.
EARLIER = 10
ASKED_FOR = "Meshline asks for this process; name other owners instead."
_WORD = re.compile(r"[^\s,;]+")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class Named:
    """A holder, and how they stand: "", "out" or "inactive"."""

    name: str
    kind: str
    state: str = ""


@dataclass(frozen=True)
class Set:
    """Who is named from `since` (None: from the beginning) until the next one."""

    letters: list[tuple[str, list[Named]]]
    since: datetime | None = None
    until: datetime | None = None

    @property
    def at(self) -> str:
        """Its beginning as an address names it."""
        return self.since.isoformat() if self.since else ""


def in_words(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a form showed of a process's owners, with people, teams and roles by their names."""
    labels = dict(User.objects.values_list("email", "name"))
    labels |= dict(Team.objects.values_list("slug", "name"))
    labels |= {raci_sets.name_of(role): raci_sets.label_of(role) for role in Role}

    def told(value: Any) -> Any:
        if isinstance(value, list):
            return [labels.get(name, name) for name in value]
        return _WORD.sub(lambda word: labels.get(word[0], word[0]), value)

    return {name: told(value) for name, value in said.items() if name != "process"}


class Here:
    """Who is active and present at one moment: asked once for a page."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        people = User.objects.present(at).values_list("pk", "role")
        self._present = {pk for pk, _ in people}
        self._roles = {role for _, role in people}

    def named(self, holder: Holder) -> Named:
        label = raci_sets.label_of(holder)
        if isinstance(holder, Team):
            return Named(label, "team")
        if isinstance(holder, Role):
            return Named(label, "role", "" if holder in self._roles else "out")
        if holder.pk in self._present:
            return Named(label, "person")
        return Named(label, "person", "out" if holder.is_active else "inactive")

    def set_of(self, rows: Rows, until: datetime | None = None) -> Set:
        held = raci_sets.held(rows)
        letters = [(one, list(map(self.named, held.get(one, [])))) for one in LETTERS]
        since = rows[0].effective_from if rows else SINCE_EVER
        ended = rows[0].ended_at if rows else None
        ends = [one for one in (until, ended) if one]
        return Set(letters, None if since == SINCE_EVER else since, min(ends, default=None))


def processes(at: datetime) -> list[dict[str, Any]]:
    """The known ones in their order, then whatever else has owners, as of that moment."""
    here = Here(at)
    now: dict[str, Rows] = {name: [] for name in PROCESSES}
    later: dict[str, list[Set]] = {}
    for rows in raci_sets.everything(at=at):
        if rows[0].effective_from <= at:
            now[rows[0].process] = rows
        else:
            later.setdefault(rows[0].process, []).append(here.set_of(rows))
    names, answers = dict.fromkeys([*now, *later]), raci.Answers(at=at, named=now)
    connections = called.names()
    return [
        _process(
            known(name, connections), here.set_of(now.get(name, [])), later.get(name, []), answers
        )
        for name in names
    ]


def _process(about: Process, now: Set, later: list[Set], answers: raci.Answers) -> dict[str, Any]:
    name = about.name
    return {
        "about": about,
        "connection": connection_of(name),
        "is_known": is_asked_for(name),
        "now": now,
        "planned": later,
        "accountable": answers.accountable_for(name),
        "responsible": answers.responsible_for(name),
    }


def is_one(name: str) -> bool:
    """Whether this is a process: one that is asked for, or that has or had owners."""
    # PostgreSQL cannot even be asked for a name with a NUL in it.
    if "\0" in name:
        return False
    is_asked_for = name in PROCESSES or bool(_SLUG.fullmatch(connection_of(name)))
    return is_asked_for or RaciAssignment.objects.of(name).exists()


def planned(process: str, *, at: datetime) -> list[Set]:
    """The sets that begin later, the next one first."""
    here = Here(at)
    return [here.set_of(rows) for rows in raci_sets.planned(process, after=at)]


def earlier(process: str, *, at: datetime) -> list[Set]:
    """The sets that counted before and do not now, the latest one first."""
    here, begun = Here(at), raci_sets.begun(process, by=at)
    ends = [None, *(rows[0].effective_from for rows in begun)]
    found = [here.set_of(rows, until) for rows, until in zip(begun, ends, strict=False)]
    return [one for one in found if one.until and one.until <= at][:EARLIER]
