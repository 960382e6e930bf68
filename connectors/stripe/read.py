"""Proof: reading an invoice back."""

from decimal import Decimal

from connectors.base import Errand, Found
from connectors.stripe import money
from connectors.stripe.deliver import DRAFT, finish
from connectors.stripe.quoted import KEY


def invoice(errand: Errand) -> Found | None:
    """The invoice under our key, over our amount, as far as it was to be taken; None otherwise."""
    found = errand.client.find("invoices", errand.external_id) if errand.external_id else None
    if found is None or (found.get("metadata") or {}).get(KEY) != errand.key:
        return None
    wanted, currency = Decimal(errand.params["amount"]), errand.params["currency"]
    is_same = (
        found.get("total") == money.to_units(wanted, currency)
        and str(found.get("currency")).upper() == currency
    )
    if not is_same or (found["status"] == "draft" and finish(errand, found) != DRAFT):
        return None
    number = found.get("number") or found["id"]
    sentence = f"Read back: invoice {number} over {wanted} {currency} is {found['status']}."
    return Found(errand.external_id, "invoice", sentence)
