"""Changing what we agreed: the company, calendars, authorities, RACI and SLAs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.db.models import Max

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import Team, User
from meshline.people.permissions import Permission
from meshline.policy import (
    business_time,
    calendars,
    public_holidays,
    raci_sets,
    spans,
    ticket_work,
    windows,
)
from meshline.policy.business_time import NoBusinessTime
from meshline.policy.models import (
    BusinessCalendar,
    Company,
    Holiday,
    RaciAssignment,
    Sla,
)
from meshline.policy.processes import known
from meshline.policy.raci_sets import Holder, Holders
from meshline.policy.windows import Window, WindowError

Letter = RaciAssignment.Letter
# Own days off of one calendar: a century of closing days is a mistake.
MOST_DAYS_OFF = 1000
_REPEATS = "These are the owners then already: there is nothing to plan."
# What stood there when somebody began to change it; None where nobody looked (a file, a test).
Facts = dict[str, Any]


class ModelError(Exception):
    """A change to the operating model that cannot be made, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Stale(ModelError):
    """Somebody else changed it since it was looked at: what was `seen` is something else `now`."""

    def __init__(self, seen: Facts | None = None, now: Facts | None = None) -> None:
        super().__init__("Somebody else changed this meanwhile; nothing is saved yet.")
        self.seen, self.now = seen or {}, now or {}


# --- The company --------------------------------------------------------------------------------
@transaction.atomic
def set_company(
    *, name: str, zone: str, fallback_owner: User | None, by: Someone, at: datetime,
    reconciles_at: time | None = None, seen: Facts | None = None,
) -> Company:  # fmt: skip
    """Who we are, in which zone, who gets what nobody else can be given, and when the day's
    reconciliation begins (None: as it is). Raises Stale."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    company = Company.objects.select_for_update(of=("self",)).get()
    before = company_facts(company)
    _check_seen(seen, before)
    _check_fallback(fallback_owner, company)
    hour = company.reconciles_at if reconciles_at is None else reconciles_at
    if (hour, zone) != (company.reconciles_at, company.zone):
        # From now on: an hour that is past already today is not one that was missed.
        company.reconciles_at, company.reconciles_since = hour, at
    company.name, company.zone, company.fallback_owner = name, zone, fallback_owner
    company.save()
    _told("company.changed", company, before, company_facts(company), by, at)
    return company


def company_facts(company: Company) -> Facts:
    owner = company.fallback_owner
    return {
        "name": company.name, "zone": company.zone, "fallback owner": owner and owner.email,
        "reconciles at": f"{company.reconciles_at:%H:%M}",
    }  # fmt: skip


def _check_fallback(owner: User | None, company: Company) -> None:
    """Somebody who can work what falls to them; once there is one, not nobody."""
    if owner is None:
        if company.fallback_owner_id:
            said = "Somebody stays the fallback owner; name who it is to be instead."
            raise ModelError(said, "fallback_owner")
        return
    if not owner.is_active:
        raise ModelError(_not_active(owner), "fallback_owner")
    if why := ticket_work.why_not(owner):
        raise ModelError(f"{why}; name somebody else as the fallback owner.", "fallback_owner")


# --- Calendars ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Calendar:
    """When people work: windows per weekday in the zone (0 is Monday), and days off.

    Days off are a country's (and region's) public holidays and one's own, by name.
    """

    slug: str
    name: str
    zone: str
    windows: Sequence[Window]
    holidays: dict[date, str]
    team: Team | None = None
    is_default: bool = False
    country: str = ""
    region: str = ""


@transaction.atomic
def set_calendar(
    calendar: Calendar, *, version: int | None = None, by: Someone, at: datetime
) -> BusinessCalendar:
    """Make a calendar or change it. The default moves with it; it never goes by itself.

    `version` is the one that was seen, 0 for none: raises Stale when there is another by now.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    # One change of calendars at a time: default and team are agreed among all of them.
    Company.objects.select_for_update(of=("self",)).get()
    row = BusinessCalendar.objects.filter(slug=calendar.slug).first()
    row = row or BusinessCalendar(slug=calendar.slug, version=0)
    _refuse_stale(row, version)
    before = _calendar_facts(row) if row.pk else {}
    _check_calendar(calendar, row)
    if calendar.is_default:
        _take_default_from_others(row, by, at)
    row.name, row.zone, row.team = calendar.name, calendar.zone, calendar.team
    row.country, row.region = calendar.country, calendar.region
    row.windows = [list(window) for window in sorted(calendar.windows)]
    row.is_default = calendar.is_default
    row.save()
    _set_holidays(row, calendar.holidays)
    _check_deadlines(row, at)
    _count_change(row, before, by, at)
    return row


