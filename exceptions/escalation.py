"""What the clock does about open tickets: warns, hands up, and takes back what was forgotten.

Each step is found from due columns and written down as a row, in one transaction with what it
does: whoever does it again finds the row, and a clock that was killed in the middle did nothing.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from exceptions import escalation_terms, keeping, steps
from exceptions.models import Step, Ticket
from exceptions.states import Status
from exceptions.steps import Agreed, Clock, Facts, Level, Planned
from meshline import bulk
from meshline.audit.actors import part
from meshline.notices import kinds
from meshline.people import availability
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import calendars, raci, sla, spans
from meshline.policy.business_time import Hours
from meshline.policy.raci import Answerable

log = logging.getLogger(__name__)

ESCALATOR = part("escalation", "The escalation")
BATCH = 200
# A ticket about which nothing could be done is tried again, and does not stand before the others.
TRIED_AGAIN_AFTER = timedelta(minutes=1)
# Of a calendar in which no step comes any more, as far as can be seen.
LOOKED_AT_AFTER = timedelta(days=1)
_NOTICES = {
    Level.QUIET: kinds.SLA_QUIET, Level.OWNER: kinds.SLA_OWNER, Level.LEAD: kinds.SLA_LEAD,
    Level.ACCOUNTABLE: kinds.SLA_ACCOUNTABLE,
}  # fmt: skip
_CLAIM = (*keeping.CLAIM, "acknowledged_by", "acknowledged_at")
_WORK = Permission.WORK_QUEUE


def look(*, at: datetime) -> Iterator[int]:
    """Take every step that is due, the longest due first; how many tickets in each batch.

    Whoever has no more time asks for no further batch.
    """
    agreed = escalation_terms.in_force().agreed
    while looked := _look_ahead(agreed, at):
        for ticket_id in looked[1]:
            _try(ticket_id, at)
        yield looked[0]


@transaction.atomic
def take(*, ticket_id: int, at: datetime, until: datetime | None = None) -> list[Step]:
    """Take the steps of one ticket that are due, in their order, and say when the next one is.

    `until`: only those that were due by then.
    """
    ticket = keeping.locked(ticket_id)
    taken: list[Step] = []
    if not ticket.is_unresolved or ticket.paused_since:
        return taken
    agreed, hours = escalation_terms.in_force().agreed, calendars.hours_of(ticket.team)
    while (step := _next(ticket, hours, agreed)) and step.due_at <= (until or at):
        taken.append(_do(ticket, step, at))
    ticket.next_step_at = step.due_at if step else at + LOOKED_AT_AFTER
    ticket.save(update_fields=["next_step_at"])
    return taken


def ahead(ticket: Ticket) -> list[Planned]:
    """What the clock will do about an open ticket if nobody does anything, in order."""
    agreed = escalation_terms.in_force().agreed
    return steps.planned(_facts(ticket, calendars.hours_of(ticket.team)), agreed)


# --- Which tickets, and which steps ----------------------------------------------------------
@transaction.atomic
def _look_ahead(agreed: Agreed, at: datetime) -> tuple[int, list[int]] | None:
    """Say of the next tickets when their next step is; how many, and which have one due by now."""
    rows = Ticket.objects.unresolved().filter(next_step_at__lte=at, paused_since=None)
    locked = rows.select_for_update(of=("self",), skip_locked=True).select_related("team")
    tickets = list(locked.order_by("next_step_at", "pk").prefetch_related("steps")[:BATCH])
    hours: dict[int | None, Hours] = {}
    for ticket in tickets:
        if ticket.team_id not in hours:
            hours[ticket.team_id] = calendars.hours_of(ticket.team)
        step = _next(ticket, hours[ticket.team_id], agreed)
        ticket.next_step_at = step.due_at if step else at + LOOKED_AT_AFTER
    bulk.update(tickets, ["next_step_at"])
    due = [one for one in tickets if one.next_step_at and one.next_step_at <= at]
    return (len(tickets), [one.pk for one in due]) if tickets else None


def _next(ticket: Ticket, hours: Hours, agreed: Agreed) -> Planned | None:
    return next(iter(steps.planned(_facts(ticket, hours), agreed)), None)


def _facts(ticket: Ticket, hours: Hours) -> Facts:
    taken = list(ticket.steps.all())
    ack = Clock(
        ticket.reopened + ticket.lapsed, ticket.ack_counted_from, ticket.ack_due_at,
        ticket.ack_paused_for, ticket.acknowledged_at,
    )  # fmt: skip
    moments = (ticket.last_act_at, ticket.snoozed_until, ticket.resumed_at, ack.starts_at)
    return Facts(
        ack=ack,
        fix=Clock(ticket.reopened, ticket.counted_from, ticket.fix_due_at, ticket.paused_for),
        hours=hours,
        active_at=max(moment for moment in moments if moment),
        taken=frozenset((step.round, step.name) for step in taken),
        last_taken_at=max((step.done_at for step in taken), default=None),
    )


def _try(ticket_id: int, at: datetime) -> None:
    try:
        take(ticket_id=ticket_id, at=at)
    except DatabaseError:
        raise
    except Exception:
        log.exception("No step could be taken about ticket %s", ticket_id)
        again = at + TRIED_AGAIN_AFTER
        Ticket.objects.unresolved().filter(pk=ticket_id).update(next_step_at=again)


# --- Taking a step ---------------------------------------------------------------------------
def _do(ticket: Ticket, step: Planned, at: datetime) -> Step:
    row = Step(
        ticket=ticket, round=step.round, name=step.name, due_at=step.due_at, done_at=at,
        is_late=steps.is_late(step.due_at, at=at),
    )  # fmt: skip
    if step.name == steps.LAPSE:
        row.what = _lapse(ticket, row, at)
    elif step.level is None:
        row.what = _call_to_mind(ticket, row, at)
    elif step.clock in (steps.ACK, steps.FIX):
        row.what = _warn(ticket, step, row, at)
    else:
        row.what = _hand_up(ticket, step.level, row, at)
    row.what = row.what[:300]
    row.save(force_insert=True)
    return row


def _warn(ticket: Ticket, step: Planned, row: Step, at: datetime) -> str:
    assert step.level
    people = _whom(ticket, step.level, at)
    deed = "acknowledge" if step.clock == steps.ACK else "fix"
    words = f"{step.percent} % of the time to {deed} it is over"
    keeping.tell(people, ticket, at, _occasion(row), _late(words, row), _NOTICES[step.level])
    told = f"{_names(people)} {'was' if len(people) == 1 else 'were'} told."
    keeping.record("ticket.warned", ticket, ESCALATOR, at, why=f"{words}. {told}")
    return told


def _whom(ticket: Ticket, level: Level, at: datetime) -> list[User]:
    """Who has it and whose it is; the lead as well, or who is accountable alone."""
    if level is Level.ACCOUNTABLE:
        return [raci.accountable_for(ticket.falls_under, at=at).user]
    people = [ticket.whose, ticket.owner]
    if level is Level.LEAD:
        people.append(_lead(ticket, at) or raci.above(ticket.falls_under, at=at).user)
    return list({user.pk: user for user in people}.values())


def _hand_up(ticket: Ticket, level: Level, row: Step, at: datetime) -> str:
    """To the first one from that level up who does not have it yet."""
    if ticket.acknowledged_at:
        return "It was acknowledged meanwhile, and stays where it is."
    minutes = spans.words(_overdue_by(ticket, at))
    why = f"Nobody acknowledged it; it is {minutes} of business time overdue."
    before, found = {"owner": ticket.owner}, _above(ticket, level, at)
    is_handed = found.user.pk != ticket.owner_id
    had = keeping.hand_up(ticket, found) if is_handed else None
    keeping.record(
        "ticket.escalated", ticket, ESCALATOR, at,
        before=before | ({"claimed by": had} if had else {}), after={"owner": ticket.owner},
        # Whoever gets it did not put it to sleep.
        why=why, slept=keeping.rouse(ticket, at) if is_handed else None,
    )  # fmt: skip
    words = _late("Escalated to you", row)
    keeping.tell_owner(ticket, at, _occasion(row), words, kinds.ESCALATED)
    if had:
        keeping.tell_it_went_up(had, ticket, at, _occasion(row))
    return f"{ticket.owner.name} {'has it now' if is_handed else 'has it already, and was told'}."


def _above(ticket: Ticket, level: Level, at: datetime) -> Answerable:
    """Who comes next: second on call, the team's lead, who is accountable. Mostly somebody else."""
    if level is Level.SECONDARY and ticket.team:
        second = availability.second_on_call(ticket.team, at=at, may=_WORK)
        if second and second.pk != ticket.owner_id:
            return Answerable(second, f"{second.name} is second on call for {ticket.team}.")
    if level is not Level.ACCOUNTABLE:
        lead = _lead(ticket, at)
        if lead and lead.pk != ticket.owner_id:
            return Answerable(lead, f"{lead.name} leads {ticket.team}.")
    return raci.above(ticket.falls_under, at=at)


