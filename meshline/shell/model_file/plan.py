"""What the file would make different, and making it so.

A plan is rehearsed: the differences are made by the very verbs that apply them, and taken back. So
a plan refuses what an apply would refuse, and shows exactly what it would do.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction

from connectors.connections import SettingError, Stale
from connectors.model_file import CONNECTIONS
from connectors.registry import UnknownSystem
from exceptions import deadlines, working_hours
from exceptions.deadlines import Reach
from exceptions.working_hours import HoursByTeam
from meshline.audit.actors import Someone
from meshline.people.people import PersonError
from meshline.people.permissions import NotAllowed
from meshline.people.teams import TeamError
from meshline.policy.model_file import CALENDARS, SLAS, SOURCES_OF_TRUTH
from meshline.policy.models import SourceOfTruth
from meshline.policy.operating_model import ModelError
from meshline.policy.truth import How, Truth
from meshline.sections import Field, Identity, Section, SectionError, Values, Wrong
from meshline.shell.model_file import entries, leaving, parts, reading
from meshline.shell.model_file.entries import Entry
from meshline.shell.model_file.refused import Problem, Refused
from meshline.vault import VaultError
from proposals import authority, whose_word
from proposals.authority import RECORD
from proposals.contracts import publishing
from proposals.contracts.model_file import CONTRACTS

# How a floor says no: a sentence, and maybe the field.
REFUSALS = (
    SectionError, SettingError, PersonError, TeamError, ModelError, Wrong,
    NotAllowed, Stale, UnknownSystem, VaultError,
)  # fmt: skip
# Why a deadline moved names so many calendars.
NAMED_MOST = 5
# One file at a time; any number will do that nobody else takes.
_LOCK = 0x6D6F64656C


class Mark(StrEnum):
    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"


@dataclass(frozen=True)
class Difference:
    """One entry that is not here as the file says: per field, before and after."""

    mark: Mark
    entry: Entry
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    # All that is here of it; nothing of a new one.
    here: Values = field(default_factory=dict)

    @property
    def section(self) -> Section:
        return self.entry.section

    @property
    def values(self) -> Values:
        return {name: after for name, (_, after) in self.changes.items()}


@dataclass
class Plan:
    """The differences in the order of the file's keys, and what is worth knowing beside them."""

    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Rehearsed(Exception):
    """Takes a rehearsal back."""


def plan(data: bytes, *, by: Someone, at: datetime) -> Plan:
    """What applying this file would do. Changes nothing. Raises Refused."""
    found = Plan()
    try:
        with transaction.atomic():
            found = apply(data, by=by, at=at)
            raise _Rehearsed
    except _Rehearsed:
        return found


@transaction.atomic
def apply(data: bytes, *, by: Someone, at: datetime) -> Plan:
    """Make what is here as the file says: all of it, or nothing. Raises Refused."""
    root = reading.read(data)
    _one_at_a_time()
    found = find(root)
    if any(_of(key, found.differences) for key in (CONNECTIONS.key, SOURCES_OF_TRUTH.key)):
        # Before any row is locked, as in the browser: else one waits for the other in a ring.
        authority.alone()
    calendars, reach = _of(CALENDARS.key, found.differences), deadlines.Reach(at=at)
    hours = working_hours.now() if calendars else {}
    for difference, act in _steps(found.differences):
        _make(difference.entry, partial(act, by=by, at=at))
        if difference.section is SLAS:
            _make(difference.entry, partial(_follow_sla, difference.entry, reach, by=by, at=at))
        if difference.section is SOURCES_OF_TRUTH:
            _make(difference.entry, partial(_follow_word, difference.entry, by=by, at=at))
    if calendars:
        names = [difference.entry.identity[0] for difference in calendars]
        _make(calendars[0].entry, partial(_follow_hours, hours, names, by=by, at=at))
    for difference in _of(CONTRACTS.key, found.differences):
        _make(difference.entry, partial(publishing.check_standing, difference.entry.identity[0]))
    found.notes += leaving.notes((one.entry for one in found.differences), at=at)
    return found


def _follow_sla(entry: Entry, reach: Reach, *, by: Someone, at: datetime) -> None:
    """Open tickets follow their SLA, also when a file changes it."""
    severity, kind = entry.identity
    deadlines.follow(kind=kind, severity=severity, reach=reach, by=by, at=at)