@transaction.atomic
def remove_calendar(*, slug: str, by: Someone, at: datetime, version: int | None = None) -> None:
    """Its team works by the default calendar from now on; the default itself stays.

    Raises Stale where it is not at the `version` that was seen any more.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    Company.objects.select_for_update(of=("self",)).get()
    row = BusinessCalendar.objects.filter(slug=slug).first()
    if row is None:
        raise ModelError("This calendar is gone already.")
    _refuse_stale(row, version)
    if row.is_default:
        raise ModelError("The default calendar stays; make another one the default first.")
    trail.record("calendar.removed", subject=row, by=by, at=at, before=_calendar_facts(row))
    row.delete()


def _refuse_stale(row: BusinessCalendar, version: int | None) -> None:
    if version is None or version == row.version:
        return
    if version == 0:
        raise ModelError(f"There is a calendar {row.slug} already; take another name.", "slug")
    raise Stale()


def _check_calendar(calendar: Calendar, row: BusinessCalendar) -> None:
    _check_place_and_time(calendar)
    if len(calendar.holidays) > MOST_DAYS_OFF:
        raise ModelError(f"At most {MOST_DAYS_OFF} days off of its own.", "holidays")
    if row.is_default and not calendar.is_default:
        raise ModelError("One calendar is the default; make another one it instead.", "default")
    if calendar.team is None:
        return
    other = BusinessCalendar.objects.filter(team=calendar.team).exclude(pk=row.pk).first()
    if other:
        raise ModelError(f"{calendar.team} works by the calendar {other.slug} already.", "team")


def _check_place_and_time(calendar: Calendar) -> None:
    """Windows that are windows, in a zone, a country and a region that there are."""
    zone, country, region = calendar.zone, calendar.country, calendar.region
    if not calendar.windows:
        raise ModelError("A calendar needs at least one working window.", "hours")
    try:
        windows.check(calendar.windows)
    except WindowError as error:
        raise ModelError(str(error), "hours") from None
    if zone not in available_timezones():
        raise ModelError(f"There is no time zone “{zone}”.", "zone")
    if country and not public_holidays.is_known(country):
        raise ModelError(f"No public holidays are known of a country “{country}”.", "country")
    if region and not public_holidays.is_known(country, region):
        raise ModelError(f"“{region}” is no region of {_in_words(country)}.", "region")


def _in_words(country: str) -> str:
    """A country with the codes of its regions, for who named another one."""
    if not country:
        return "no country; choose the country first"
    known = ", ".join(public_holidays.regions(country))
    name = public_holidays.name_of(country)
    return f"{name}, which has {known}" if known else f"{name}, which has none with its own days"


def _check_deadlines(row: BusinessCalendar, at: datetime) -> None:
    """The longest SLA must come to an end in these hours: else no ticket could be opened."""
    longest = Sla.objects.aggregate(longest=Max("fix_within"))["longest"] or 1
    try:
        business_time.add(at, longest, calendars.hours(row))
    except NoBusinessTime:
        raise ModelError(
            f"In these hours the longest SLA ({longest // 60} working hours) would take more than "
            "two years; add windows, take days off away or shorten the SLA.",
            "hours",
        ) from None


def _take_default_from_others(row: BusinessCalendar, by: Someone, at: datetime) -> None:
    for other in BusinessCalendar.objects.filter(is_default=True):
        if other.pk != row.pk:
            before = _calendar_facts(other)
            other.is_default = False
            other.save(update_fields=["is_default"])
            _count_change(other, before, by, at)


def _set_holidays(row: BusinessCalendar, holidays: dict[date, str]) -> None:
    row.holidays.exclude(day__in=holidays).delete()
    for day, name in holidays.items():
        Holiday.objects.update_or_create(calendar=row, day=day, defaults={"name": name})


def _count_change(row: BusinessCalendar, before: dict, by: Someone, at: datetime) -> None:
    """A new version and a line on the trail that carries it, if anything is different."""
    if _calendar_facts(row) != before:
        row.version += 1
        row.save(update_fields=["version"])
        _told("calendar.changed", row, before, _calendar_facts(row), by, at)


def _calendar_facts(row: BusinessCalendar) -> dict:
    """Weekdays and days off one by one, so that a reader sees the one that changed."""
    days = row.holidays.order_by("day").values_list("day", "name")
    worked = {name: windows.write(row.windows, day) for day, name in enumerate(windows.DAYS)}
    return {
        "slug": row.slug, "name": row.name, "zone": row.zone, **worked,
        "team": row.team and row.team.slug, "default": row.is_default,
        "country": row.country, "region": row.region, "version": row.version,
        **{f"off on {day.isoformat()}": name for day, name in days},
    }  # fmt: skip


# --- RACI ---------------------------------------------------------------------------------------
@transaction.atomic
def set_raci(
    *, process: str, holders: Holders, by: Someone, at: datetime, seen: Facts | None = None,
    effective_from: datetime | None = None, may_repeat: bool = False,
) -> None:  # fmt: skip
    """Who answers for a process, per letter; letters that are not named stay as they are.

    It counts from now on, or from a later moment: then it stands beside what is in force until
    that moment comes, and nothing has to happen for it to count. A plan that names who answers by
    then anyway is refused, unless it `may_repeat`: a file is compared as a whole, and written in
    whatever order. Raises Stale when anything of it is not as it was `seen` any more.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    _check_seen(seen, raci_sets.seen(process, at=at))
    moment = _moment(effective_from, at)
    rows = raci_sets.in_force(process, at=moment)
    wanted = {letter: some for letter, some in {**raci_sets.held(rows), **holders}.items() if some}
    _check_raci(process, wanted)
    for letter, named in holders.items():
        _check_holders(letter, named)
    is_plan = bool(rows) and at < moment != rows[0].effective_from
    if wanted == raci_sets.held(rows) and not (is_plan and may_repeat):
        if is_plan:
            raise ModelError(_REPEATS, "effective_from")
        return
    before = raci_sets.facts(rows)
    after = raci_sets.write(process, moment, wanted)
    what = "raci.planned" if moment > at else "raci.changed"
    _told(what, after[0], before, raci_sets.facts(after), by, at)


