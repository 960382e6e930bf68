"""The desk: tickets are opened, claimed, acknowledged, escalated and resolved here alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from exceptions import states
from exceptions.kinds import KINDS, Kind, Severity
from exceptions.models import Occurrence, Ticket, TicketNote
from exceptions.states import MoveError, Resolution, Status
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.notices import kinds, notices
from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission
from meshline.policy import calendars, processes, raci, sla
from meshline.policy.raci import Answerable

NOTE_LENGTH = 10_000
_CLAIM = ("claimed_by", "claimed_at", "claimed_for")


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


@transaction.atomic
def open_ticket(trouble: Trouble, *, by: Someone, at: datetime) -> Ticket:
    """Open a ticket, or hang one more occurrence on the unresolved one of the same cause."""
    ticket = _unresolved(trouble.cause)
    if ticket is None:
        try:
            with transaction.atomic():
                return _open_new(trouble, by, at)
        except IntegrityError:
            # Somebody opened it between our look and our insert: theirs is the one.
            ticket = _unresolved(trouble.cause)
            if ticket is None:
                raise
    return _add_occurrence(ticket, trouble, by, at)


@transaction.atomic
def claim(*, ticket_id: int, by: User, at: datetime) -> Ticket:
    """Take a ticket. Raises MoveError, naming the winner, when somebody was faster."""
    ticket = _locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    if ticket.claimed_by and ticket.is_unresolved:
        raise MoveError(_taken(ticket, by, at))
    states.check_move(ticket.status, Status.CLAIMED)
    if not availability.is_available(by, at=at):
        raise MoveError("You are out: end your absence first, or leave it to who stands in.")
    ticket.status, ticket.claimed_by, ticket.claimed_at = Status.CLAIMED, by, at
    # Who stands in works on it for somebody: the claim goes back together with the ticket.
    ticket.claimed_for = ticket.stands_in_for if by.pk == ticket.owner_id else None
    ticket.save(update_fields=[*_CLAIM, "status"])
    _record("ticket.claimed", ticket, by, at)
    return ticket


@transaction.atomic
def release(*, ticket_id: int, by: User, at: datetime) -> Ticket:
    """Put a claimed ticket back for others. Only who has it, or who may take it over, may."""
    ticket = _locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    states.check_move(ticket.status, Status.OPEN)
    _only_its_claimer(ticket, by, "release")
    before = {"claimed by": ticket.claimed_by}
    ticket.status, ticket.claimed_by, ticket.claimed_at = Status.OPEN, None, None
    ticket.claimed_for = None
    ticket.save(update_fields=[*_CLAIM, "status"])
    _record("ticket.released", ticket, by, at, before=before)
    return ticket


@transaction.atomic
def acknowledge(*, ticket_id: int, by: User, at: datetime) -> Ticket:
    """Say "I am on it": stops the first of the two clocks. The first acknowledgement stays."""
    ticket = _locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    states.check_move(ticket.status, Status.ACKNOWLEDGED)
    _only_its_claimer(ticket, by, "acknowledge")
    ticket.status = Status.ACKNOWLEDGED
    if ticket.acknowledged_at is None:
        ticket.acknowledged_by, ticket.acknowledged_at = by, at
    ticket.save(update_fields=["status", "acknowledged_by", "acknowledged_at"])
    _record("ticket.acknowledged", ticket, by, at)
    return ticket


@transaction.atomic
def resolve(*, ticket_id: int, resolution: str, note: str = "", by: User, at: datetime) -> Ticket:
    """Close a ticket by hand, for one of the reasons people may give.

    Raises ValueError with a sentence when the reason is none of them.
    """
    ticket = _locked(ticket_id)
    permissions.check(by, Permission.RESOLVE_TICKET, owner=ticket.whose)
    if resolution not in dict(Resolution.for_people()):
        reasons = ", ".join(dict(Resolution.for_people()))
        raise ValueError(f"Say why it is resolved, with one of: {reasons}.")
    states.check_move(ticket.status, Status.RESOLVED)
    return _close(ticket, Resolution(resolution), _readable(note), by, at, person=by)


@transaction.atomic
def escalate(*, ticket_id: int, reason: str, by: User, at: datetime) -> Ticket:
    """Hand a ticket to whoever is accountable for its process; they are told."""
    ticket = _locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    if not ticket.is_unresolved:
        raise MoveError("A ticket that is resolved cannot be escalated.")
    if not _readable(reason):
        raise ValueError("Say why it is escalated.")
    answerable = raci.accountable_for(ticket.falls_under, at=at)
    if answerable.user.pk == ticket.owner_id:
        raise MoveError(f"{ticket.owner.name} is accountable already; there is nobody above.")
    before = {"owner": ticket.owner}
    ticket.owner, ticket.owner_why = answerable.user, f"Escalated: {answerable.why}"
    ticket.team, ticket.escalated = answerable.user.team, ticket.escalated + 1
    ticket.stands_in_for = answerable.stands_in_for
    ticket.save(update_fields=["owner", "owner_why", "stands_in_for", "team", "escalated"])
    after = {"owner": ticket.owner}
    _record("ticket.escalated", ticket, by, at, before=before, after=after, why=_readable(reason))
    _tell_owner(ticket, at, f"escalated-{ticket.escalated}", "Escalated to you", kinds.ESCALATED)
    return ticket


@transaction.atomic
def note(*, ticket_id: int, text: str, by: User, at: datetime) -> TicketNote:
    """Write something down on a ticket. Raises ValueError on nothing or over 10,000 characters."""
    ticket = _locked(ticket_id)
    permissions.check(by, Permission.NOTE_TICKET, owner=ticket.owner)
    text = _readable(text)
    if not text:
        raise ValueError("A note needs some text.")
    written = TicketNote.objects.create(ticket=ticket, by=by, at=at, text=text)
    _record("ticket.noted", ticket, by, at, after={"note": text})
    return written


def hanging(subjects: Iterable[str]) -> list[str]:
    """Those of these subjects that keep a ticket open, in the order of their tickets."""
    rows = Occurrence.objects.filter(subject__in=list(subjects), settled_at=None)
    return list(dict.fromkeys(rows.order_by("ticket_id").values_list("subject", flat=True)))


def settle(
    *, subject: str, because: str, by: Someone, at: datetime, kinds: set[str] | None = None
) -> None:
    """A subject came right: tickets on which nothing else is open close on that evidence."""
    # Nearly always there is none, and nothing to hold a transaction for.
    open_ones = Occurrence.objects.filter(subject=subject, settled_at=None)
    open_ones = open_ones.exclude(ticket__status=Status.RESOLVED)
    if kinds is not None:
        open_ones = open_ones.filter(ticket__kind__in=kinds)
    if tickets := sorted(set(open_ones.values_list("ticket_id", flat=True))):
        _settle_on_all(tickets, subject, because, by, at)


def unsettled(ticket: Ticket) -> list[str]:
    """The subjects that still have to come right before the ticket closes itself."""
    return list(
        ticket.all_occurrences.filter(settled_at=None)
        .order_by("pk")
        .values_list("subject", flat=True)
    )


def _open_new(trouble: Trouble, by: Someone, at: datetime) -> Ticket:
    kind = KINDS[trouble.kind]
    process = _process(trouble, kind)
    answerable = _owner(trouble, process, at)
    owner, why = answerable.user, answerable.why
    severity = trouble.severity or kind.severity
    agreed = sla.terms(kind.name, severity)
    ticket = Ticket.objects.create(
        kind=kind.name, severity=severity, process=process, cause=trouble.cause[:300],
        title=trouble.title[:300], reason=trouble.reason,
        record=trouble.record, record_title=trouble.record_title[:300],
        connection=trouble.connection,
        amount_at_risk=trouble.amount, currency=trouble.currency,
        evidence=trouble.evidence, remedies=trouble.remedies,
        owner=owner, owner_why=why[:300], stands_in_for=answerable.stands_in_for,
        team=owner.team, opened_at=at, last_seen_at=at,
        ack_due_at=calendars.due(at, within=agreed.ack_within, team=owner.team),
        fix_due_at=calendars.due(at, within=agreed.fix_within, team=owner.team),
    )  # fmt: skip
    _hang(ticket, trouble, at)
    # The reason may name a customer: it stands on the ticket itself, where it can be erased.
    after = {"kind": kind.name, "owner": owner}
    _record("ticket.opened", ticket, by, at, after=after, why=why, cause=trouble.led_from)
    _tell_owner(ticket, at, "opened", "New ticket for you")
    return ticket


def _add_occurrence(ticket: Ticket, trouble: Trouble, by: Someone, at: datetime) -> Ticket:
    is_new = _hang(ticket, trouble, at)
    ticket.last_seen_at = at
    if is_new:
        ticket.occurrences += 1
        _add_amount(ticket, trouble)
        after = {"occurrences": ticket.occurrences, "subject": trouble.subject}
        # On the story of the record it happened to, which may be another than the first one's.
        trail.record(
            "ticket.occurred-again", subject=ticket, record=trouble.record, by=by, at=at,
            after=after, cause=trouble.led_from,
        )  # fmt: skip
    ticket.save(update_fields=["last_seen_at", "occurrences", "amount_at_risk", "currency"])
    return ticket


def _add_amount(ticket: Ticket, trouble: Trouble) -> None:
    """One more record's money is at risk; a ticket opened without any takes its currency."""
    if trouble.amount is None or _records_on(ticket).count(trouble.record) > 1:
        return
    if ticket.amount_at_risk is None:
        ticket.amount_at_risk, ticket.currency = Decimal(0), trouble.currency
    if trouble.currency == ticket.currency:
        ticket.amount_at_risk += trouble.amount