def _lead(ticket: Ticket, at: datetime) -> User | None:
    lead = ticket.team.lead if ticket.team else None
    return availability.stand_in_for(lead, at=at, may=_WORK) if lead else None


def _lapse(ticket: Ticket, row: Step, at: datetime) -> str:
    """Nothing was done since it was acknowledged: it is anybody's again, and waits anew."""
    had = ticket.whose
    before = {"status": ticket.status, "claimed by": ticket.claimed_by}
    ticket.status, ticket.lapsed = Status.OPEN, ticket.lapsed + 1
    for name in _CLAIM:
        setattr(ticket, name, None)
    agreed = sla.terms(ticket.kind, ticket.severity)
    ticket.ack_counted_from, ticket.ack_paused_for = at, timedelta()
    ticket.ack_due_at = calendars.due(at, within=agreed.ack_within, team=ticket.team)
    ticket.save()
    words = "Its acknowledgement lapsed, as nothing was done since"
    after = {"status": ticket.status, "acknowledge by": ticket.ack_due_at}
    keeping.record(
        "ticket.lapsed", ticket, ESCALATOR, at, before=before, after=after, why=f"{words}."
    )
    people = {one.pk: one for one in (had, ticket.owner)}.values()
    keeping.tell(people, ticket, at, _occasion(row), _late(words, row), kinds.SLA_LEAD)
    return f"It is free for others again; {had.name} had it."


def _call_to_mind(ticket: Ticket, row: Step, at: datetime) -> str:
    found = raci.accountable_for(ticket.falls_under, at=at).user
    people = list({one.pk: one for one in (ticket.owner, found)}.values())
    words = "It is still open, and nobody has acknowledged it"
    keeping.tell(people, ticket, at, _occasion(row), _late(words, row), kinds.SLA_ACCOUNTABLE)
    keeping.record("ticket.warned", ticket, ESCALATOR, at, why=f"{words}.")
    return f"{_names(people)} {'was' if len(people) == 1 else 'were'} told."


# --- In words --------------------------------------------------------------------------------
def _occasion(row: Step) -> str:
    return f"{row.name}:{row.round}"


def _late(words: str, row: Step) -> str:
    return f"{words} (late: it was due {row.due_at:%-d %b, %H:%M} UTC)" if row.is_late else words


def _names(people: list[User]) -> str:
    return " and ".join(user.name for user in people)


def _overdue_by(ticket: Ticket, at: datetime) -> int:
    from_due = calendars.passed(ticket.ack_due_at, at, team=ticket.team)
    return int(from_due.total_seconds() // 60)
