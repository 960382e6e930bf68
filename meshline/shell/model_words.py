"""The operating model in words, for the page that shows the whole of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions.kinds import KINDS, Severity
from meshline.policy import calendars, called, raci_sets, roles, spans
from meshline.policy.models import BusinessCalendar, Company, Sla
from meshline.policy.processes import known
from proposals import truth_words
from proposals.contracts.sentences import PARTS
from proposals.models import Contract

_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_ORDER = {severity.value: place for place, severity in enumerate(Severity)}
_LETTERS = ("accountable", "responsible", "consulted", "informed")


@dataclass(frozen=True)
class Process:
    """Who answers for one process, by letter."""

    name: str
    accountable: str
    responsible: str
    consulted: str
    informed: str
    # When another set of owners takes over.
    next_change: datetime | None


def everything(*, at: datetime) -> dict[str, Any]:
    """What we agreed, each part as the page shows it."""
    return {
        "company": Company.objects.select_related("fallback_owner").get(id=1),
        "processes": _processes(at),
        "slas": _slas(),
        "calendars": _calendars(at),
        "sources": truth_words.table(),
        "parts": _parts(),
        "contracts": Contract.objects.live().count(),
    }


def windows(given: Iterable[tuple[int, str, str]]) -> list[str]:
    """Windows as people say them: "Mon–Fri 09:00–17:00", days with equal hours together."""
    by_day: dict[int, list[str]] = defaultdict(list)
    for day, opens, closes in sorted(given):
        by_day[day].append(f"{opens}–{closes}")
    runs: list[tuple[list[int], str]] = []
    for day, open_hours in sorted(by_day.items()):
        hours = " and ".join(open_hours)
        if runs and runs[-1][1] == hours and runs[-1][0][-1] == day - 1:
            runs[-1][0].append(day)
        else:
            runs.append(([day], hours))
    return [f"{_run(days)} {hours}" for days, hours in runs]


def _run(days: list[int]) -> str:
    first, last = _DAYS[days[0]], _DAYS[days[-1]]
    return first if len(days) == 1 else f"{first}–{last}"


def _processes(at: datetime) -> list[Process]:
    named: dict[str, raci_sets.Holders] = {}
    planned: dict[str, datetime] = {}
    for rows in raci_sets.everything(at=at):
        process, since = rows[0].process, rows[0].effective_from
        if since <= at:
            named[process] = raci_sets.held(rows)
        else:
            planned.setdefault(process, since)
    names = called.names()
    return [_process(known(n, names).label, by, planned.get(n)) for n, by in named.items()]


def _process(label: str, by: raci_sets.Holders, next_change: datetime | None) -> Process:
    said = {letter: ", ".join(map(raci_sets.label_of, by.get(letter, []))) for letter in _LETTERS}
    return Process(label, **said, next_change=next_change)


def _slas() -> list[dict[str, str]]:
    rows = sorted(Sla.objects.all(), key=lambda row: (row.kind, _ORDER.get(row.severity, 9)))
    return [
        {
            "kind": KINDS[row.kind].label if row.kind in KINDS else row.kind,
            "severity": row.severity,
            "ack": spans.words(row.ack_within),
            "fix": spans.words(row.fix_within),
        }
        for row in rows
    ]


def _calendars(at: datetime) -> list[dict[str, Any]]:
    rows = BusinessCalendar.objects.select_related("team").prefetch_related("holidays")
    return [
        {
            "calendar": row,
            "windows": windows((day, opens, closes) for day, opens, closes in row.windows),
            "holidays": calendars.next_days_off(row, at.date()),
        }
        for row in rows.order_by("-is_default", "name")
    ]


def _parts() -> list[dict[str, str]]:
    """Each part that contracts speak of, and which connection plays it."""
    played = {role: slug for role, slug in roles.connections().items() if role != roles.MESHLINE}
    names = roles.names()
    return [
        {
            "part": PARTS.get(role, role),
            "connection": played.get(role, ""),
            "name": names.get(role, ""),
        }
        for role in dict.fromkeys([*PARTS, *played])
    ]
