"""Stripe's events into our words: its quotes, and what became of a proposal's invoice.

Events come in any order. Each carries the whole object as of its own moment, so the newest word
counts; of one second (Stripe's clock says no more) the later step of its life does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors import moments, parsing
from connectors.base import NO_OPTIONS, Ignored, Told
from connectors.parsing import Unreadable, member
from connectors.stripe import money
from meshline.money import MoneyError
from proposals import billing
from proposals.billing import PAYMENT_DISPUTED, PAYMENT_KEPT
from proposals.states import State

# Where we write which proposal an object belongs to.
LINK = "meshline_proposal"
# Where whoever makes a quote may name its owner by e-mail: Stripe itself knows none.
OWNER = "meshline_owner"
# What a quote is after each event. They carry no stage: of one second the state's own rank orders
# them, and all of them stand before what that second says of the invoice a quote became.
QUOTE_EVENTS = {
    "quote.created": State.DRAFT,
    "quote.finalized": State.SENT,
    "quote.accepted": State.SIGNED,
    "quote.canceled": State.EXPIRED,
}
# What a quote is called in the crosswalk where it belongs to another tool's document.
QUOTE = "quote"
QUOTE_STATUSES = frozenset({"draft", "open", "accepted", "canceled"})
# What an invoice is called in our words after each event, in the order of its life; None: as
# Stripe itself says in its `status`.
INVOICE_EVENTS: dict[str, str | None] = {
    "invoice.created": None,
    "invoice.updated": None,
    "invoice.finalized": None,
    "invoice.sent": None,
    "invoice.overdue": "overdue",
    "invoice.payment_failed": "payment failed",
    "invoice.marked_uncollectible": None,
    "invoice.voided": None,
    "invoice.payment_succeeded": None,
    "invoice.paid": None,
}
# That it was finalised or paid says that it is invoiced; the rest only tells of the invoice.
INVOICES = frozenset({"invoice.finalized", "invoice.paid", "invoice.payment_succeeded"})
PAYS = frozenset({"invoice.paid", "invoice.payment_succeeded"})
STATUSES = frozenset({"draft", "open", "paid", "uncollectible", "void"})
PAYMENT = "invoice_payment.paid"
DISPUTE_OPENED, DISPUTE_CLOSED = "charge.dispute.created", "charge.dispute.closed"
KNOWN = frozenset({*QUOTE_EVENTS, *INVOICE_EVENTS, PAYMENT, DISPUTE_OPENED, DISPUTE_CLOSED})
_STAGES = {kind: f"{place:02}" for place, kind in enumerate(INVOICE_EVENTS)}
_LATEST = "99"


def is_known(kind: str) -> bool:
    """Whether an event of this type is translated; others are kept and ignored."""
    return kind in KNOWN


def translate(payload: bytes, options: Mapping[str, str] = NO_OPTIONS) -> Told:
    """One event. Raises Unreadable with the field named, or Ignored."""
    event = parsing.parse(payload)
    kind, thing = parsing.text(member(event, "type")), member(event, "data", "object")
    if not kind:
        raise Unreadable("type is missing; it must be such as invoice.paid.")
    if str(member(event, "object")).startswith("v2."):
        raise Ignored("A thin event carries no data; subscribe to snapshot events.")
    if not is_known(kind):
        raise Ignored(f"{kind} tells nothing of a proposal or its invoice.")
    if not isinstance(thing, dict):
        raise Unreadable("data.object is missing; it must be what the event is about.")
    at = moments.seconds(member(event, "created"), field="created")
    if kind in (DISPUTE_OPENED, DISPUTE_CLOSED):
        return _dispute(kind, thing, at)
    if kind in QUOTE_EVENTS:
        return _quote(kind, thing, at)
    return _payment(thing, at) if kind == PAYMENT else _invoice(kind, thing, at)


def _quote(kind: str, quote: dict[str, Any], at: datetime) -> Told:
    """A document of this connection, unless it names one of ours: then that has a life of its own.

    Another tool's document is moved by that tool alone (proposals/authority.py), and this is no
    attempt to: it says neither state nor fields, only that the two belong together.
    """
    pk, facts = _id(quote), _quoted(quote)
    source, document = _named(quote)
    invoice = _ref(quote.get("invoice"))
    links = (("invoice", invoice),) if invoice else ()
    if document and document != pk:
        return Told(
            kind=kind, external_id=document, about=source, occurred_at=at, is_secondary=True,
            known_as=((QUOTE, pk),), links=((QUOTE, pk), *links),
        )  # fmt: skip
    customer = _ref(quote.get("customer"))
    return Told(
        kind=kind,
        external_id=pk,
        occurred_at=at,
        target=QUOTE_EVENTS[kind],
        fields=facts,
        links=(*links, *((("customer", customer),) if customer else ())),
    )


def _quoted(quote: dict[str, Any]) -> dict[str, str]:
    """What a quote tells; what it does not carry is not told, rather than empty."""
    _check_status(quote, QUOTE_STATUSES)
    # Events carry the customer's id alone; name and e-mail are there where it was expanded.
    customer = quote.get("customer")
    titles = (parsing.text(quote.get(name)) for name in ("description", "header", "number"))
    told = {
        "title": next((title for title in titles if title), ""),
        "owner_email": parsing.text(member(quote, "metadata", OWNER), longest=254).lower(),
        "contact_name": parsing.text(member(customer, "name"), longest=200),
        "contact_email": parsing.text(member(customer, "email"), longest=254).lower(),
    }
    # A draft without a line yet has no currency, and quotes nothing.
    is_blank = quote.get("amount_total") == 0 and quote.get("currency") is None
    amount = {} if is_blank else _amount(quote, "amount_total")
    return {name: value for name, value in told.items() if value} | amount


def _invoice(kind: str, invoice: dict[str, Any], at: datetime) -> Told:
    pk = _id(invoice)
    source, document = _named(invoice)
    return Told(
        kind=kind,
        external_id=document,
        about=source,
        occurred_at=at,
        target=State.INVOICED if kind in INVOICES else None,
        closes=State.CLOSED_WON if kind in PAYS else None,
        fields={billing.name(pk): _facts(kind, invoice)},
        stage=_STAGES[kind],
        known_as=(("invoice", pk), *_made_of(invoice)),
        links=(("invoice", pk), *_paid_by(invoice)),
        is_secondary=True,
    )


def _facts(kind: str, invoice: dict[str, Any]) -> dict[str, str]:
    status = _check_status(invoice, STATUSES)
    # What was paid or voided in the meantime is so, whatever an older failure says.
    told = INVOICE_EVENTS[kind] if status == "open" else None
    return {
        "number": parsing.text(invoice.get("number"), longest=100),
        "status": told or status,
        "url": _address(invoice.get("hosted_invoice_url")),
        **_amount(invoice, "total"),
    }


def _check_status(thing: dict[str, Any], statuses: frozenset[str]) -> str:
    status = parsing.text(thing.get("status"))
    if status not in statuses:
        known = ", ".join(sorted(statuses))
        raise Unreadable(f"data.object.status is {status[:40]!r}; it must be one of {known}.")
    return status


def _amount(thing: dict[str, Any], name: str) -> dict[str, str]:
    return money_of(thing.get(name), thing.get("currency"), field=f"data.object.{name}")


def money_of(value: Any, currency: Any, *, field: str, at: str = "") -> dict[str, str]:
    """Money as Stripe writes it: a whole number of the currency's smallest unit."""
    code = parsing.text(currency).upper()
    if value is None:
        raise Unreadable(f"{field} is missing; it must be a whole number.")
    if isinstance(value, bool) or not isinstance(value, int):
        sentence = f"{field} is {str(value)[:40]!r}; it must be a whole number."
        raise Unreadable(sentence, cause=f"{field} is no whole number", field=field)
    if not code:
        raise Unreadable("data.object.currency is missing; it must be such as eur.")
    try:
        return {"amount": money.from_units(value, code), "currency": code}
    except MoneyError as error:
        raise Unreadable(f"{field}: {error}", cause=f"{field} is no money", field=field) from None