@transaction.atomic
def cancel_raci(
    *, process: str, effective_from: datetime, by: Someone, at: datetime, seen: Facts | None = None
) -> None:
    """Call a planned set off before its moment comes; what is in force stays. Raises Stale."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    _check_seen(seen, raci_sets.seen(process, at=at))
    rows = raci_sets.beginning(process, effective_from)
    if not rows:
        raise ModelError("Nothing is planned for that moment any more.", "effective_from")
    if effective_from <= at:
        raise ModelError("It is in force by now; name other owners instead.", "effective_from")
    before = raci_sets.facts(rows)
    trail.record("raci.cancelled", subject=rows[0], by=by, at=at, before=before)
    RaciAssignment.objects.of(process).filter(effective_from=effective_from).delete()


@transaction.atomic
def remove_raci(
    *, process: str, by: Someone, at: datetime, seen: Facts | None = None,
    with_planned: bool = True,
) -> None:  # fmt: skip
    """Its tickets fall to whoever answers above it; who answered until now is kept. What is planned
    goes as well, unless it is to come nevertheless.

    Raises Stale when anything of it is not as it was `seen` any more.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _one_at_a_time()
    _check_seen(seen, raci_sets.seen(process, at=at))
    rows = raci_sets.in_force(process, at=at)
    planned = RaciAssignment.objects.of(process).planned(after=at)
    if not with_planned:
        planned = planned.none()
    gone = [*rows, *planned.select_related("user", "team")]
    if gone:
        before = raci_sets.facts(rows) or raci_sets.facts(gone)
        trail.record("raci.removed", subject=gone[0], by=by, at=at, before=before)
    planned.delete()
    RaciAssignment.objects.filter(pk__in=[row.pk for row in rows]).update(ended_at=at)


