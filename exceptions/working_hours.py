"""Deadlines follow the working hours: what a change of a calendar would move, and moving it.

A calendar belongs to the ground, the deadlines that run in it to the tickets. So a calendar is
changed here: one transaction holds the change and all that it moves, and none is without the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from exceptions import deadlines
from exceptions.deadlines import Preview
from exceptions.models import Ticket, TicketQuerySet
from meshline.audit.actors import Someone
from meshline.people.models import Team
from meshline.policy import calendars, operating_model, sla
from meshline.policy.business_time import Hours, NoBusinessTime
from meshline.policy.models import BusinessCalendar
from meshline.policy.operating_model import Calendar, ModelError
from meshline.policy.sla import Terms

# The hours of each team that has open tickets, and of tickets without a team.
HoursByTeam = dict[int | None, Hours]


@dataclass(frozen=True)
class Changed:
    """A calendar as it is now, and how many open tickets moved with it."""

    row: BusinessCalendar
    moved: int


@transaction.atomic
def change(calendar: Calendar, *, version: int | None, by: Someone, at: datetime) -> Changed:
    """Make or change a calendar, and move the open tickets of the teams that work by it.

    Raises ModelError, and Stale when it is not at that version any more.
    """
    before = now()
    row = operating_model.set_calendar(calendar, version=version, by=by, at=at)
    why, cause = f"The working hours changed: {row.name}.", f"businesscalendar:{row.pk}"
    return Changed(row, follow(before, why=why, cause=cause, by=by, at=at))


@transaction.atomic
def remove(*, slug: str, by: Someone, at: datetime, version: int | None = None) -> int:
    """Remove a calendar; its team's tickets run by the default one. How many moved.

    Raises ModelError, and Stale when it is not at that version any more.
    """
    before, row = now(), BusinessCalendar.objects.filter(slug=slug).first()
    operating_model.remove_calendar(slug=slug, version=version, by=by, at=at)
    why = f"The calendar {row.name if row else slug} was removed."
    cause = f"businesscalendar:{row.pk if row else slug}"
    return follow(before, why=why, cause=cause, by=by, at=at)


def preview(calendar: Calendar, *, version: int | None, by: Someone, at: datetime) -> Preview:
    """What changing it would do to the open tickets. Raises what the change would raise."""
    return _rehearse(
        lambda: operating_model.set_calendar(calendar, version=version, by=by, at=at), at
    )


def preview_removal(*, slug: str, by: Someone, at: datetime) -> Preview:
    """What removing it would do to the open tickets. Raises what the removal would raise."""
    return _rehearse(lambda: operating_model.remove_calendar(slug=slug, by=by, at=at), at)


def now() -> HoursByTeam:
    """In which hours the open tickets' deadlines run as it is."""
    teams = Ticket.objects.unresolved().exclude(team=None).values("team")
    found: HoursByTeam = {None: calendars.hours_of(None)}
    for team in Team.objects.filter(pk__in=teams):
        found[team.pk] = calendars.hours_of(team)
    return found


@transaction.atomic
def follow(before: HoursByTeam, *, why: str, cause: str, by: Someone, at: datetime) -> int:
    """Count the deadlines anew of the open tickets whose hours are others than before; how many
    moved."""
    locked = _touched(before).select_for_update(of=("self",))
    tickets = list(locked.select_related("team").order_by("pk"))
    found = _moves(tickets)
    deadlines.move(found, why=why, cause=cause, by=by, at=at)
    # Where no deadline moves, a step between them may.
    Ticket.objects.filter(pk__in=[one.pk for one in tickets]).update(next_step_at=at)
    return len(found)


# --- Underneath ----------------------------------------------------------------------------------
def _rehearse(act: Callable[[], object], at: datetime) -> Preview:
    """Really do it, look at what would move, and take it back: so it is what will be done."""
    with transaction.atomic():
        before = now()
        act()
        tickets = list(_touched(before).select_related("team").order_by("fix_due_at", "pk"))
        found = deadlines.summary(tickets, _moves(tickets), at=at)
        transaction.set_rollback(True)
    return found


def _touched(before: HoursByTeam) -> TicketQuerySet:
    """The open tickets of the teams whose hours are others by now; nobody else's are looked at."""
    others = {team for team, hours in now().items() if before.get(team) != hours}
    tickets = Ticket.objects.unresolved()
    of_teams = tickets.filter(team__in=others - {None})
    return of_teams | tickets.filter(team=None) if None in others else of_teams


def _moves(tickets: list[Ticket]) -> list[deadlines.Move]:
    known: dict[tuple[str, str], Terms] = {}

    def agreed(ticket: Ticket) -> Terms:
        key = (ticket.kind, ticket.severity)
        known[key] = known.get(key) or sla.terms(*key)
        return known[key]

    try:
        return deadlines.moves(tickets, agreed)
    except NoBusinessTime:
        sentence = "In these hours an open ticket would not be due within two years; add windows."
        raise ModelError(sentence, "hours") from None