def _made_of(invoice: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The quote it was made of: linked to another tool's document, or our document itself.

    Older versions of the API name it on the invoice.
    """
    quote = _ref(member(invoice, "parent", "quote_details", "quote")) or _ref(invoice.get("quote"))
    return ((QUOTE, quote), ("document", quote)) if quote else ()


def _payment(payment: dict[str, Any], at: datetime) -> Told:
    """Which payment paid which invoice: by that alone a dispute is matched later."""
    invoice = parsing.text(payment.get("invoice"), longest=200)
    if not invoice:
        raise Unreadable("data.object.invoice is missing; it says which invoice was paid.")
    return Told(
        kind="invoice.payment", external_id="", occurred_at=at, is_secondary=True,
        known_as=(("invoice", invoice),), links=tuple(_payment_ids(member(payment, "payment"))),
    )  # fmt: skip


def _dispute(kind: str, dispute: dict[str, Any], at: datetime) -> Told:
    """A customer wants money back, or the bank has decided about it."""
    source, document = _named(dispute)
    known_as = [("dispute", _id(dispute))]
    known_as += [(part, _ref(dispute.get(part))) for part in ("charge", "payment_intent")]
    kept = kind == DISPUTE_CLOSED and parsing.text(dispute.get("status")) in {
        "won", "warning_closed",
    }  # fmt: skip
    said = {DISPUTE_OPENED: PAYMENT_DISPUTED, DISPUTE_CLOSED: "payment.lost"}[kind]
    return Told(
        kind=PAYMENT_KEPT if kept else said,
        external_id=document,
        about=source,
        occurred_at=at,
        target=State.INVOICED if kept else State.DISPUTED if kind == DISPUTE_OPENED else None,
        stage=_LATEST,
        known_as=tuple((part, pk) for part, pk in known_as if pk),
        links=(("dispute", _id(dispute)),),
        is_secondary=True,
    )


def _paid_by(invoice: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The ids of its payments: in a list of them, or on the invoice itself in older versions."""
    rows = member(invoice, "payments", "data")
    payments = [member(row, "payment") for row in rows] if isinstance(rows, list) else []
    return tuple(link for paid in (invoice, *payments) for link in _payment_ids(paid))


def _payment_ids(paid: Any) -> list[tuple[str, str]]:
    found = ((kind, _ref(member(paid, kind))) for kind in ("charge", "payment_intent"))
    return [(kind, pk) for kind, pk in found if pk]


def _named(thing: dict[str, Any]) -> tuple[str, str]:
    """The document our own metadata names, as (source, id); empty without it."""
    source, _, document = parsing.text(member(thing, "metadata", LINK)).partition(":")
    return (source[:60], document[:200]) if source and document else ("", "")


def _id(thing: dict[str, Any]) -> str:
    pk = parsing.text(thing.get("id"), longest=200)
    if not pk:
        raise Unreadable("data.object.id is missing.")
    return pk


def _ref(value: Any) -> str:
    """An id, whether it stands alone or the whole object was expanded."""
    return parsing.text(member(value, "id") if isinstance(value, dict) else value, longest=200)


def _address(value: Any) -> str:
    """A link people may follow: https only (http where the stand-ins are), else nothing."""
    url = parsing.text(value, longest=500)
    return url if url.startswith(("https://", "http://127.0.0.1:")) else ""
