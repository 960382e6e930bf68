"""People and teams in the operating model file."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from meshline.audit.actors import Someone
from meshline.people import people, teams
from meshline.people.models import Team, User
from meshline.people.people import PersonError
from meshline.people.permissions import Role
from meshline.sections import (
    Field,
    Identity,
    Section,
    Values,
    Wrong,
    flag,
    line_of_text,
    lowered,
    maybe,
    one_of,
    text,
)


def check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise Wrong(f"There is no time zone {zone!r}; write one like Europe/Berlin or UTC.")


def person(email: str | None) -> User | None:
    """Whom an e-mail in the file means; the shell has seen that there is somebody."""
    return User.objects.with_email(email).get() if email else None


def team(slug: str | None) -> Team | None:
    return Team.objects.get(slug=slug) if slug else None


# --- People -------------------------------------------------------------------------------------
def _people_here() -> dict[Identity, Values]:
    users = User.objects.select_related("team").order_by("email")
    return {(user.email.lower(),): _said_of(user) for user in users}


def _said_of(user: User) -> Values:
    return {
        "email": user.email.lower(),
        "name": user.name,
        "role": user.role,
        "team": user.team.slug if user.team else None,
        "zone": user.zone,
        "active": user.is_active,
        "approves_model": user.approves_model,
    }


def _add_person(values: Values, *, by: Someone, at: datetime) -> None:
    email = values["email"]
    name = values.get("name") or people.name_of(email)
    people.add(
        email=email, name=name, role=values["role"], team=team(values.get("team")),
        zone=values.get("zone", "UTC"), by=by, at=at,
    )  # fmt: skip
    if not values.get("active", True) or values.get("approves_model"):
        _change_person((email,), values, by=by, at=at)


def _change_person(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    """What the file does not say is read under the lock, so that nobody's change is undone."""
    user = User.objects.select_for_update().with_email(identity[0]).get()
    wanted = {**_said_of(user), **values}
    people.change(
        user_id=user.pk, name=wanted["name"], role=wanted["role"], team=team(wanted["team"]),
        zone=wanted["zone"], is_active=wanted["active"],
        approves_model=wanted["approves_model"], by=by, at=at,
    )  # fmt: skip


def _deactivate(identity: Identity, *, by: Someone, at: datetime) -> None:
    _change_person(identity, {"active": False}, by=by, at=at)


def _check_email(email: str) -> None:
    try:
        people.check_email(email)
    except PersonError as error:
        raise Wrong(f"{error} Write one like rosa@example.com.") from None


def _makes_one_who_stays(values: Mapping[str, Any]) -> bool:
    """A new admin or manager comes before the old one goes: there is always one."""
    return values.get("role") in (Role.ADMIN, Role.MANAGER) or values.get("active") is True


# --- Teams --------------------------------------------------------------------------------------
def _teams_here() -> dict[Identity, Values]:
    rows = Team.objects.select_related("lead").order_by("slug")
    return {(row.slug,): _said_of_team(row) for row in rows}


def _said_of_team(row: Team) -> Values:
    lead = row.lead.email.lower() if row.lead else None
    return {"slug": row.slug, "name": row.name, "lead": lead}


def _add_team(values: Values, *, by: Someone, at: datetime) -> None:
    slug = values["slug"]
    name = values.get("name") or slug.replace("-", " ").capitalize()
    teams.add(slug=slug, name=name, lead=person(values.get("lead")), by=by, at=at)


def _change_team(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    row = Team.objects.select_for_update().get(slug=identity[0])
    wanted = {**_said_of_team(row), **values}
    lead = person(wanted["lead"])
    teams.change(slug=row.slug, name=wanted["name"], lead=lead, by=by, at=at)


def _remove_team(identity: Identity, *, by: Someone, at: datetime) -> None:
    teams.remove(slug=identity[0], by=by, at=at)


TEAMS = Section(
    key="teams",
    noun="team",
    identity=("slug",),
    fields={
        "slug": Field(text),
        "name": Field(text, check=line_of_text(120)),
        "lead": Field(maybe(lowered), refers_to="person"),
    },
    here=_teams_here,
    add=_add_team,
    change=_change_team,
    remove=_remove_team,
    late=frozenset({"lead"}),  # people are put into teams, and lead them
)

PEOPLE = Section(
    key="people",
    noun="person",
    identity=("email",),
    fields={
        "email": Field(lowered, check=_check_email),
        "name": Field(text, check=line_of_text(120)),
        "role": Field(one_of(*Role), needed=True),
        "team": Field(maybe(text), refers_to="team"),
        "zone": Field(text, check=check_zone),
        "active": Field(flag),
        "approves_model": Field(flag),
    },
    here=_people_here,
    add=_add_person,
    change=_change_person,
    remove=_deactivate,
    removed={"active": False},
    first=_makes_one_who_stays,
)

SECTIONS = [TEAMS, PEOPLE]
