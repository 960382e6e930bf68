"""The invoice that Stripe makes of an accepted quote by itself: taken over, so that the customer is
not billed for the same a second time.

The quote is read at the very moment its proposal is to be invoiced: no event of it can be too old,
too late or lost for that.
"""

import re
from typing import Any

from connectors.base import Errand, Trouble
from connectors.parsing import member
from connectors.stripe.translate import LINK, QUOTE

KEY = "meshline_key"
# What an invoice that was taken over was made of.
OF_QUOTE = "meshline_quote"
# A quote that may still be accepted, and what bills it where its prices recur.
_UNDECIDED = ("draft", "open")
_RECURRING = ("subscription", "subscription_schedule")
_QUOTE_ID = re.compile(r"qt_[0-9A-Za-z]{14,}")

Thing = dict[str, Any]


def quote_of(errand: Errand) -> Thing | None:
    """The quote this proposal is, or that is linked to it, as it stands over there.

    Raises Trouble for a quote of another account: that one bills it, with an invoice of its own.
    """
    pk = errand.links.get("document") or errand.links.get(QUOTE)
    source, _, document = errand.params["proposal"].partition(":")
    if not pk and _QUOTE_ID.fullmatch(document):
        sentence = f"{source} bills its quote {document} itself: an invoice here would be a second."
        raise _cannot(sentence, "quote-elsewhere")
    return errand.client.find("quotes", pk) if pk else None


def customer_of(errand: Errand, quote: Thing | None) -> str:
    """Whom a quote of Stripe's own is for; empty otherwise.

    A quote that is only linked may come to be known between two tries, and both must ask for the
    same customer.
    """
    if quote is None or quote["id"] != errand.links.get("document"):
        return ""
    return _ref(quote.get("customer"))


def taken_over(errand: Errand, quote: Thing | None, units: int, currency: str) -> Thing | None:
    """The invoice Stripe made of the quote, under our key from now on; None where it made none.

    Raises Trouble where one made here would bill the customer twice, now or later.
    """
    if quote is None:
        return None
    if made := _made(errand, quote):
        return _marked(errand, quote, made, units, currency)
    if quote["status"] in _UNDECIDED:
        raise _cannot(
            f"Quote {_name(quote)} is {quote['status']} at Stripe. Accepting it makes its invoice; "
            "cancel it there to have one made here.", "quote-undecided",
        )  # fmt: skip
    if by := next((pk for name in _RECURRING if (pk := _ref(quote.get(name)))), ""):
        sentence = f"Stripe bills quote {_name(quote)} by {by}: an invoice here would be a second."
        raise _cannot(sentence, "quote-recurring")
    return None


def _made(errand: Errand, quote: Thing) -> Thing | None:
    """What this quote became; or what another one of this proposal did, of which we were told."""
    if quote["status"] == "accepted" and (pk := _ref(quote.get("invoice"))):
        made = errand.client.find("invoices", pk)
        # A draft that was deleted over there asks for nothing.
        return None if made is None or made.get("deleted") else made
    told = errand.links.get("invoice")
    made = errand.client.find("invoices", told) if told else None
    return made if made and _source(made) else None


def _marked(errand: Errand, quote: Thing, made: Thing, units: int, currency: str) -> Thing:
    """Ours by its metadata, which may be written at any time; by that it is proven and told of."""
    key = (made.get("metadata") or {}).get(KEY)
    if key == errand.key:
        return made
    number = made.get("number") or made["id"]
    if key:
        raise _cannot(f"Invoice {number} is another proposal's: {key}.", "invoice-of-another")
    if (made.get("total"), str(made.get("currency")).upper()) != (units, currency):
        sentence = (
            f"Stripe made invoice {number} of quote {_name(quote)}, but over {made.get('total')} "
            f"{made.get('currency')} in its smallest units; the proposal is over "
            f"{errand.params['amount']} {currency}. No second one is made."
        )
        raise _cannot(sentence, "quote-differs")
    form = {
        f"metadata[{LINK}]": errand.params["proposal"],
        f"metadata[{KEY}]": errand.key,
        f"metadata[{OF_QUOTE}]": _source(made) or quote["id"],
    }
    return errand.client.create(f"invoices/{made['id']}", form, key=f"{errand.key}/take-over")


def is_taken_over(made: Thing) -> bool:
    return bool((made.get("metadata") or {}).get(OF_QUOTE))


def moves_by_itself(made: Thing) -> bool:
    """Whether Stripe finalises it, and asks for the money, without being told to."""
    return bool(made.get("auto_advance"))


def is_mailed(made: Thing) -> bool:
    """Whether it asks by mail; otherwise a card on file is charged, and Stripe mails nothing."""
    return made.get("collection_method") != "charge_automatically"


def _source(made: Thing) -> str:
    """The quote an invoice says it was made of."""
    return _ref(member(made, "parent", "quote_details", "quote"))


def _ref(value: Any) -> str:
    return str((value.get("id") if isinstance(value, dict) else value) or "")


def _name(quote: Thing) -> str:
    return str(quote.get("number") or quote["id"])


def _cannot(sentence: str, failure: str) -> Trouble:
    return Trouble(sentence, failure=failure, permanent=True)
