"""Owners as their pages show them: who is named and how they stand, set by set, and who it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy import raci, raci_sets
from meshline.policy.models import SINCE_EVER
from meshline.policy.processes import PROCESSES, connection_of, is_asked_for, known
from meshline.policy.raci_sets import Holder, Rows

LETTERS = ["accountable", "responsible", "consulted", "informed"]
# Of the sets that counted before, so many are shown.
EARLIER = 10


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
    names = dict.fromkeys([*now, *later])
    return [
        _process(name, here.set_of(now.get(name, [])), later.get(name, []), at) for name in names
    ]


def _process(name: str, now: Set, later: list[Set], at: datetime) -> dict[str, Any]:
    return {
        "about": known(name),
        "connection": connection_of(name),
        "is_known": is_asked_for(name),
        "now": now,
        "planned": later,
        "accountable": raci.accountable_for(name, at=at),
        "responsible": raci.responsible_for(name, at=at),
    }


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