def _follow_hours(before: HoursByTeam, names: list[str], *, by: Someone, at: datetime) -> None:
    """And their working hours: once, as they are when all of these calendars are made."""
    more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
    why = f"The working hours changed: {', '.join(names[:NAMED_MOST])}{more}."
    working_hours.follow(before, why=why, cause="", by=by, at=at)


def _follow_word(entry: Entry, *, by: Someone, at: datetime) -> None:
    """Proposals follow whose word counts."""
    record, name = entry.identity
    row = SourceOfTruth.objects.filter(record_kind=record, field=name).first()
    if row and record == RECORD:
        whose_word.check(name, Truth(How(row.how), row.connection))
    if record == RECORD:
        whose_word.follow(name=name, by=by, at=at)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


# --- Finding ------------------------------------------------------------------------------------
def find(root: Any) -> Plan:
    """The differences between the file and what is here. Raises Refused with every problem."""
    problems: list[Problem] = []
    said = entries.read(root, problems)
    here = {key: parts.BY_KEY[key].here() for key in parts.MAKING}
    found = Plan()
    for key in parts.KEYS:
        if key in said:
            _compare_section(said[key], here[key], found, problems)
    _check_names(found, said, _names(said, here), problems)
    if problems:
        raise Refused(problems)
    return found


def _compare_section(
    said: list[Entry], here: dict[Identity, Values], found: Plan, problems: list[Problem]
) -> None:
    will = _will_be(said, here)
    for entry in said:
        is_new = entry.identity not in here and not entry.remove
        if not (is_new and entry.section.repeats(entry.identity, will)):
            _compare(entry, here.get(entry.identity), found, problems)


def _will_be(said: list[Entry], here: dict[Identity, Values]) -> dict[Identity, Values]:
    """A section's entries as they are once the file is applied."""
    changed = {entry.identity: here.get(entry.identity, {}) | entry.given for entry in said}
    gone = {entry.identity for entry in said if entry.remove}
    return {name: values for name, values in (here | changed).items() if name not in gone}


def _compare(entry: Entry, current: Values | None, found: Plan, problems: list[Problem]) -> None:
    section = entry.section
    if current is None:
        if entry.remove:
            found.notes.append(f"{entry.title} is not here; there is nothing to remove.")
            return
        problems += _missing(entry)
    difference = _difference(entry, current)
    hidden = section.compare_hidden(entry.identity, entry.given)
    difference.changes.update(hidden.changes)
    found.notes += [f"{entry.title}: {note}" for note in hidden.notes]
    problems += _unfit(difference)
    if difference.changes or difference.mark is not Mark.CHANGED:
        found.differences.append(difference)


def _difference(entry: Entry, current: Values | None) -> Difference:
    said = {name: value for name, value in entry.given.items() if not _is_hidden(entry, name)}
    if current is None:
        return Difference(Mark.ADDED, entry, {name: (None, now) for name, now in said.items()})
    removed = entry.section.removed
    if entry.remove and not removed:
        return Difference(Mark.REMOVED, entry, here=current)
    if entry.remove:
        said |= removed
    changes = {name: (current[name], now) for name, now in said.items() if current[name] != now}
    goes = entry.remove and any(name in changes for name in removed)
    return Difference(Mark.REMOVED if goes else Mark.CHANGED, entry, changes, current)


def _is_hidden(entry: Entry, name: str) -> bool:
    return entry.section.fields[name].hidden


def _missing(entry: Entry) -> Iterator[Problem]:
    for name, one in entry.section.fields.items():
        if one.needed and name not in entry.nodes:
            article = "an" if name[0] in "aeiou" else "a"
            yield Problem(entry.line, f"A new {entry.section.noun} needs {article} {name}.")


def _unfit(difference: Difference) -> Iterator[Problem]:
    for name, one, after in _changed_fields(difference):
        try:
            one.check(after)
        except Wrong as error:
            yield Problem(difference.entry.line_of(name), f"{name}: {error}")


def _changed_fields(difference: Difference) -> Iterator[tuple[str, Field, Any]]:
    for name, after in difference.values.items():
        one = difference.section.fields[name]
        if not one.hidden:
            yield name, one, after


# --- Names --------------------------------------------------------------------------------------
def _names(said: dict[str, list[Entry]], here: dict[str, dict]) -> dict[str, set[str]]:
    """What may be referred to once the file is applied, by kind of name."""
    names = parts.known()
    for kind, keys in parts.NAMED_BY.items():
        names[kind] = set(parts.ALSO.get(kind, ()))
        for key in keys:
            names[kind] |= {identity[0] for identity in here[key]}
            names[kind] |= {entry.identity[0] for entry in said.get(key, [])}
            names[kind] -= {entry.identity[0] for entry in said.get(key, []) if entry.remove}
    return names


