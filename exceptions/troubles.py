"""Trouble of one cause becomes one ticket, which closes itself once all of it came right."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from exceptions import deadlines, keeping, merging, money, rechecking, reopening, snoozing
from exceptions.kinds import KINDS, Kind
from exceptions.models import Occurrence, Ticket
from exceptions.states import Resolution
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import availability
from meshline.people.models import User
from meshline.policy import calendars, processes, raci, sla
from meshline.policy.raci import Answerable


@dataclass(frozen=True)
class Trouble:
    """What went wrong, as the room that met it puts it.

    `cause` groups: trouble of the same cause hangs on one unresolved ticket. `subject` is the thing
    that must come right ("outcome:88"); when all subjects have, the ticket closes itself.
    """

    kind: str
    cause: str
    title: str
    reason: str
    subject: str
    evidence: dict[str, Any]
    record: str = ""
    record_title: str = ""
    connection: str = ""
    amount: Decimal | None = None
    currency: str = ""
    remedies: list[dict[str, Any]] = field(default_factory=list)
    owner: User | None = None
    # Why it is them; and a severity and a process of its own, where its kind's do not count.
    owner_why: str = ""
    severity: str = ""
    process: str = ""
    led_from: str = ""
    # What the cause is made of, where it is known: each tells causes apart.
    contract: str = ""
    step: str = ""
    failure: str = ""
    field_name: str = ""

    @property
    def fingerprint(self) -> str:
        """What groups: the cause, and those of its parts that it does not name itself."""
        parts = (self.contract, self.step, self.failure, self.field_name)
        named = self.cause.split(":")
        rest = "".join(f":{part}" for part in parts if part and part not in named)
        return f"{self.cause[: _CAUSE_LENGTH - len(rest)]}{rest}"

    @property
    def grave(self) -> str:
        """How grave it is: as it says itself, or as its kind is."""
        return self.severity or KINDS[self.kind].severity


_CAUSE_LENGTH = 300


@transaction.atomic
def open_ticket(trouble: Trouble, *, by: Someone, at: datetime) -> Ticket:
    """Open a ticket, or hang one more occurrence on the unresolved one of the same cause.

    What comes back soon after it was resolved opens that ticket again.
    """
    ticket = _unresolved(trouble.fingerprint)
    if ticket is None:
        try:
            with transaction.atomic():
                return _open_or_reopen(trouble, by, at)
        except IntegrityError:
            # Somebody opened it between our look and our insert: theirs is the one.
            ticket = _unresolved(trouble.fingerprint)
            if ticket is None:
                raise
    return _add_occurrence(ticket, trouble, by, at)


def _open_or_reopen(trouble: Trouble, by: Someone, at: datetime) -> Ticket:
    known = reopening.before(trouble.fingerprint)
    if known and reopening.is_near(known, at=at):
        return _reopen(known, trouble, by, at)
    return _open_new(trouble, by, at, follows=known)


def hanging(subjects: Iterable[str]) -> list[str]:
    """Those of these subjects that keep a ticket open, in the order of their tickets."""
    rows = Occurrence.objects.filter(subject__in=list(subjects), settled_at=None)
    return list(dict.fromkeys(rows.order_by("ticket_id").values_list("subject", flat=True)))


def settle(
    *, subject: str, because: str, by: Someone, at: datetime, kinds: set[str] | None = None,
    resolution: Resolution = Resolution.EVIDENCE,
) -> None:  # fmt: skip
    """A subject came right: tickets on which nothing else is open close on that evidence, or for
    the `resolution` that a person gave."""
    # Nearly always there is none, and nothing to hold a transaction for. While one waits for a
    # ticket, a merge may hang the subject on another: so one looks until it hangs on none.
    while tickets := _with(subject, kinds):
        _settle_on_all(tickets, subject, because, by, at, resolution)


@transaction.atomic
def replace(ticket: Ticket, old: str, new: str, *, because: str, by: Someone, at: datetime) -> None:
    """Another subject stands on this open ticket in the place of one that is settled by it."""
    ticket = keeping.locked(ticket.pk)
    place = ticket.all_occurrences.filter(subject=old).first()
    if place is None or not ticket.is_unresolved:
        return
    told = ("evidence", "record", "record_title", "amount", "currency")
    kept = {name: getattr(place, name) for name in told}
    Occurrence.objects.create(ticket=ticket, subject=new, at=at, **kept)
    ticket.occurrences += 1
    ticket.save(update_fields=["occurrences"])
    mine = ticket.all_occurrences.filter(subject=old, settled_at=None)
    mine.update(settled_at=at, settled_because=because[:300])
    after = {"subject": new, "in place of": old}
    keeping.record("ticket.occurred-again", ticket, by, at, after=after, why=because)


def unsettled(ticket: Ticket) -> list[str]:
    """The subjects that still have to come right before the ticket closes itself."""
    return list(
        ticket.all_occurrences.filter(settled_at=None)
        .order_by("pk")
        .values_list("subject", flat=True)
    )


def _open_new(
    trouble: Trouble, by: Someone, at: datetime, *, follows: Ticket | None = None
) -> Ticket:
    kind = KINDS[trouble.kind]
    process = _process(trouble, kind)
    answerable = _owner(trouble, process, at)
    owner, why = answerable.user, answerable.why
    severity = trouble.grave
    agreed = sla.terms(kind.name, severity)
    ticket = Ticket.objects.create(
        kind=kind.name, severity=severity, process=process,
        cause=trouble.fingerprint, follows=follows,
        contract=trouble.contract, step=trouble.step, failure=trouble.failure,
        field_name=trouble.field_name,
        title=trouble.title[:300], reason=trouble.reason,
        record=trouble.record, record_title=trouble.record_title[:300],
        connection=trouble.connection,
        amount_at_risk=trouble.amount, currency=trouble.currency,
        evidence=trouble.evidence, remedies=trouble.remedies,
        owner=owner, owner_why=why[:300], stands_in_for=answerable.stands_in_for,
        team=owner.team, opened_at=at, last_seen_at=at,
        counted_from=at, ack_counted_from=at,
        ack_due_at=calendars.due(at, within=agreed.ack_within, team=owner.team),
        fix_due_at=calendars.due(at, within=agreed.fix_within, team=owner.team),
        # The clock looks at once, and says when next.
        next_step_at=at,
    )  # fmt: skip
    _hang(ticket, trouble, at)
    # The reason may name a customer: it stands on the ticket itself, where it can be erased.
    after = {"kind": kind.name, "owner": owner}
    if follows:
        after["follows"] = follows.pk
    keeping.record("ticket.opened", ticket, by, at, after=after, why=why, cause=trouble.led_from)
    keeping.tell_owner(ticket, at, "opened", "New ticket for you")
    return ticket


def _reopen(ticket: Ticket, trouble: Trouble, by: Someone, at: datetime) -> Ticket:
    """The same cause is back: its ticket says what is so now, and goes to who answers for it."""
    if _hang(ticket, trouble, at):
        ticket.occurrences += 1
    ticket.reason, ticket.evidence, ticket.last_seen_at = trouble.reason, trouble.evidence, at
    ticket.remedies, ticket.severity = trouble.remedies, trouble.grave
    answerable = _owner(trouble, ticket.falls_under, at)
    why = f"It happened again: {trouble.reason}"
    return reopening.reopen(
        ticket, why=why, by=by, at=at, answerable=answerable, came_back=True
    )  # fmt: skip


def _add_occurrence(ticket: Ticket, trouble: Trouble, by: Someone, at: datetime) -> Ticket:
    is_new = _hang(ticket, trouble, at)
    ticket.last_seen_at = at
    if is_new:
        ticket.occurrences += 1
        after = {"occurrences": ticket.occurrences, "subject": trouble.subject}
        # On the story of the record it happened to, which may be another than the first one's.
        trail.record(
            "ticket.occurred-again", subject=ticket, record=trouble.record, by=by, at=at,
            after=after, cause=trouble.led_from,
        )  # fmt: skip
    ticket.save(update_fields=["last_seen_at", "occurrences"])
    if trouble.amount is not None:
        money.count(ticket)
    deadlines.make_graver(ticket, trouble.grave, by=by, at=at)
    snoozing.happened_again(ticket, at=at)
    return ticket


def _hang(ticket: Ticket, trouble: Trouble, at: datetime) -> bool:
    """Hang the trouble's subject on the ticket; False when it was there and open already."""
    told = {
        "evidence": trouble.evidence, "record": trouble.record,
        "record_title": trouble.record_title[:300], "amount": trouble.amount,
        "currency": trouble.currency,
    }  # fmt: skip
    occurrence, is_new = Occurrence.objects.get_or_create(
        ticket=ticket, subject=trouble.subject, defaults={"at": at, **told}
    )
    if not is_new:
        now_open = {"times": occurrence.times + 1, "settled_at": None, "settled_because": ""}
        Occurrence.objects.filter(pk=occurrence.pk).update(**told, **now_open)
    return is_new