def raci_facts(process: str, *, at: datetime) -> Facts:
    """By letter, people by their e-mail, teams by their slug; what is planned by its moment."""
    return raci_sets.seen(process, at=at)


def _moment(effective_from: datetime | None, at: datetime) -> datetime:
    """From when on: now, or a later whole minute."""
    if effective_from is None:
        return at
    if effective_from <= at:
        raise ModelError(
            "This moment has passed; leave it empty to change it at once.", "effective_from"
        )
    if effective_from > at + raci_sets.FARTHEST:
        raise ModelError("Plan at most two years ahead.", "effective_from")
    return effective_from


def _check_raci(process: str, held: Holders) -> None:
    name = known(process).inside
    if len(held.get(Letter.ACCOUNTABLE, [])) != 1:
        raise ModelError(f"Exactly one is accountable for {name}.", Letter.ACCOUNTABLE.value)
    if not held.get(Letter.RESPONSIBLE):
        raise ModelError(f"Somebody is responsible for {name}.", Letter.RESPONSIBLE.value)


def _check_holders(letter: str, named: Sequence[Holder]) -> None:
    for one in named:
        if isinstance(one, User) and not one.is_active:
            raise ModelError(_not_active(one), letter)
        why = ticket_work.why_not(one) if letter == Letter.RESPONSIBLE else ""
        if why:
            raise ModelError(f"{why}; name somebody else as responsible.", letter)


# --- SLAs ---------------------------------------------------------------------------------------
@transaction.atomic
def set_sla(
    *, kind: str, severity: str, ack_within: int, fix_within: int, by: Someone, at: datetime,
    seen: Facts | None = None,
) -> Sla:  # fmt: skip
    """Business minutes until acknowledged and fixed; an empty kind is the severity's default.

    Raises Stale when it is not as it was `seen` any more ({}: when there was none).
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _check_spans(ack_within, fix_within)
    _one_at_a_time()
    row = Sla.objects.select_for_update().filter(kind=kind, severity=severity).first()
    before = sla_facts(row)
    _check_seen(seen, before)
    row = row or Sla(kind=kind, severity=severity)
    row.ack_within, row.fix_within = ack_within, fix_within
    row.save()
    _told("sla.changed", row, before, sla_facts(row), by, at)
    return row


@transaction.atomic
def remove_sla(
    *, kind: str, severity: str, by: Someone, at: datetime, seen: Facts | None = None
) -> None:
    """Its tickets fall under the default of their severity, which stays. Raises Stale."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if not kind:
        raise ModelError("The default of a severity stays; change its times instead.")
    _one_at_a_time()
    row = Sla.objects.select_for_update().filter(kind=kind, severity=severity).first()
    before = sla_facts(row)
    _check_seen(seen, before)
    if row:
        trail.record("sla.removed", subject=row, by=by, at=at, before=before)
        row.delete()


def sla_facts(row: Sla | None) -> Facts:
    if row is None:
        return {}
    return {
        "kind": row.kind, "severity": row.severity,
        "acknowledged within": row.ack_within, "fixed within": row.fix_within,
    }  # fmt: skip


def _check_spans(ack_within: int, fix_within: int) -> None:
    for field, minutes in (("ack_within", ack_within), ("fix_within", fix_within)):
        if refusal := spans.refusal(minutes):
            raise ModelError(refusal, field)
    if ack_within > fix_within:
        raise ModelError("A ticket is acknowledged before it is fixed.", "fix_within")


# --- What all of them ask -----------------------------------------------------------------------
def _one_at_a_time() -> None:
    """Rows that come and go cannot be locked themselves; the company's row is always there."""
    Company.objects.select_for_update(of=("self",)).get()


def _check_seen(seen: Facts | None, now: Facts) -> None:
    if seen is not None and seen != now:
        raise Stale(seen, now)


def _not_active(user: User) -> str:
    return f"{user.name} is not active here any more; choose somebody who is."


# --- The trail ----------------------------------------------------------------------------------
def _told(what: str, subject: Any, before: dict, after: dict, by: Someone, at: datetime) -> None:
    """A line on the trail, if anything is different."""
    if after != before:
        trail.record(what, subject=subject, by=by, at=at, before=before, after=after)
