"""Sets of owners: which there are of a process, in words, and how one is written down.

The verbs that agree on them, with their rights and their trail, are in operating_model.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy.models import SINCE_EVER, RaciAssignment

Holder = User | Team | Role
Holders = dict[str, list[Holder]]
Rows = Sequence[RaciAssignment]

# Whoever plans further ahead has mistyped the year.
FARTHEST = timedelta(days=2 * 366)
ROLE = "role:"


def in_force(process: str, *, at: datetime) -> list[RaciAssignment]:
    """The set that counts at that moment; empty when nobody is named."""
    return list(_with_holders(RaciAssignment.objects.of(process).in_force(at)))


def planned(process: str, *, after: datetime) -> list[list[RaciAssignment]]:
    """The sets that begin later, the next one first."""
    return _sets(RaciAssignment.objects.of(process).planned(after=after))


def begun(process: str, *, by: datetime) -> list[list[RaciAssignment]]:
    """Every set that began by that moment, the latest one first."""
    rows = RaciAssignment.objects.of(process).filter(effective_from__lte=by)
    return _sets(rows)[::-1]


def beginning(process: str, moment: datetime) -> list[RaciAssignment]:
    """The set that begins at exactly that moment."""
    rows = RaciAssignment.objects.of(process).filter(effective_from=moment)
    return list(_with_holders(rows))


def everything(*, at: datetime) -> list[list[RaciAssignment]]:
    """Of every process the set in force and then the planned ones, in two questions."""
    rows = RaciAssignment.objects.all()
    found = [*_sets(rows.in_force(at)), *_sets(rows.planned(after=at))]
    return sorted(found, key=lambda rows: (rows[0].process, rows[0].effective_from))


def write(process: str, moment: datetime, holders: Holders) -> list[RaciAssignment]:
    """Write a set down in place of the one, if any, that begins at the same moment."""
    RaciAssignment.objects.of(process).filter(effective_from=moment).delete()
    RaciAssignment.objects.bulk_create(
        _row(process, moment, letter, one)
        for letter in RaciAssignment.Letter.values
        for one in holders.get(letter, [])
    )
    return beginning(process, moment)


def held(rows: Rows) -> Holders:
    """Who is named, by letter."""
    found: Holders = {}
    for row in rows:
        found.setdefault(row.letter, []).append(row.holder)
    return found


# --- In words ------------------------------------------------------------------------------------
def name_of(holder: Holder) -> str:
    """A person's e-mail, a team's slug, or "role:manager"."""
    if isinstance(holder, Role):
        return f"{ROLE}{holder.value}"
    return holder.slug if isinstance(holder, Team) else holder.email


def label_of(holder: Holder) -> str:
    """As people read it: a name, a team, "any RevOps manager"."""
    return f"any {holder.label}" if isinstance(holder, Role) else holder.name


def facts(rows: Rows) -> dict[str, Any]:
    """A set as the trail has it: names by letter, and from when on if that was said."""
    if not rows:
        return {}
    since = rows[0].effective_from
    said: dict[str, Any] = {} if since == SINCE_EVER else {"from": since}
    named = {letter: [name_of(one) for one in some] for letter, some in held(rows).items()}
    return {"process": rows[0].process, **named, **said}


def seen(process: str, *, at: datetime) -> dict[str, Any]:
    """All that a form shows of a process's owners, the planned ones too: plain text by name."""
    now = {name: said for name, said in facts(in_force(process, at=at)).items() if name != "from"}
    later = {f"from {_moment(rows)}": _line(rows) for rows in planned(process, after=at)}
    return now | later


def _line(rows: Rows) -> str:
    return "; ".join(
        f"{letter} {', '.join(map(name_of, some))}" for letter, some in held(rows).items()
    )


def _moment(rows: Rows) -> str:
    return f"{rows[0].effective_from.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# --- Rows ----------------------------------------------------------------------------------------
def _sets(rows: Any) -> list[list[RaciAssignment]]:
    ordered = _with_holders(rows.order_by("effective_from", "process", "pk"))
    grouped = groupby(ordered, lambda row: (row.effective_from, row.process))
    return [list(some) for _, some in grouped]


def _with_holders(rows: Any) -> Iterable[RaciAssignment]:
    return rows.select_related("user", "team__lead")


def _row(process: str, moment: datetime, letter: str, holder: Holder) -> RaciAssignment:
    if isinstance(holder, Role):
        who: dict[str, Any] = {"role": holder.value}
    else:
        who = {"team": holder} if isinstance(holder, Team) else {"user": holder}
    return RaciAssignment(process=process, effective_from=moment, letter=letter, **who)