def _with(subject: str, kinds: set[str] | None) -> list[int]:
    """The tickets on which this subject still has to come right, in the order of their numbers."""
    open_ones = Occurrence.objects.hanging().filter(subject=subject)
    if kinds is not None:
        open_ones = open_ones.filter(ticket__kind__in=kinds)
    return sorted(set(open_ones.values_list("ticket_id", flat=True)))


@transaction.atomic
def _settle_on_all(
    tickets: list[int], subject: str, because: str, by: Someone, at: datetime,
    resolution: Resolution,
) -> None:  # fmt: skip
    for ticket_id in tickets:
        _settle_on(keeping.locked(ticket_id), subject, because, by, at, resolution)


def _settle_on(
    ticket: Ticket, subject: str, because: str, by: Someone, at: datetime, resolution: Resolution
) -> None:
    mine = ticket.all_occurrences.filter(subject=subject, settled_at=None)
    if not mine.update(settled_at=at, settled_because=because[:300]):
        return
    if ticket.all_occurrences.filter(settled_at=None).exists():
        money.count(ticket)
    elif ticket.is_unresolved:
        # From here on it says what was at risk in all.
        money.count(ticket, whole=True)
        person = by if isinstance(by, User) and resolution is not Resolution.EVIDENCE else None
        keeping.close(ticket, resolution, because, by, at, person=person)
    elif ticket.is_unverified:
        rechecking.verified(ticket, because, by, at)


