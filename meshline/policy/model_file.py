"""Company, calendars, sources of truth and SLAs in the operating model file."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from meshline.audit.actors import Someone
from meshline.people.model_file import check_zone, person, team
from meshline.policy import (
    high_value,
    operating_model,
    public_holidays,
    sources_of_truth,
    span_fields,
    tolerance,
)
from meshline.policy.models import (
    BusinessCalendar,
    Company,
    Sla,
    SourceOfTruth,
)
from meshline.policy.operating_model import Calendar, ModelError
from meshline.policy.truth import How
from meshline.policy.windows import DAYS, WindowError, check
from meshline.sections import (
    Field,
    Identity,
    Node,
    Section,
    Values,
    Wrong,
    flag,
    line_of_text,
    listing,
    lowered,
    mapping,
    maybe,
    one_of,
    text,
)

_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


# --- The company --------------------------------------------------------------------------------
def _company_here() -> dict[Identity, Values]:
    company = Company.objects.select_related("fallback_owner").get()
    return {(): _said_of_company(company)}


def _said_of_company(company: Company) -> Values:
    owner = company.fallback_owner
    return {
        "name": company.name,
        "zone": company.zone,
        "fallback_owner": owner.email.lower() if owner else None,
        "high_value": dict(company.high_value),
        "reconciles_at": f"{company.reconciles_at:%H:%M}",
    }


def _change_company(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    company = Company.objects.select_for_update(of=("self",)).get()
    wanted = {**_said_of_company(company), **values}
    operating_model.set_company(
        name=wanted["name"], zone=wanted["zone"],
        fallback_owner=person(wanted["fallback_owner"]),
        reconciles_at=time.fromisoformat(wanted["reconciles_at"]), by=by, at=at,
    )  # fmt: skip
    if "high_value" in values:
        high_value.set_thresholds(values["high_value"], by=by, at=at)


def _read_high_value(node: Node) -> dict[str, str]:
    """Amounts by currency, in its minor units."""
    given = {} if node.value is None else mapping(node)
    try:
        return high_value.check({name: str(one.value) for name, one in given.items()})
    except ModelError as error:
        line = given[error.field].line if error.field in given else node.line
        raise Wrong(str(error), line) from None


def _read_hour(node: Node) -> str:
    said = text(node)
    if not _HOUR.fullmatch(said):
        raise Wrong(f"“{said}” is no time of the day; write 06:00, in quotes.")
    return said


COMPANY = Section(
    key="company",
    noun="company",
    identity=(),
    fields={
        "name": Field(text, check=line_of_text(120)),
        "zone": Field(text, check=check_zone),
        "fallback_owner": Field(maybe(lowered), refers_to="person"),
        "high_value": Field(_read_high_value, unsaid={}),
        "reconciles_at": Field(_read_hour, unsaid="06:00"),
    },
    here=_company_here,
    change=_change_company,
)

# --- Calendars ----------------------------------------------------------------------------------
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Weekday, opens, closes; as the calendar's row keeps it.
Windows = list[list]


def _read_hours(node: Node) -> Windows:
    windows: Windows = []
    for name, value in mapping(node).items():
        if name not in DAYS:
            raise Wrong(f"“{name}” is no weekday; write {', '.join(DAYS)}.", value.line)
        spans = [] if value.value is None else listing(text)(value)
        windows += [[DAYS.index(name), *_opening(one, value.line)] for one in spans]
    return sorted(windows)


def _opening(words: str, line: int) -> list[str]:
    opens, dash, closes = words.partition("-")
    if not dash:
        raise Wrong(f"“{words}” is no span of the day; write 09:00-17:00.", line)
    return [opens.strip(), closes.strip()]


def _write_hours(windows: Windows) -> dict[str, list[str]]:
    hours: dict[str, list[str]] = {}
    for weekday, opens, closes in windows:
        hours.setdefault(DAYS[weekday], []).append(f"{opens}-{closes}")
    return hours


def _check_hours(windows: Windows) -> None:
    if not windows:
        raise Wrong("A calendar needs at least one working window.")
    try:
        check(tuple(window) for window in windows)
    except WindowError as error:
        raise Wrong(str(error)) from None


def _read_holidays(node: Node) -> dict[str, str]:
    if node.value is None:
        return {}
    days = {}
    for day, name in mapping(node).items():
        _check_day(day, name.line)
        if not isinstance(name.value, str):
            raise Wrong(f"Write the name of the holiday beside {day}.", name.line)
        days[day] = name.value
    return dict(sorted(days.items()))


def _check_day(day: str, line: int) -> None:
    try:
        if _DAY.fullmatch(day) and date.fromisoformat(day):
            return
    except ValueError:
        pass
    raise Wrong(f"“{day}” is no day; write one like 2026-12-25.", line)


def _check_holidays(days: dict[str, str]) -> None:
    for name in days.values():
        line_of_text(120)(name)


def _check_country(code: str | None) -> None:
    if code is not None and not public_holidays.is_known(code):
        raise Wrong(f"No public holidays are known of a country “{code}”; write one like DE.")


def _check_region(code: str | None) -> None:
    if code is not None:
        line_of_text(40)(code)


def _calendars_here() -> dict[Identity, Values]:
    rows = BusinessCalendar.objects.select_related("team").prefetch_related("holidays")
    return {(row.slug,): _said_of_calendar(row) for row in rows.order_by("slug")}


def _said_of_calendar(row: BusinessCalendar) -> Values:
    return {
        "slug": row.slug,
        "name": row.name,
        "zone": row.zone,
        "team": row.team.slug if row.team else None,
        "default": row.is_default,
        "country": row.country or None,
        "region": row.region or None,
        "hours": sorted(row.windows),
        "holidays": dict(sorted((day.day.isoformat(), day.name) for day in row.holidays.all())),
    }


def _add_calendar(values: Values, *, by: Someone, at: datetime) -> None:
    words = {
        "name": values["slug"].capitalize(), "team": None, "default": False, "holidays": {},
        "country": None, "region": None,
    }  # fmt: skip
    _set_calendar({**words, **values}, by=by, at=at)


def _change_calendar(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    # The lock that the verb takes first, so that what is read here is what it changes.
    Company.objects.select_for_update(of=("self",)).get()
    row = BusinessCalendar.objects.get(slug=identity[0])
    _set_calendar({**_said_of_calendar(row), **values}, by=by, at=at)


def _set_calendar(values: Values, *, by: Someone, at: datetime) -> None:
    calendar = Calendar(
        slug=values["slug"], name=values["name"], zone=values["zone"],
        windows=[tuple(window) for window in values["hours"]], team=team(values["team"]),
        is_default=values["default"], country=values["country"] or "",
        region=values["region"] or "",
        holidays={date.fromisoformat(day): name for day, name in values["holidays"].items()},
    )  # fmt: skip
    operating_model.set_calendar(calendar, by=by, at=at)


def _remove_calendar(identity: Identity, *, by: Someone, at: datetime) -> None:
    operating_model.remove_calendar(slug=identity[0], by=by, at=at)


def _becomes_the_default(values: Mapping[str, Any]) -> bool:
    return values.get("default") is True


CALENDARS = Section(
    key="calendars",
    noun="calendar",
    identity=("slug",),
    fields={
        "slug": Field(text, check=line_of_text(60)),
        "name": Field(text, check=line_of_text(120)),
        "zone": Field(text, check=check_zone, needed=True),
        "team": Field(maybe(text), refers_to="team"),
        "default": Field(flag),
        "country": Field(maybe(text), check=_check_country, unsaid=None),
        "region": Field(maybe(text), check=_check_region, unsaid=None),
        "hours": Field(_read_hours, write=_write_hours, check=_check_hours, needed=True),
        "holidays": Field(_read_holidays, check=_check_holidays),
    },
    here=_calendars_here,
    add=_add_calendar,
    change=_change_calendar,
    remove=_remove_calendar,
    first=_becomes_the_default,
    only_one="default",
    handed_on="team",
)


# --- Sources of truth ---------------------------------------------------------------------------
def _authorities_here() -> dict[Identity, Values]:
    rows = SourceOfTruth.objects.order_by("record_kind", "field")
    return {(row.record_kind, row.field): _said_of_authority(row) for row in rows}


def _said_of_authority(row: SourceOfTruth) -> Values:
    return {
        "record": row.record_kind, "field": row.field, "how": row.how,
        "connection": row.connection or None, "tolerance": row.tolerance.written,
    }  # fmt: skip


def _read_tolerance(node: Node) -> str:
    """Such as "exact", "case_and_spaces", "3 days", "5 percent"."""
    found = tolerance.read(text(node))
    if found is None:
        raise Wrong("This is no tolerance; write exact, case_and_spaces, 3 days or 5 percent.")
    if why_not := found.refusal:
        raise Wrong(why_not)
    return found.written


def _add_authority(values: Values, *, by: Someone, at: datetime) -> None:
    exact = tolerance.EXACT.written
    said = {"how": How.ALWAYS.value, "connection": None, "tolerance": exact, **values}
    _agree((values["record"], values["field"]), said, by=by, at=at)


def _change_authority(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    record_kind, field = identity
    # The lock that the verb takes first, so that what is read here is what it changes.
    Company.objects.select_for_update(of=("self",)).get()
    row = SourceOfTruth.objects.get(record_kind=record_kind, field=field)
    _agree(identity, {**_said_of_authority(row), **values}, by=by, at=at)


def _agree(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    record_kind, field = identity
    sources_of_truth.agree(
        record_kind=record_kind, field=field, connection=values["connection"] or "",
        how=How(values["how"]), tolerance=tolerance.read(values["tolerance"]), by=by, at=at,
    )  # fmt: skip


def _remove_authority(identity: Identity, *, by: Someone, at: datetime) -> None:
    record_kind, field = identity
    sources_of_truth.remove(record_kind=record_kind, field=field, by=by, at=at)


SOURCES_OF_TRUTH = Section(
    key="sources_of_truth",
    noun="source of truth",
    identity=("record", "field"),
    fields={
        "record": Field(text, refers_to="kind of record"),
        "field": Field(text, refers_to="move or field"),
        "how": Field(one_of(*How), unsaid=How.ALWAYS.value),
        "connection": Field(maybe(text), refers_to="authority", needed=True),
        "tolerance": Field(_read_tolerance, unsaid=tolerance.EXACT.written),
    },
    here=_authorities_here,
    add=_add_authority,
    change=_change_authority,
    remove=_remove_authority,
)


# --- SLAs ---------------------------------------------------------------------------------------
def _slas_here() -> dict[Identity, Values]:
    rows = Sla.objects.order_by("kind", "fix_within", "severity")
    return {(row.severity, row.kind): _said_of_sla(row) for row in rows}


def _said_of_sla(row: Sla) -> Values:
    return {
        "severity": row.severity,
        "kind": row.kind,
        "acknowledge_within": row.ack_within,
        "fix_within": row.fix_within,
    }


def _add_sla(values: Values, *, by: Someone, at: datetime) -> None:
    operating_model.set_sla(
        kind=values["kind"], severity=values["severity"], ack_within=values["acknowledge_within"],
        fix_within=values["fix_within"], by=by, at=at,
    )  # fmt: skip


def _change_sla(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    severity, kind = identity
    row = Sla.objects.select_for_update().get(kind=kind, severity=severity)
    _add_sla({**_said_of_sla(row), **values}, by=by, at=at)


def _remove_sla(identity: Identity, *, by: Someone, at: datetime) -> None:
    severity, kind = identity
    operating_model.remove_sla(kind=kind, severity=severity, by=by, at=at)


SLAS = Section(
    key="slas",
    noun="SLA",
    identity=("severity", "kind"),
    fields={
        "severity": Field(text, refers_to="severity"),
        "kind": Field(maybe(text, ""), refers_to="ticket kind", unsaid=""),
        "acknowledge_within": span_fields.business(needed=True),
        "fix_within": span_fields.business(needed=True),
    },
    here=_slas_here,
    add=_add_sla,
    change=_change_sla,
    remove=_remove_sla,
)

SECTIONS = [COMPANY, CALENDARS, SOURCES_OF_TRUTH, SLAS]
