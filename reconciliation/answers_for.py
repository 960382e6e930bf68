"""What somebody answers for now and later: what would be without them if they left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.models import Connection
from exceptions.models import Ticket
from meshline.people.models import OnCallShift, Team, User
from meshline.policy import raci_sets
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.processes import in_words
from proposals.models import Proposal
from proposals.states import State
from reconciliation.lints.lint import Fix

_OVER = [State.CLOSED_WON, State.CLOSED_LOST]


@dataclass(frozen=True)
class Charge:
    """One thing they answer for as a sentence, and where somebody else is named for it."""

    sentence: str
    fix: Fix
    # Whether nobody else is named for it.
    is_only: bool = False


def everything(user: User, *, at: datetime) -> list[Charge]:
    """All of it, what nobody else is named for first."""
    found = [*_fallback(user), *_processes(user, at), *_teams(user), *_work(user, at)]
    return sorted(found, key=lambda one: not one.is_only)


def _fallback(user: User) -> Iterator[Charge]:
    if Company.objects.filter(fallback_owner=user).exists():
        yield Charge(
            "Fallback owner: gets what nobody else can be given.",
            Fix("The company", "owners:company"), is_only=True,
        )  # fmt: skip


def _processes(user: User, at: datetime) -> Iterator[Charge]:
    for rows in raci_sets.everything(at=at):
        for letter, holders in raci_sets.held(rows).items():
            if user in holders:
                yield _named(rows[0], letter, len(holders) == 1, at)


def _named(row: RaciAssignment, letter: str, is_only: bool, at: datetime) -> Charge:
    later = f" from {row.effective_from:%-d %b %Y} on" if row.effective_from > at else ""
    sentence = f"{letter.capitalize()} for {in_words(row.process)}{later}."
    works = letter in (RaciAssignment.Letter.ACCOUNTABLE, RaciAssignment.Letter.RESPONSIBLE)
    fix = Fix("Owners", "exceptions:change-owners", (row.process,))
    return Charge(sentence, fix, is_only=is_only and works)


def _teams(user: User) -> Iterator[Charge]:
    for team in Team.objects.filter(lead=user).order_by("name"):
        fix = Fix(team.name, "people:team", (team.slug,))
        yield Charge(f"Leads {team.name}.", fix, is_only=True)


def _work(user: User, at: datetime) -> Iterator[Charge]:
    """What is open with them, what they own, and when they are on call."""
    proposals = Proposal.objects.filter(owner=user).exclude(state__in=_OVER)
    yield from _several(proposals, "Open proposals", Fix("Proposals", "proposals:list"))
    tickets = Ticket.objects.unresolved().in_hands_of(user)
    yield from _several(tickets, "Open tickets", Fix("Queue", "exceptions:queue"))
    shifts = OnCallShift.objects.filter(user=user).not_over(at)
    yield from _several(shifts, "Shifts on call ahead", Fix("Rota", "rota:rota"))
    for one in Connection.objects.filter(owner=user).order_by("name"):
        fix = Fix(one.name, "connectors:connection", (one.slug,))
        yield Charge(f"Owns the connection {one.name}.", fix, is_only=True)


def _several(rows: Any, words: str, fix: Fix) -> Iterator[Charge]:
    if number := rows.count():
        yield Charge(f"{words}: {number}.", fix)
