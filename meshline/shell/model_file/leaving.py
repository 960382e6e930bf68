"""What a person's going leaves open: each process they answer for and who it is then, what falls
to them as the fallback owner, the teams they lead."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from meshline.people.model_file import PEOPLE
from meshline.people.models import Team, User
from meshline.policy import raci, raci_sets, ticket_work
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.processes import known
from meshline.shell.model_file.entries import Entry

Letter = RaciAssignment.Letter
_ANSWERS = {
    Letter.RESPONSIBLE: raci.responsible_for,
    Letter.ACCOUNTABLE: raci.accountable_for,
}


def notes(changed: Iterable[Entry], *, at: datetime) -> Iterator[str]:
    """Asked once the file is applied: whom it names instead is no longer missing."""
    emails = [entry.identity[0] for entry in changed if entry.section is PEOPLE]
    people = {one.pk: one for one in User.objects.filter(email__in=emails)} if emails else {}
    for rows in raci_sets.everything(at=at) if people else ():
        for row in rows:
            if row.user_id in people and row.letter in _ANSWERS:
                yield from _left_open(row, people[row.user_id], at)
    for one in people.values():
        if not one.is_active:
            yield from _fallback(one, at)
            yield from _teams(one)


def _left_open(row: RaciAssignment, user: User, at: datetime) -> Iterator[str]:
    if why := _why(row.letter, user):
        begins = row.effective_from
        then = _ANSWERS[Letter(row.letter)](row.process, at=max(at, begins)).user.name
        later = f" from {begins:%-d %b %Y} on" if begins > at else ""
        label = known(row.process).label
        yield f"{label}{later}: {row.letter} {user.name} {why}; then {then}."


def _fallback(user: User, at: datetime) -> Iterator[str]:
    for company in Company.objects.filter(fallback_owner=user):
        then = raci.fallback(at=at).user.name
        yield f"{company.name}: fallback owner {user.name} leaves; then {then}."


def _teams(user: User) -> Iterator[str]:
    for team in Team.objects.filter(lead=user).order_by("name"):
        yield f"Team {team.name}: its lead {user.name} leaves; then nobody leads it."


def _why(letter: str, user: User) -> str:
    if not user.is_active:
        return "leaves"
    may_not = letter == Letter.RESPONSIBLE and ticket_work.why_not(user)
    return "may no longer work its tickets" if may_not else ""