def _hang(ticket: Ticket, trouble: Trouble, at: datetime) -> bool:
    """Hang the trouble's subject on the ticket; False when it was there and open already."""
    evidence = {**trouble.evidence, "record": trouble.record, "record_title": trouble.record_title}
    occurrence, is_new = Occurrence.objects.get_or_create(
        ticket=ticket, subject=trouble.subject, defaults={"at": at, "evidence": evidence}
    )
    if not is_new:
        occurrence.times, occurrence.evidence = occurrence.times + 1, evidence
        occurrence.settled_at, occurrence.settled_because = None, ""
        occurrence.save()
    return is_new


def _records_on(ticket: Ticket) -> list[str]:
    return [row["record"] for row in ticket.all_occurrences.values_list("evidence", flat=True)]


@transaction.atomic
def _settle_on_all(
    tickets: list[int], subject: str, because: str, by: Someone, at: datetime
) -> None:
    for ticket_id in tickets:
        _settle_on(_locked(ticket_id), subject, because, by, at)


def _settle_on(ticket: Ticket, subject: str, because: str, by: Someone, at: datetime) -> None:
    mine = ticket.all_occurrences.filter(subject=subject, settled_at=None)
    if not ticket.is_unresolved or not mine.update(settled_at=at, settled_because=because[:300]):
        return
    if not ticket.all_occurrences.filter(settled_at=None).exists():
        _close(ticket, Resolution.EVIDENCE, because, by, at, person=None)


