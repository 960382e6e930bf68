"""Who answers for a process at a moment. There is always somebody.

Its work is tickets, so it falls to who may work them, unless the caller says what it `takes`:
proposals are a Rep's, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from meshline.people import availability, permissions
from meshline.people.models import Team, User, UserQuerySet
from meshline.people.permissions import TABLE, Permission, Role
from meshline.people.roll import Roll
from meshline.policy import processes
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.raci_sets import Rows

Letter = RaciAssignment.Letter
QUEUE = processes.QUEUE
TICKETS, PROPOSALS = Permission.WORK_QUEUE, Permission.SEE_PROPOSALS


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


def responsible_for(process: str, *, at: datetime, takes: Permission = TICKETS) -> Answerable:
    """Who does the work: the process's Responsible, else the queue's, else the fallback owner."""
    return Answers(at=at, takes=takes).responsible_for(process)


def accountable_for(process: str, *, at: datetime) -> Answerable:
    """Who answers for it in the end: the process's Accountable, else the queue's, else fallback.

    It may be a viewer, who reads and decides; work is handed up to `above` it.
    """
    return Answers(at=at).accountable_for(process)


def above(process: str, *, at: datetime) -> Answerable:
    """To whom work on it is handed up: the Accountable, or the fallback where they do none."""
    found = accountable_for(process, at=at)
    return found if permissions.may(found.user, TICKETS) else fallback(at=at)


def responsible(process: str, *, at: datetime) -> list[User]:
    """Who is named to do the work: everybody named, of teams and roles everybody in them."""
    return _everybody(process, Letter.RESPONSIBLE, at)


def consulted(process: str, *, at: datetime) -> list[User]:
    """Whose advice is asked: everybody named, of teams and roles everybody in them."""
    return _everybody(process, Letter.CONSULTED, at)


def informed(process: str, *, at: datetime) -> list[User]:
    """Who is told what happens: everybody named, of teams and roles everybody in them."""
    return _everybody(process, Letter.INFORMED, at)


def who_hears(process: str, *, at: datetime) -> list[User]:
    """Who is told of a change in it: who is accountable, and everybody informed."""
    try:
        accountable = [accountable_for(process, at=at).user]
    except NobodyAtAll:
        accountable = []
    return [*accountable, *informed(process, at=at)]


def fallback(*, at: datetime, takes: Permission = TICKETS) -> Answerable:
    """The company's named fallback; without one present, a manager, an operator, an admin."""
    return Answers(at=at, takes=takes).fallback


class Answers:
    """Who answers at one moment; for many processes at once, each thing is looked up once.

    `named` are the sets in force by their process, for who has read all of them. Work falls to who
    has the permission it `takes`; to answer for something takes none.
    """

    def __init__(
        self, *, at: datetime, named: Mapping[str, Rows] | None = None, takes: Permission = TICKETS
    ) -> None:
        self._at, self._named, self._roles_for = at, named, TABLE[takes]
        self._roles: dict[tuple[str, bool], User | None] = {}
        self._teams: dict[str, dict[int, User]] = {}

    def responsible_for(self, process: str) -> Answerable:
        return self._answerable(process, Letter.RESPONSIBLE)

    def accountable_for(self, process: str) -> Answerable:
        return self._answerable(process, Letter.ACCOUNTABLE)

    @cached_property
    def fallback(self) -> Answerable:
        company = Company.objects.select_related("fallback_owner").first()
        named = company.fallback_owner if company else None
        stand_in = self._workers.stand_in_for(named) if named else None
        if stand_in:
            why = f"{stand_in.name} is the fallback owner."
            home = _other(named, stand_in)
            return Answerable(stand_in, why, is_fallback=True, stands_in_for=home)
        user = _anyone(self._at)
        if user is None:
            raise NobodyAtAll("Nobody is active here; invite a person first (manage.py invite).")
        why = f"{user.name}, because no fallback owner is present."
        return Answerable(user, why, is_fallback=True)

    @cached_property
    def _roll(self) -> Roll:
        return availability.roll_at(self._at)

    @cached_property
    def _workers(self) -> Roll:
        """The same for the work alone."""
        return self._roll.only(self._roles_for)

    def _someones(self, letter: str) -> dict[int, User]:
        """The person for now of every team that is named so."""
        if letter not in self._teams:
            rows = [row for some in (self._named or {}).values() for row in some]
            teams = {row.team_id: row.team for row in rows if row.team and row.letter == letter}
            self._teams[letter] = self._in_each(list(teams.values()), letter)
        return self._teams[letter]

    def _answerable(self, process: str, letter: str) -> Answerable:
        for name in processes.chain(process):
            for assignment in self._rows(name, letter):
                if user := self._present(assignment):
                    home = _other(assignment.user, user)
                    return Answerable(user, _why(assignment, user), stands_in_for=home)
        return self.fallback

    def _rows(self, name: str, letter: str) -> Rows:
        if self._named is None:
            return _named(name, letter, self._at)
        return [row for row in self._named.get(name, ()) if row.letter == letter]

    def _present(self, assignment: RaciAssignment) -> User | None:
        """Whom it means now. To answer for something is no work: a viewer can."""
        answers = assignment.letter == Letter.ACCOUNTABLE
        if assignment.team:
            return self._someone_in(assignment.team, assignment.letter)
        if assignment.user is None:
            return self._in_role(assignment.role, answers)
        if answers and self._roll.is_here(assignment.user):
            return assignment.user
        roll = self._roll if answers else self._workers
        found: User | None = roll.stand_in_for(assignment.user)
        return found

    def _someone_in(self, team: Team, letter: str) -> User | None:
        if self._named is not None:
            return self._someones(letter).get(team.pk)
        return self._in_each([team], letter).get(team.pk)

    def _in_each(self, teams: list[Team], letter: str) -> dict[int, User]:
        roll = self._roll if letter == Letter.ACCOUNTABLE else self._workers
        return availability.someone_in_each(teams, at=self._at, roll=roll)

    def _in_role(self, role: str, answers: bool) -> User | None:
        if (role, answers) not in self._roles:
            people = User.objects.all() if answers else self._who_work()
            found = people.present(self._at).in_role(Role(role)).order_by("pk").first()
            self._roles[role, answers] = found
        return self._roles[role, answers]

    def _who_work(self) -> UserQuerySet:
        return User.objects.who_work().filter(role__in=self._roles_for)


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
    return User.objects.who_work().order_by("pk").first()
