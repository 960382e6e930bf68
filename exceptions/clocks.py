"""A ticket's clocks stand still by rule alone: while nobody could do anything about it.

That is so while every record on it that is not settled is on hold, or while its connection does not
answer. What says so itself (the hold's ticket, the outage's) goes on: that is what is to be done.
How long they stood still comes on top of both deadlines.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest

from django.db import DatabaseError, transaction
from django.db.models import Q

from exceptions import escalation, keeping
from exceptions.models import Occurrence, Ticket, TicketQuerySet
from meshline.audit.actors import part
from meshline.policy import business_time, calendars

log = logging.getLogger(__name__)

KEEPER = part("clocks", "The tickets' clocks")


class Rule(StrEnum):
    RECORD = "record-on-hold"
    CONNECTION = "connection-down"


WORDS = {Rule.RECORD: "its record is on hold", Rule.CONNECTION: "its connection does not answer"}


@dataclass(frozen=True)
class Still:
    """What stands still for now, and since when: records on hold, connections that are down."""

    records: Mapping[str, datetime]
    connections: Mapping[str, datetime]


def keep(still: Still, *, at: datetime) -> Iterator[int]:
    """Stop the clocks that have to stand still, and let the others go on; each ticket's number.

    Each is a transaction. What is as it should be already is passed by: whoever has no more time
    asks for no further one, and begins with the rest of them the next time.
    """
    for ticket_id in _in_turn(_amiss(still)):
        _try(ticket_id, still, at)
        yield ticket_id


def words(ticket: Ticket) -> str:
    """Why its clocks stand still; empty while they run."""
    return WORDS[Rule(ticket.paused_by_rule)] if ticket.paused_by_rule else ""


# --- Which tickets ---------------------------------------------------------------------------
def _concerned(still: Still) -> TicketQuerySet:
    held = Occurrence.objects.filter(settled_at=None, record__in=list(still.records))
    to_stop = Q(pk__in=held.values("ticket")) | Q(connection__in=list(still.connections))
    running = Q(paused_since=None) & to_stop
    return Ticket.objects.unresolved().filter(running | Q(paused_since__isnull=False))


def _amiss(still: Still) -> dict[str, list[int]]:
    """Those whose clocks have to go on, and those they have to stop for, by what stops them."""
    concerned = _concerned(still)
    on_them = defaultdict(list)
    hang = Occurrence.objects.filter(settled_at=None, ticket__in=concerned.values("pk"))
    for ticket_id, record, subject in hang.values_list("ticket", "record", "subject"):
        on_them[ticket_id].append((record, subject))
    found = defaultdict(list)
    rows = concerned.order_by("pk").values_list("pk", "connection", "paused_since")
    for ticket_id, connection, paused_since in rows:
        rule = _rule(connection, on_them[ticket_id], still)
        if rule is None and paused_since:
            found[""].append(ticket_id)
        elif rule and not paused_since:
            found[f"{rule[0]}:{connection}"].append(ticket_id)
    return found


def _in_turn(groups: Mapping[str, list[int]]) -> list[int]:
    """One of each after the other: the many of one outage do not stand before everything else."""
    turns = zip_longest(*groups.values())
    return [ticket_id for turn in turns for ticket_id in turn if ticket_id is not None]


def _rule(
    connection: str, on_it: Collection[tuple[str, str]], still: Still
) -> tuple[Rule, datetime] | None:
    """Which rule stops the ticket on which these records and subjects are open, and since when what
    it goes by is so."""
    records, subjects = {record for record, _ in on_it}, {subject for _, subject in on_it}
    if records and records <= still.records.keys() and not _any(subjects, "hold:"):
        return Rule.RECORD, max(still.records[record] for record in records)
    since = still.connections.get(connection)
    if since and f"connection:{connection}" not in subjects:
        return Rule.CONNECTION, since
    return None


def _any(subjects: Iterable[str], kind: str) -> bool:
    return any(subject.startswith(kind) for subject in subjects)


# --- Stopping, and going on ------------------------------------------------------------------
def _try(ticket_id: int, still: Still, at: datetime) -> None:
    """One that cannot be helped does not stand before the others."""
    try:
        _keep_one(ticket_id, still, at)
    except DatabaseError:
        raise
    except Exception:
        log.exception("The clocks of ticket %s could not be kept", ticket_id)


@transaction.atomic
def _keep_one(ticket_id: int, still: Still, at: datetime) -> None:
    ticket = keeping.locked(ticket_id)
    if not ticket.is_unresolved:
        return
    on_it = ticket.all_occurrences.filter(settled_at=None).values_list("record", "subject")
    found = _rule(ticket.connection, on_it, still)
    if found and not ticket.paused_since:
        _stop(ticket, *found, at)
    elif ticket.paused_since and not found:
        _go_on(ticket, at)


def _stop(ticket: Ticket, rule: Rule, since: datetime, at: datetime) -> None:
    since = max(since, ticket.counted_from, ticket.ack_counted_from)
    # What was due before that is not put off.
    escalation.take(ticket_id=ticket.pk, at=at, until=since)
    ticket.refresh_from_db()
    ticket.paused_since, ticket.paused_by_rule = since, rule
    ticket.save(update_fields=["paused_since", "paused_by_rule"])
    why = f"Both clocks stand still while {WORDS[rule]}."
    keeping.record("ticket.paused", ticket, KEEPER, at, why=why)


def _go_on(ticket: Ticket, at: datetime) -> None:
    assert ticket.paused_since
    hours = calendars.hours_of(ticket.team)
    passed = business_time.between(ticket.paused_since, at, hours)
    why = f"Not any more: {words(ticket)}."
    before = {"fix by": ticket.fix_due_at}
    ticket.paused_for += passed
    ticket.fix_due_at = business_time.add(ticket.fix_due_at, passed, hours)
    if ticket.acknowledged_at is None:
        ticket.ack_paused_for += passed
        ticket.ack_due_at = business_time.add(ticket.ack_due_at, passed, hours)
    ticket.paused_since, ticket.paused_by_rule = None, ""
    ticket.resumed_at = ticket.next_step_at = at
    ticket.save()
    after = {"fix by": ticket.fix_due_at}
    keeping.record("ticket.resumed", ticket, KEEPER, at, before=before, after=after, why=why)
