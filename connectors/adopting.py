"""An invoice that billing has and nobody linked is taken for the invoice of a proposal of ours.

Which there are is read from the newest complete snapshot. The link is kept, and the invoice is then
told by the door of the webhooks, in the words it was read in: what follows, follows from that.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from connectors import digest, inbox, minor, registry, snapshots
from connectors.models import Connection, Message, RecordLink, Snapshot, SnapshotRow
from meshline.audit import trail
from meshline.money import worded
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import roles
from proposals import billing, retelling, steering
from proposals.contracts import promising
from proposals.models import Outcome, Proposal
from proposals.models.outcome import State

INVOICES, INVOICE = "invoices", "invoice"
# Those that ask the customer for something.
ASKING = ("open", "paid", "uncollectible")
SHOWN = 25
LONGEST_REASON = 1000


class CannotLink(Exception):
    """Why this invoice is not linked, as a sentence."""


@dataclass(frozen=True)
class Books:
    """What billing held when it was read to the end last."""

    there: Connection
    snapshot: Snapshot


@dataclass(frozen=True)
class Found:
    """An invoice of theirs that nobody linked, beside what is open of the proposal."""

    external_id: str
    number: str
    status: str
    amount: Decimal | None
    currency: str
    email: str
    # Empty where it is for what is open.
    differs: str
    names_it: bool


def books() -> Books | None:
    """The newest complete snapshot of whoever plays billing; None while there is none."""
    slug = roles.connection_for("billing")
    there = Connection.objects.filter(slug=slug).first() if slug else None
    snapshot = snapshots.newest_complete(there.pk, INVOICES) if there else None
    return Books(there, snapshot) if there and snapshot else None


def unlinked(proposal: Proposal, *, expected: Decimal, kept: Books, words: str = "") -> list[Found]:
    """Those that ask for money and nobody linked, what fits best first: the few that name it, are
    for the same or for the same person; with `words` those that hold them."""
    rows = _unlinked(kept)
    fits = _same_money(proposal, expected) | _named(proposal) | _same_person(proposal)
    if words:
        fits = (
            Q(external_id__icontains=words)
            | Q(fields__number__icontains=words)
            | Q(fields__contact_email__icontains=words)
        )
    best = Case(
        When(_named(proposal), then=Value(0)),
        When(_same_money(proposal, expected) & _same_person(proposal), then=Value(1)),
        When(_same_money(proposal, expected), then=Value(2)),
        default=Value(3), output_field=IntegerField(),
    )  # fmt: skip
    found = rows.filter(fits).annotate(best=best).order_by("best", "-pk").defer("raw")
    return [_found(row, proposal, expected) for row in found[:SHOWN]]


@transaction.atomic
def adopt(
    *, proposal: Proposal, invoice: str, expected: Decimal, reason: str, by: User, at: datetime
) -> Found:
    """Link an invoice to a locked proposal, and tell it. What was to make one is called off.

    Raises CannotLink, NotAllowed, ValueError where it differs and no reason says why that is so.
    """
    permissions.check(by, Permission.DECIDE_VALUE, owner=proposal.owner)
    kept = books()
    if kept is None:
        raise CannotLink("Billing was not read to its end yet; ask for a snapshot of it first.")
    row = _row(proposal, kept, invoice)
    found = _found(row, proposal, expected)
    reason = _readable(reason)
    if found.differs:
        permissions.check(by, Permission.OVERRIDE_PROPOSAL, owner=proposal.owner)
        if not reason:
            raise ValueError(f"{found.differs} Say why it is its invoice all the same.")
    _call_off(proposal, found, by, at)
    _link(proposal, kept, found, at)
    _tell(proposal, kept, row, at)
    trail.record(
        "invoice.linked", subject=proposal, record=proposal.record, by=by, at=at, why=reason,
        after={"invoice": found.number, "in": kept.there.slug, "id": found.external_id,
               "invoiced": worded(found.amount, found.currency)},
    )  # fmt: skip
    return found


# --- Which there are -------------------------------------------------------------------------
def _unlinked(kept: Books) -> QuerySet:
    linked = RecordLink.objects.filter(connection=kept.there, kind=INVOICE).values("external_id")
    rows = SnapshotRow.objects.filter(snapshot=kept.snapshot, fields__state__in=ASKING)
    return rows.exclude(external_id__in=linked)


def _named(proposal: Proposal) -> Q:
    return Q(fields__proposal=_document(proposal))


def _document(proposal: Proposal) -> str:
    """How an invoice names it."""
    return f"{proposal.source}:{proposal.external_id}"


def _same_money(proposal: Proposal, expected: Decimal) -> Q:
    units = minor.minor(str(expected), proposal.currency)
    return Q(amount_minor=units, currency=proposal.currency) if units else Q(pk=None)


def _same_person(proposal: Proposal) -> Q:
    email = proposal.contact_email
    return Q(fields__contact_email__iexact=email) if email else Q(pk=None)


def _found(row: SnapshotRow, proposal: Proposal, expected: Decimal) -> Found:
    told = row.fields.get("amount")
    amount = Decimal(told) if told else None
    number = row.fields.get("number") or row.external_id
    names = row.fields.get("proposal") == _document(proposal)
    return Found(
        row.external_id, number, row.fields.get("state", ""), amount, row.currency,
        row.fields.get("contact_email", ""), _differs(row, amount, proposal, expected), names,
    )  # fmt: skip


def _differs(
    row: SnapshotRow, amount: Decimal | None, proposal: Proposal, expected: Decimal
) -> str:
    if row.currency != proposal.currency:
        return f"It is in {row.currency or 'no currency'}; {proposal.currency} is open."
    if amount != expected:
        open_words = worded(expected, proposal.currency)
        return f"It is over {worded(amount, row.currency)}; {open_words} is open."
    return ""


# --- Linking it ------------------------------------------------------------------------------
def _row(proposal: Proposal, kept: Books, invoice: str) -> SnapshotRow:
    row = SnapshotRow.objects.filter(snapshot=kept.snapshot, external_id=invoice).first()
    if row is None:
        raise CannotLink(f"{kept.there.name} did not show this invoice when it was read last.")
    if row.fields.get("state") not in ASKING:
        state = row.fields.get("state") or "told by no state"
        raise CannotLink(f"This invoice is {state} and asks nobody to pay.")
    if (named := row.fields.get("proposal")) and named != _document(proposal):
        raise CannotLink(f"By its own words it is the invoice of another one: {named}.")
    return row


def _link(proposal: Proposal, kept: Books, found: Found, at: datetime) -> None:
    """Ours by the crosswalk. Two who link one invoice meet in the unique index."""
    _refuse_linked(kept, found)
    try:
        with transaction.atomic():
            RecordLink.objects.create(
                connection=kept.there, record=proposal.record, kind=INVOICE,
                external_id=found.external_id, linked_at=at,
            )  # fmt: skip
    except IntegrityError:
        _refuse_linked(kept, found)
        raise


def _refuse_linked(kept: Books, found: Found) -> None:
    known = RecordLink.objects.filter(
        connection=kept.there, kind=INVOICE, external_id=found.external_id
    ).first()
    if known is not None:
        raise CannotLink(f"Invoice {found.number} is linked already: {_whose(known.record)}.")


def _whose(record: str) -> str:
    pk = record.partition(":")[2]
    theirs = Proposal.objects.filter(pk=pk).first() if pk.isdecimal() else None
    return f"to {theirs}" if theirs else f"to {record}"


def _call_off(proposal: Proposal, found: Found, by: User, at: datetime) -> None:
    """What makes an invoice, or would once the story is told anew, makes none any more: the
    customer is not billed twice."""
    promising.promise(retelling.as_they_stand([proposal]), at=at, by=by)
    rows = Outcome.objects.select_for_update(of=("self",)).order_by("pk")
    for outcome in rows.filter(proposal=proposal, kind="invoice.create", undo_of=None):
        if outcome.state in (State.LEASED, State.DELIVERED):
            raise CannotLink("One is being made at this moment; wait for what comes of it.")
        if outcome.state in (State.DUE, State.HELD, State.GIVEN_UP):
            reason = f"Invoice {found.number} is linked instead."
            steering.cancel(outcome_id=outcome.pk, reason=reason, by=by, at=at)


def _tell(proposal: Proposal, kept: Books, row: SnapshotRow, at: datetime) -> None:
    """As it stood when it was read, and after the signature: a newer word of it counts more."""
    told = registry.system(kept.there.system).invoice_told
    at_door = inbox.door(kept.there.slug, anew=True)
    if told is None or at_door is None:
        raise CannotLink(f"{kept.there.name} cannot be told what it was read to say.")
    moment = max(filter(None, (kept.snapshot.begun_at, proposal.since)))
    raw = bytes(row.raw)
    element = told(raw, key=f"linked:{row.external_id}:{proposal.pk}", at=moment)
    verdict = f"Linked by a person: sync {kept.snapshot.sync_id} read it there."
    stored = inbox.take_found(at_door, raw=raw, elements=[element], verdict=verdict)
    message = Message.objects.select_related("connection", "receipt").get(pk=stored[0].message)
    digest.digest_here(message, at=at)
    proposal.refresh_from_db()
    if message.record != proposal.record or not _is_known(proposal, row.external_id):
        raise CannotLink(message.why or "It is another record's by its own words.")


def _is_known(proposal: Proposal, invoice: str) -> bool:
    """Whether the story tells of this invoice by now."""
    name = billing.name(invoice)
    return proposal.signals.filter(fields__has_key=name).exclude(result="refused").exists()


def _readable(reason: str) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if len(reason) > LONGEST_REASON:
        raise ValueError(f"Keep it under {LONGEST_REASON:,} characters.")
    return reason
