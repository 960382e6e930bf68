"""Whether tickets can go to a person, a team or a role: by the table of rights, not everybody may
work them. Proposals are another matter: those a Rep owns."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.db.models import Q

from meshline.people.models import Team, User
from meshline.people.permissions import TABLE, Permission, Role
from meshline.policy.models import RaciAssignment
from meshline.policy.raci_sets import Holder

_ROLES = TABLE[Permission.WORK_QUEUE]
One = TypeVar("One", bound=Holder)


def why_not(one: Holder) -> str:
    """Why nobody would work tickets by this name; empty where somebody would, or may still come.

    Whether somebody is active is another question.
    """
    if isinstance(one, Role):
        return _of_role(one)
    return _of_person(one) if isinstance(one, User) else _of_team(one)


def who_could(some: Iterable[One]) -> list[One]:
    """Those of them by whose name somebody would work tickets, or may still come; teams are asked
    about at once."""
    found = _roles_by_team()
    return [
        one
        for one in some
        if not (_why_no_team(one, found[one.pk]) if isinstance(one, Team) else why_not(one))
    ]


def goes_to(team: Team, *, since: datetime) -> bool:
    """Whether the team is responsible for a process, then or as planned for later."""
    rows = RaciAssignment.objects.filter(team=team, letter=RaciAssignment.Letter.RESPONSIBLE)
    return rows.in_force(since).exists() or rows.planned(after=since).exists()


def _of_role(role: Role) -> str:
    if role in _ROLES:
        return ""
    if role == Role.VIEWER:
        return "Viewers are given no work"
    return f"{role.label}s may not work the queue"


def _of_person(user: User) -> str:
    role = Role(user.role)
    if role in _ROLES:
        return ""
    if role == Role.VIEWER:
        return f"{user.name} is a viewer, who is given no work"
    return f"{user.name} ({role.label}) may not work the queue"


def _of_team(team: Team) -> str:
    """Nobody at all may still be joined by somebody who works."""
    there = User.objects.active().filter(Q(team=team) | Q(pk=team.lead_id))
    return _why_no_team(team, {Role(role) for role in there.values_list("role", flat=True)})


def _roles_by_team() -> dict[int, set[Role]]:
    found: dict[int, set[Role]] = defaultdict(set)
    active = User.objects.active()
    rows = [
        *active.filter(team__isnull=False).values_list("team_id", "role").distinct(),
        *Team.objects.filter(lead__in=active).values_list("pk", "lead__role"),
    ]
    for pk, role in rows:
        found[pk].add(Role(role))
    return found


def _why_no_team(team: Team, found: set[Role]) -> str:
    if not found or any(role in _ROLES for role in found):
        return ""
    if found == {Role.VIEWER}:
        return f"In {team.name} there are only viewers, who are given no work"
    return f"Nobody in {team.name} may work the queue"
