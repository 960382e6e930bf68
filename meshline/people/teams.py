"""Making, changing and closing teams."""

import re
from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import Team, User
from meshline.people.permissions import Permission

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


class TeamError(Exception):
    """A change to a team that cannot be made, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Stale(TeamError):
    """Somebody else changed it since it was looked at: what was `seen` is something else `now`."""

    def __init__(self, seen: dict, now: dict) -> None:
        super().__init__("Somebody else changed this team meanwhile; nothing is saved yet.")
        self.seen, self.now = seen, now


@transaction.atomic
def add(*, slug: str, name: str, by: Someone, at: datetime, lead: User | None = None) -> Team:
    """Add a team. Raises TeamError when the slug is taken or cannot be one."""
    permissions.check(by, Permission.MANAGE_PEOPLE)
    if not _SLUG.fullmatch(slug):
        raise TeamError("Use 1 to 60 small letters, digits and hyphens.", "slug")
    if Team.objects.filter(slug=slug).exists():
        raise TeamError(f"There is already a team {slug}.", "slug")
    _check_lead(lead)
    team = Team.objects.create(slug=slug, name=name, lead=lead)
    trail.record("team.added", subject=team, by=by, at=at, after=facts(team))
    return team


@transaction.atomic
def change(
    *, slug: str, name: str, lead: User | None, by: Someone, at: datetime, seen: dict | None = None
) -> Team:
    """Give a team another name or lead. Raises Stale when it is not as it was `seen` any more."""
    permissions.check(by, Permission.MANAGE_PEOPLE)
    team = Team.objects.select_for_update().get(slug=slug)
    before = facts(team)
    if seen is not None and seen != before:
        raise Stale(seen, before)
    # Whoever leads it already may have left since.
    if lead != team.lead:
        _check_lead(lead)
    team.name, team.lead = name, lead
    after = facts(team)
    if after != before:
        team.save(update_fields=["name", "lead"])
        trail.record("team.changed", subject=team, by=by, at=at, before=before, after=after)
    return team


@transaction.atomic
def remove(*, slug: str, by: Someone, at: datetime) -> None:
    """Close a team that nobody is in and nothing names. Raises TeamError otherwise."""
    permissions.check(by, Permission.MANAGE_PEOPLE)
    team = Team.objects.select_for_update().get(slug=slug)
    members = team.members.count()
    if members:
        people = "1 person is" if members == 1 else f"{members} people are"
        raise TeamError(f"{people} still in {team.name}; move them to another team first.")
    if team.shifts.not_over(at).exists():
        raise TeamError(f"{team.name} has shifts ahead; take them off its rota first.")
    trail.record("team.removed", subject=team, by=by, at=at, before=facts(team))
    try:
        team.delete()
    except ProtectedError as error:
        named = ", ".join(sorted(str(row) for row in error.protected_objects)[:3])
        raise TeamError(f"{team.name} is still named elsewhere: {named}.") from None


def _check_lead(lead: User | None) -> None:
    if lead and not lead.is_active:
        raise TeamError(f"{lead.name} is not active here any more; choose somebody who is.", "lead")
    if lead and not lead.can_be_given_work:
        said = f"{lead.name} is a viewer, who is given no work; choose another lead."
        raise TeamError(said, "lead")


def facts(team: Team) -> dict:
    """The lead by their number: whose name it is stands with the person."""
    lead = f"person:{team.lead_id}" if team.lead_id else None
    return {"slug": team.slug, "name": team.name, "lead": lead}
