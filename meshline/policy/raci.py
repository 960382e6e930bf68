"""Who answers for a process at a moment. There is always somebody."""

from dataclasses import dataclass
from datetime import datetime

from meshline.people import availability
from meshline.people.models import User, UserQuerySet
from meshline.people.permissions import Role
from meshline.policy import processes
from meshline.policy.models import Company, RaciAssignment

Letter = RaciAssignment.Letter
QUEUE = processes.QUEUE


class NobodyAtAll(Exception):
    """An installation without one active person who could own anything."""


@dataclass(frozen=True)
class Answerable:
    """A person for a process, and why it is them, as a sentence."""

    user: User
    why: str
    is_fallback: bool = False
    # Who is named and out: what they stand in for goes back to them.
    stands_in_for: User | None = None


def responsible_for(process: str, *, at: datetime) -> Answerable:
    """Who does the work: the process's Responsible, else the queue's, else the fallback owner."""
    return _answerable(process, Letter.RESPONSIBLE, at)


def accountable_for(process: str, *, at: datetime) -> Answerable:
    """Who answers for it in the end: the process's Accountable, else the queue's, else fallback."""
    return _answerable(process, Letter.ACCOUNTABLE, at)


def consulted(process: str, *, at: datetime) -> list[User]:
    """Whose advice is asked: everybody named, of teams and roles everybody in them."""
    return _everybody(process, Letter.CONSULTED, at)


def informed(process: str, *, at: datetime) -> list[User]:
    """Who is told what happens: everybody named, of teams and roles everybody in them."""
    return _everybody(process, Letter.INFORMED, at)


def fallback(*, at: datetime) -> Answerable:
    """The company's named fallback; without one present, a manager, an operator, an admin."""
    company = Company.objects.select_related("fallback_owner").first()
    named = company.fallback_owner if company else None
    stand_in = availability.stand_in_for(named, at=at) if named else None
    if stand_in:
        why = f"{stand_in.name} is the fallback owner."
        return Answerable(stand_in, why, is_fallback=True, stands_in_for=_other(named, stand_in))
    user = _anyone(at)
    if user is None:
        raise NobodyAtAll("Nobody is active here; invite a person first (manage.py invite).")
    return Answerable(user, f"{user.name}, because no fallback owner is present.", is_fallback=True)


def _answerable(process: str, letter: str, at: datetime) -> Answerable:
    for name in processes.chain(process):
        for assignment in _named(name, letter, at):
            if user := _present(assignment, at):
                home = _other(assignment.user, user)
                return Answerable(user, _why(assignment, user), stands_in_for=home)
    return fallback(at=at)


def _named(process: str, letter: str, at: datetime) -> list[RaciAssignment]:
    """Whose name stands there at that moment, in the order in which they were named."""
    rows = RaciAssignment.objects.of(process).in_force(at).filter(letter=letter)
    return list(rows.select_related("user", "team__lead"))


def _why(assignment: RaciAssignment, user: User) -> str:
    duty = f"{assignment.letter} for {processes.in_words(assignment.process)}"
    if assignment.role:
        return f"{user.name} is {duty}, like any {Role(assignment.role).label}."
    if assignment.user and assignment.user != user:
        return f"{user.name} stands in for {assignment.user.name}, who is {duty}."
    return f"{user.name} is {duty}."


def _other(named: User | None, found: User) -> User | None:
    """Who is named, if somebody else was found for them, and they come back."""
    return named if named and named.is_active and named.pk != found.pk else None


def _present(assignment: RaciAssignment, at: datetime) -> User | None:
    if assignment.team:
        return availability.someone_in(assignment.team, at=at)
    if assignment.role:
        return User.objects.present(at).in_role(Role(assignment.role)).order_by("pk").first()
    return availability.stand_in_for(assignment.user, at=at) if assignment.user else None


def _everybody(process: str, letter: str, at: datetime) -> list[User]:
    """The active, once each: whoever is away reads it when they are back."""
    found: dict[int, User] = {}
    for assignment in _named(_owned(process, at), letter, at):
        for user in _people_of(assignment).active().order_by("pk"):
            found.setdefault(user.pk, user)
    return list(found.values())


def _owned(process: str, at: datetime) -> str:
    """The process itself, or the next one above it that names anybody at all."""
    named = RaciAssignment.objects.filter(process__in=processes.chain(process)).in_force(at)
    owned = set(named.values_list("process", flat=True))
    return next((name for name in processes.chain(process) if name in owned), process)


def _people_of(assignment: RaciAssignment) -> UserQuerySet:
    if assignment.team:
        return User.objects.filter(team=assignment.team)
    if assignment.role:
        return User.objects.in_role(Role(assignment.role))
    return User.objects.filter(pk=assignment.user_id)


def _anyone(at: datetime) -> User | None:
    for role in (Role.MANAGER, Role.OPERATOR, Role.ADMIN):
        user = User.objects.present(at).in_role(role).order_by("pk").first()
        if user:
            return user
    # Everybody is out: work still has an owner, who finds it when they are back.
    return User.objects.active().exclude(role=Role.VIEWER).order_by("pk").first()
