"""A signed proposal as an invoice: a customer, the invoice, its one item, and finalised.

Four calls, each under a key of its own; an attempt that follows another first looks how far that
one came, and goes on from there. What Stripe made of a quote by itself is taken over instead.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors.base import Errand, Found, Trouble
from connectors.stripe import money, quoted
from connectors.stripe.quoted import KEY
from connectors.stripe.translate import LINK
from meshline.money import MoneyError

# The option that says how far an invoice is taken, and its values.
FINISH = "finish"
DRAFT, FINALIZE, SEND = "draft", "finalize", "send"
DAYS_UNTIL_DUE = "days_until_due"
# An invoice of ours is not older than its promise, by either clock.
_CLOCKS_DIFFER = timedelta(hours=1)
# Stripe forgets idempotency keys after 24 hours; this is well before.
_KEYS_HOLD = timedelta(hours=20)


def invoice(errand: Errand) -> Found:
    """Create the proposal's invoice once, with its one item, as far as the connection says."""
    units, currency = _money(errand)
    quote = quoted.quote_of(errand)
    made = quoted.taken_over(errand, quote, units, currency)
    customer = made["customer"] if made else quoted.customer_of(errand, quote) or _customer(errand)
    made = made or _known(errand, customer) or _created(errand, customer, currency)
    errand = replace(errand, options={**errand.options, FINISH: finish(errand, made)})
    if made["status"] == "draft":
        _add_item(errand, made, customer, units, currency)
        made = _finalized(errand, made)
    if made["status"] == "open" and errand.options[FINISH] == SEND:
        made = _sent(errand, made)
    number = made.get("number") or made["id"]
    sentence = f"Invoice {number} over {errand.params['amount']} {currency} is {made['status']}."
    return Found(str(made["id"]), "invoice", sentence)


def finish(errand: Errand, made: dict[str, Any]) -> str:
    """How far it is taken: as the connection says, as far as a quote's terms leave that to us."""
    wanted = errand.options[FINISH]
    if not quoted.is_taken_over(made):
        return wanted
    if quoted.moves_by_itself(made):
        return DRAFT
    return FINALIZE if wanted == SEND and not quoted.is_mailed(made) else wanted


def _money(errand: Errand) -> tuple[int, str]:
    amount, currency = errand.params["amount"], errand.params["currency"]
    if not amount:
        raise _cannot("The proposal has no amount: there is nothing to invoice.", "no-amount")
    try:
        return money.to_units(Decimal(amount), currency), currency
    except MoneyError as error:
        raise _cannot(f"It cannot be invoiced: {error}", "amount") from None


def _customer(errand: Errand) -> str:
    """The customer with the contact's e-mail: the oldest there is, or a new one."""
    email, name = errand.params["contact_email"], errand.params["contact_name"]
    if not email:
        sentence = "The proposal names no contact with an e-mail: nobody could be invoiced."
        raise _cannot(sentence, "no-contact")
    if known := errand.client.rows("customers", email=email):
        return str(known[-1]["id"])
    # Two proposals of one contact at the same time meet in this key.
    key = hashlib.sha256(f"{email}\n{name}".encode()).hexdigest()
    form = {"email": email, **({"name": name} if name else {})}
    return str(errand.client.create("customers", form, key=f"meshline/customer/{key}")["id"])


def _known(errand: Errand, customer: str) -> dict[str, Any] | None:
    """What an earlier attempt may have made: Stripe forgets its keys after a day, lists never."""
    if not errand.may_exist:
        return None
    since = errand.promised_at - _CLOCKS_DIFFER
    there = errand.client.rows(
        "invoices", customer=customer, created_gte=str(int(since.timestamp()))
    )
    ours = [one for one in there if (one.get("metadata") or {}).get(KEY) == errand.key]
    return ours[-1] if ours else None


def _created(errand: Errand, customer: str, currency: str) -> dict[str, Any]:
    form = {
        "customer": customer,
        "currency": currency.lower(),
        "collection_method": "send_invoice",
        "days_until_due": errand.options[DAYS_UNTIL_DUE],
        "description": errand.params["title"],
        # Other items of this customer are not this proposal's.
        "pending_invoice_items_behavior": "exclude",
        # Nothing happens to it but what we do.
        "auto_advance": "false",
        f"metadata[{LINK}]": errand.params["proposal"],
        f"metadata[{KEY}]": errand.key,
    }
    return errand.client.create("invoices", form, key=f"{errand.key}/invoice")


def _add_item(
    errand: Errand, made: dict[str, Any], customer: str, units: int, currency: str
) -> None:
    if quoted.is_taken_over(made):
        return
    if errand.may_exist and errand.client.rows("invoiceitems", invoice=made["id"]):
        return
    form = {
        "customer": customer,
        "invoice": made["id"],
        "amount": str(units),
        "currency": currency.lower(),
        "description": errand.params["title"],
        f"metadata[{KEY}]": errand.key,
    }
    errand.client.create("invoiceitems", form, key=f"{errand.key}/item")


def _finalized(errand: Errand, made: dict[str, Any]) -> dict[str, Any]:
    if errand.options[FINISH] == DRAFT:
        return made
    form = {"auto_advance": "false"}
    place = f"invoices/{made['id']}/finalize"
    return errand.client.create(place, form, key=f"{errand.key}/finalize")


def _sent(errand: Errand, made: dict[str, Any]) -> dict[str, Any]:
    """Have Stripe mail it, once. An invoice does not say whether it was sent: within a day the key
    knows, afterwards Stripe's own list of what happened."""
    is_old = errand.at - errand.promised_at > _KEYS_HOLD
    if errand.may_exist and is_old and _was_sent(errand, made):
        return made
    return errand.client.create(f"invoices/{made['id']}/send", {}, key=f"{errand.key}/send")


def _was_sent(errand: Errand, made: dict[str, Any]) -> bool:
    since = errand.promised_at - _CLOCKS_DIFFER
    told = errand.client.rows(
        "events", type="invoice.sent", created_gte=str(int(since.timestamp()))
    )
    return any(one.get("data", {}).get("object", {}).get("id") == made["id"] for one in told)


def _cannot(sentence: str, failure: str) -> Trouble:
    return Trouble(sentence, failure=failure, permanent=True)