def _process(trouble: Trouble, kind: Kind) -> str:
    """Its own, or its kind's; a connection's health is a process of that connection."""
    if not trouble.process and kind.process == processes.HEALTH and trouble.connection:
        return processes.of_connection(trouble.connection)
    return trouble.process or kind.process


def _owner(trouble: Trouble, process: str, at: datetime) -> Answerable:
    """Who owns the record, or whoever has their work; otherwise by the process."""
    owner = trouble.owner
    found = availability.stand_in_for(owner, at=at) if owner else None
    if owner is None or found is None:
        return raci.responsible_for(process, at=at)
    if found == owner:
        return Answerable(owner, trouble.owner_why or f"{owner.name} owns the record.")
    meant = trouble.owner_why or f"{owner.name} owns the record."
    why = f"{found.name} stands in for {owner.name}. {meant}"
    return Answerable(found, why, stands_in_for=owner if owner.is_active else None)


def _unresolved(cause: str) -> Ticket | None:
    """The open ticket of this cause, or the one of which its ticket has become a part."""
    open_ones = Ticket.objects.unresolved().select_for_update(of=("self",))
    found = open_ones.filter(cause=cause).first()
    if found is None and (into := merging.takes_in(cause)):
        found = open_ones.filter(pk=into).first()
    return found
