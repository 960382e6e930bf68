"""The facts about the operating model, read from every floor as they are now."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import Q
from django.utils import timezone

from connectors import mappings, registry
from connectors.mapping import NOTHING_MAPPED, Mapped
from connectors.models import Connection, Secret
from connectors.registry import UnknownSystem
from exceptions.models import Ticket
from meshline import clauses, sound_conditions
from meshline.clauses import Fields
from meshline.people.models import Absence, OnCallShift, ShiftOverride, Team, User
from meshline.policy import business_time, calendars, called, raci, roles, ticket_work
from meshline.policy.business_time import Hours as Windows
from meshline.policy.models import (
    BusinessCalendar,
    Company,
    RaciAssignment,
    Sla,
    SourceOfTruth,
)
from meshline.policy.processes import PROCESSES, known
from meshline.rota import doubles
from meshline.sound_conditions import Known
from proposals import authority, whose_word
from proposals.contracts import conditions, promises, publishing
from proposals.contracts.deciders import Deciders
from proposals.contracts.promises import OutcomeSpec
from proposals.models import Contract, Proposal, RoutingRules, Signal
from proposals.routing.rules import FIELDS
from proposals.states import State
from reconciliation.model_facts import (
    Answer,
    Asked,
    Door,
    Facts,
    Hours,
    OnCallTwice,
    Promise,
    Rota,
    Rule,
    Source,
    Unable,
)

AHEAD = timedelta(days=7)
# Looked at of all sources together, so that a silent one does not cost a walk through all there is.
LATEST_EVENTS = 1000
_TWO_YEARS = timedelta(days=730)
_PLACE = re.compile(r"\{([a-z_]+)\}")
# What a contract's text may name, and the fields behind it, as a source tells them. Without any,
# it is filled from what Meshline itself knows.
BEHIND: dict[str, tuple[str, ...]] = {
    "title": ("title",), "amount": ("amount",), "owner": ("owner_email",),
    "contact": ("contact_name", "contact_email"), "state": (), "invoice": (), "invoiced": (),
}  # fmt: skip


def contracts() -> list[Contract]:
    """The contracts in force."""
    return list(Contract.objects.live().order_by("slug"))


def facts(*, at: datetime, live: Iterable[Contract] | None = None) -> Facts:
    """Everything the lints and the map look at, as of `at`; of the contracts in force as they were
    read, where somebody did."""
    company = Company.objects.select_related("fallback_owner").get()
    in_force = contracts() if live is None else list(live)
    asked, there = tuple(_asked(in_force)), {"source": called.names()}
    gone = set(User.objects.filter(is_active=False).values_list("email", flat=True))
    fallback = company.fallback_owner
    return Facts(
        doors=tuple(_doors(at)),
        parts={role: slug for role, slug in roles.connections().items() if slug},
        asked=asked,
        authorities=_authorities(),
        silent=_silent(),
        processes=tuple(_answers(at)),
        promises=tuple(_promises()),
        rotas=tuple(_rotas(at)),
        doubles=tuple(_doubles(at)),
        unable=tuple(_unable(at)),
        calendars=tuple(_calendars(at)),
        sources=tuple(_sources()),
        rules=_rules(there),
        behind=BEHIND,
        fallback=fallback.name if fallback else "",
        fallback_is_active=bool(fallback and fallback.is_active),
        fallback_no_work=ticket_work.why_not(fallback) if fallback else "",
        deciders=_deciders(asked, at),
        known=publishing.known(),
        gone=frozenset(gone),
        left_behind=_left_behind(),
        empty_teams=tuple(_empty_teams(at)),
        circles=tuple(_circles(at)),
        strange=tuple(_strange(in_force, there)),
    )


def rule_rows() -> list[dict[str, Any]]:
    """The routing rules in force, as they are kept."""
    live = RoutingRules.objects.filter(record_kind="proposal", is_live=True).first()
    return list(live.content) if live else []


def assignments(at: datetime) -> Iterable[Any]:
    """Who is named for what at that moment."""
    rows: Any = RaciAssignment.objects.select_related("user", "team").order_by("process", "pk")
    return rows.in_force(at)


# --- Connections and what is asked of them -------------------------------------------------------
def _doors(at: datetime) -> Iterator[Door]:
    known_secrets = set(
        Secret.objects.credentials().live(at=at).values_list("connection_id", flat=True)
    )
    rows = list(Connection.objects.select_related("owner").order_by("name"))
    mapped = mappings.in_force(one.pk for one in rows)
    for one in rows:
        system = _system(one.system)
        needs = system is not None and system.client is not None
        yield Door(
            slug=one.slug, name=one.name, status=one.status, why=one.status_why,
            answers=one.breaker == Connection.Breaker.CLOSED,
            has_credential=not needs or one.pk in known_secrets,
            carries=frozenset(row.kind for row in system.deliveries) if system else frozenset(),
            owner=one.owner.name if one.owner else "",
            owner_is_active=one.owner.is_active if one.owner else True,
            is_mapped=mappings.emitter_of(one) is not None,
            tells=_told_by(one, mapped.get(one.pk, NOTHING_MAPPED)),
        )  # fmt: skip


def _told_by(one: Connection, mapped: Mapped) -> frozenset[str] | None:
    """The fields that are read in what it sends; None where it sends no documents."""
    emitter = mappings.emitter_of(one)
    return frozenset({*emitter.fields, *mapped.fields}) if emitter and emitter.fields else None


def _system(slug: str) -> Any:
    try:
        return registry.system(slug)
    except UnknownSystem:
        return None


def _asked(live: Iterable[Contract]) -> Iterator[Asked]:
    for contract in live:
        for row in contract.outcomes:
            yield _one_asked(contract, promises.spec_from(row), row)


def _one_asked(contract: Contract, spec: OutcomeSpec, row: dict[str, Any]) -> Asked:
    texts = [value for value in spec.params.values() if isinstance(value, str)]
    gate = row.get("gate") or {}
    return Asked(
        contract=contract.slug, name=spec.name, kind=spec.kind, target=spec.target,
        trigger=State(contract.trigger), wanted=spec.wanted, optional=spec.optional,
        places=frozenset(place for text in texts for place in _PLACE.findall(text)),
        params=repr(sorted(spec.params.items(), key=str)), gate=str(gate.get("who", "")),
        owner=contract.owner, contract_name=contract.name, condition=contract.condition,
    )  # fmt: skip


def _deciders(asked: Iterable[Asked], at: datetime) -> dict[str, tuple[str, ...]]:
    deciders = Deciders(at)
    words = sorted({one.gate for one in asked if one.gate})
    return {who: tuple(user.name for user in deciders.of(who)) for who in words}


def _authorities() -> dict[str, str]:
    rows = SourceOfTruth.objects.filter(record_kind="proposal").exclude(connection="")
    return dict(rows.values_list("field", "connection"))


def _silent() -> dict[str, str]:
    authorities = authority.load()
    return {
        name: authorities.called[agreed.connection]
        for name, agreed in authorities.agreed.items()
        if whose_word.is_silent(name, agreed)
    }


def _sources() -> Iterator[Source]:
    """What brings proposals, and which fields its latest events ever filled."""
    names = dict(Connection.objects.values_list("slug", "name"))
    told: dict[str, set[str]] = defaultdict(set)
    events: Counter[str] = Counter()
    latest = Signal.objects.order_by("-pk").values_list("source", "proposal__source", "fields")
    for source, brought_by, fields in latest[:LATEST_EVENTS]:
        if source == brought_by and source in names:
            events[source] += 1
            told[source] |= {name for name, value in fields.items() if value not in (None, "")}
    for slug, number in sorted(events.items()):
        yield Source(slug, names[slug], number, frozenset(told[slug]))


# --- People --------------------------------------------------------------------------------------
def _answers(at: datetime) -> Iterator[Answer]:
    named: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    # One holder is named for many processes.
    why_not = cache(ticket_work.why_not)
    for row in assignments(at):
        named[row.process][row.letter].append(row)
    for process in dict.fromkeys([*PROCESSES, *named]):
        by = named[process]
        now = raci.responsible_for(process, at=at)
        gone = [row.user.name for rows in by.values() for row in rows
                if row.user and not row.user.is_active]  # fmt: skip
        yield Answer(
            process=process, label=known(process).label,
            accountable=tuple(_holder(row) for row in by["accountable"]),
            responsible=tuple(_holder(row) for row in by["responsible"]),
            gone=tuple(dict.fromkeys(gone)),
            no_work=tuple(filter(None, (why_not(row.holder) for row in by["responsible"]))),
            now=now.user.name, is_fallback=now.is_fallback,
        )  # fmt: skip


def _holder(row: Any) -> str:
    """A person, a team, or whoever is in a role."""
    named = row.user or row.team
    return str(named) if named else f"any {row.get_role_display()}"


def _left_behind() -> dict[str, int]:
    """Who is no longer active and still owns something open, and how much of it."""
    found: Counter[str] = Counter()
    tickets = Ticket.objects.unresolved().filter(owner__is_active=False)
    found.update(tickets.values_list("owner__name", flat=True))
    over = [State.CLOSED_WON, State.CLOSED_LOST]
    left = Proposal.objects.filter(owner__is_active=False).exclude(state__in=over)
    found.update(left.values_list("owner__name", flat=True))
    return dict(sorted(found.items()))


def _empty_teams(at: datetime) -> Iterator[str]:
    teams = {row.team for row in assignments(at) if row.team}
    filled = set(User.objects.active().values_list("team", flat=True))
    return iter(sorted(team.name for team in teams if team.pk not in filled))


def _circles(at: datetime) -> Iterator[tuple[str, ...]]:
    """People who are out at once and whose stand-ins come back to them."""
    out = Absence.objects.filter(ends_at__gt=at).select_related("user", "stand_in")
    absences = [one for one in out if one.stand_in]
    for one in absences:
        chain = [one]
        while (follows := _next(chain[-1], absences)) and follows not in chain:
            chain.append(follows)
        # Each circle is told once: by the one of its people who came first.
        if follows is one and one.user_id == min(link.user_id for link in chain):
            yield tuple(link.user.name for link in chain)


def _next(one: Absence, absences: list[Absence]) -> Absence | None:
    return next(
        (
            other for other in absences
            if other.user_id == one.stand_in_id
            and other.starts_at < one.ends_at and one.starts_at < other.ends_at
        ),
        None,
    )  # fmt: skip


# --- Time ----------------------------------------------------------------------------------------
def _promises() -> Iterator[Promise]:
    for row in Sla.objects.order_by("kind", "severity"):
        yield Promise(row.pk, row.kind, row.severity, row.ack_within, row.fix_within)


def _calendars(at: datetime) -> Iterator[Hours]:
    for row in BusinessCalendar.objects.prefetch_related("holidays").order_by("name"):
        works = business_time.between(at, at + _TWO_YEARS, calendars.hours(row))
        yield Hours(row.pk, row.name, int(works.total_seconds() // 60))


def _rotas(at: datetime) -> Iterator[Rota]:
    """Of each team that answers for something: who is on call over the next days, and how far."""
    teams = {row.team for row in assignments(at) if row.team}
    teams |= set(Team.objects.filter(shifts__ends_at__gt=at).distinct())
    for team in sorted(teams, key=lambda one: one.slug):
        shifts = list(_manned(team, at))
        hours = calendars.hours_of(team)
        last = max((ends for _, ends in shifts), default=None)
        reach = business_time.between(at, last, hours) if last else timedelta()
        gaps = [
            (timezone.localtime(starts), timezone.localtime(ends))
            for starts, ends in _uncovered(shifts, at, at + AHEAD)
            if business_time.between(starts, ends, hours)
        ]
        yield Rota(
            team.slug, team.name, bool(shifts), tuple(_working(gaps, hours)),
            int(reach.total_seconds() // 60), timezone.localtime(last) if last else None,
        )  # fmt: skip


def _doubles(at: datetime) -> Iterator[OnCallTwice]:
    found = doubles.between(at, at + AHEAD)
    for one in found:
        first, second = (team.name for team in one.teams)
        starts, ends = timezone.localtime(one.starts_at), timezone.localtime(one.ends_at)
        yield OnCallTwice(one.user.name, (first, second), starts, ends)


def _unable(at: datetime) -> Iterator[Unable]:
    """Who is on call, now or later, for a team whose tickets they may not work."""
    for team in Team.objects.filter(shifts__ends_at__gt=at).distinct().order_by("slug"):
        shifts = OnCallShift.objects.filter(team=team).not_over(at)
        instead = ShiftOverride.objects.filter(shift__in=shifts).not_over(at)
        theirs = Q(pk__in=shifts.values("user")) | Q(pk__in=instead.values("user"))
        if ticket_work.goes_to(team, since=at):
            people = User.objects.active().filter(theirs).order_by("name", "pk")
            yield from (Unable(team.name, why) for why in map(ticket_work.why_not, people) if why)


def _manned(team: Team, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Shifts that are not over and whose person still works here."""
    rows = OnCallShift.objects.filter(team=team, ends_at__gt=at, user__is_active=True)
    return iter(rows.order_by("starts_at").values_list("starts_at", "ends_at"))