def _check_names(
    found: Plan, said: dict[str, list[Entry]], names: dict[str, set[str]], problems: list[Problem]
) -> None:
    for difference in found.differences:
        for name, one, after in _changed_fields(difference):
            if not one.refers_to:
                continue
            for line, word in _words_in(difference.entry, name, after):
                if word in names[one.refers_to]:
                    continue
                if gone := _removed(one.refers_to, word, said):
                    sentence = (
                        f"{name}: This file removes the {gone.title} on line {gone.line}; keep it, "
                        "or name another one."
                    )
                    problems.append(Problem(line, sentence))
                else:
                    problems.append(_no_such(line, one.refers_to, word, names, name))


def _removed(kind: str, word: str, said: dict[str, list[Entry]]) -> Entry | None:
    found = (entry for key in parts.NAMED_BY.get(kind, ()) for entry in said.get(key, []))
    return next((entry for entry in found if entry.remove and entry.identity[0] == word), None)


def _no_such(line: int, kind: str, word: str, names: dict[str, set[str]], at: str) -> Problem:
    known: Collection[str] = names[kind]
    if kind not in parts.NAMED_BY:
        known = sorted(one for one in known if one)
    return entries.no_such(line, kind, word, known, at=at)


def _words_in(entry: Entry, name: str, after: Any) -> Iterator[tuple[int, str]]:
    """Each name in a value, with its line."""
    if isinstance(after, list):
        lines = [node.line for node in entry.nodes[name].value]
        yield from zip(lines, after, strict=True)
    elif after is not None:
        yield entry.line_of(name), after


# --- Making -------------------------------------------------------------------------------------
Act = Callable[..., None]


def _steps(differences: list[Difference]) -> Iterator[tuple[Difference, Act]]:
    """In an order in which each difference finds what it points at; what goes, goes last."""
    ordered = [difference for key in parts.MAKING for difference in _of(key, differences)]
    yield from _letting_go(ordered)
    for difference in ordered:
        if act := _early(difference):
            yield difference, act
    for difference in ordered:
        late = _only(difference, difference.section.late)
        if late:
            yield difference, partial(difference.section.change, difference.entry.identity, late)
    for difference in reversed(ordered):
        if difference.mark is Mark.REMOVED and difference.section.remove:
            yield difference, partial(difference.section.remove, difference.entry.identity)


def _letting_go(differences: list[Difference]) -> Iterator[tuple[Difference, Act]]:
    """What one entry at a time may have, and another one is to have: so two can exchange it."""
    wanted = {(one.section.key, one.values.get(one.section.handed_on)) for one in differences}
    for one in differences:
        name = one.section.handed_on
        held = one.here.get(name)
        loses_it = name in one.changes or one.mark is Mark.REMOVED
        if held is not None and loses_it and (one.section.key, held) in wanted:
            yield one, partial(one.section.change, one.entry.identity, {name: None})


def _of(key: str, differences: list[Difference]) -> list[Difference]:
    mine = [difference for difference in differences if difference.section.key == key]
    return sorted(mine, key=lambda difference: not difference.section.first(difference.values))


def _early(difference: Difference) -> Act | None:
    section, entry = difference.section, difference.entry
    later = section.late | (section.removed.keys() if entry.remove else set())
    values = _only(difference, section.fields.keys() - later)
    if difference.mark is Mark.ADDED and section.add:
        return partial(section.add, values)
    return partial(section.change, entry.identity, values) if values else None


def _only(difference: Difference, names: Any) -> Values:
    """What changes of these fields; of a hidden one, what the file says and not what is shown."""
    given = difference.entry.given
    return {
        name: given.get(name, after) for name, after in difference.values.items() if name in names
    }


def _make(entry: Entry, act: Callable[[], None]) -> None:
    try:
        act()
    except REFUSALS as error:
        line = entry.line_of(getattr(error, "field", None))
        raise Refused([Problem(line, f"{entry.title}: {error}")]) from error
    except IntegrityError as error:
        sentence = f"{entry.title}: somebody else changed this at the same moment; try again."
        raise Refused([Problem(entry.line, sentence)]) from error