def _close(
    ticket: Ticket, resolution: Resolution, note: str, by: Someone, at: datetime,
    *, person: User | None,
) -> Ticket:  # fmt: skip
    before = {"status": ticket.status}
    ticket.status, ticket.resolution, ticket.resolution_note = Status.RESOLVED, resolution, note
    ticket.resolved_by, ticket.resolved_at = person, at
    ticket.save(
        update_fields=["status", "resolution", "resolution_note", "resolved_by", "resolved_at"]
    )
    after = {"status": ticket.status, "resolution": resolution.value}
    _record("ticket.resolved", ticket, by, at, before=before, after=after, why=note)
    return ticket


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
    return Ticket.objects.unresolved().select_for_update().filter(cause=cause[:300]).first()


def _locked(ticket_id: int) -> Ticket:
    # The people are fetched apart: FOR UPDATE cannot lock the nullable side of a join.
    return Ticket.objects.select_for_update().get(pk=ticket_id)


def _taken(ticket: Ticket, by: User, at: datetime) -> str:
    if ticket.claimed_by == by:
        return "You have claimed this already."
    seconds = max(0, int((at - (ticket.claimed_at or at)).total_seconds()))
    ago = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
    name = ticket.claimed_by.name if ticket.claimed_by else "Somebody"
    return f"{name} claimed this {ago} ago."


def _only_its_claimer(ticket: Ticket, by: User, deed: str) -> None:
    if ticket.claimed_by_id == by.pk or permissions.may(
        by, Permission.TAKE_OVER_TICKET, owner=ticket.owner
    ):
        return
    raise NotAllowed(f"{ticket.whose.name} has claimed this; only they can {deed} it.")


def _tell_owner(
    ticket: Ticket, at: datetime, occasion: str, words: str, kind: str = kinds.TICKET
) -> None:
    notices.tell(
        ticket.owner,
        f"{words}: {ticket.title}",
        key=f"ticket:{ticket.pk}:{occasion}",
        url=reverse("exceptions:ticket", args=[ticket.pk]),
        kind=kind,
        record=ticket.record or f"ticket:{ticket.pk}",
        record_title=ticket.record_title or ticket.title,
        is_critical=ticket.severity == Severity.CRITICAL,
        at=at,
    )


def _readable(text: str) -> str:
    text = text.replace("\0", "").strip()
    if len(text) > NOTE_LENGTH:
        raise ValueError(f"Keep it under {NOTE_LENGTH:,} characters; this has {len(text):,}.")
    return text


def _record(
    what: str, ticket: Ticket, by: Someone, at: datetime, *, before: dict | None = None,
    after: dict | None = None, why: str = "", cause: str = "",
) -> None:  # fmt: skip
    trail.record(
        what, subject=ticket, record=ticket.record, by=by, at=at,
        before=before, after=after, why=why, cause=cause,
    )  # fmt: skip