def _uncovered(
    shifts: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    covered = start
    for starts, ends in shifts:
        if starts > covered:
            yield covered, min(starts, end)
        covered = max(covered, ends)
        if covered >= end:
            return
    yield covered, end


def _working(
    gaps: list[tuple[datetime, datetime]], hours: Windows
) -> Iterator[tuple[datetime, datetime]]:
    """Each gap from its first working minute to its last, to the minute."""
    for starts, ends in gaps:
        first = business_time.add(starts, 1, hours) - timedelta(minutes=1)
        yield max(first.astimezone(starts.tzinfo), starts), ends


# --- Routing -------------------------------------------------------------------------------------
def _rules(there: Known) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            str(row.get("name", "")), row.get("when"), tuple(_people(row.get("then"))),
            tuple(_strange_in(row.get("when"), FIELDS["proposal"], there)),
        )
        for row in rule_rows()
    )  # fmt: skip


def _strange(live: Iterable[Contract], there: Known) -> Iterator[tuple[str, str]]:
    for contract in live:
        for source in _strange_in(contract.condition, conditions.FIELDS, there):
            yield contract.name, source


def _strange_in(node: Any, fields: Fields, there: Known) -> list[str]:
    """The values in a condition that their fields can no longer have."""
    return sound_conditions.unknown_values(clauses.read(node, fields), there) if node else []


def _people(target: Any) -> Iterator[str]:
    """Every person a target names, however deep."""
    if isinstance(target, dict):
        for name, value in target.items():
            if name == "person" and isinstance(value, str):
                yield value.lower()
            else:
                yield from _people(value)
    elif isinstance(target, list):
        for one in target:
            yield from _people(one)
