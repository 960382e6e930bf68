"""A value of a difference, as a person typed it or the other side wrote it, in our canonical
fields; and how it is shown. Pure: no database, no clock."""

import re
from decimal import Decimal, InvalidOperation

from connectors import parsing
from connectors.parsing import Unreadable
from meshline import money
from meshline.money import MoneyError
from proposals.signals import FIELDS
from reconciliation.kinds import As, Field

# A comma only between thousands: 12,50 is twelve and a half to many who would type it.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}|[0-9]{1,3}(?:,[0-9]{3}){1,9})(?:\.[0-9]{1,30})?")


class Impossible(Exception):
    """Why it is no such value, as a sentence that names the field."""


# --- Taken in ------------------------------------------------------------------------------------
def canonical(field: Field, value: str) -> dict[str, str]:
    """The canonical fields that this value is told in. Raises Impossible."""
    value, named = value.strip(), field.label[:1].upper() + field.label[1:]
    if field.how is As.MONEY:
        return _money(named, value)
    longest = FIELDS[field.agreed]
    if not value or len(value) > longest:
        raise Impossible(f"{named}: write 1 to {longest} characters.")
    return {field.agreed: _email(named, value) if field.how is As.EMAIL else value}


def _money(named: str, value: str) -> dict[str, str]:
    number, _, currency = value.upper().rpartition(" ")
    if not _NUMBER.fullmatch(number.strip()):
        raise Impossible(f"{named}: write a number and its currency, such as 1,234.50 EUR.")
    if currency not in money.CURRENCIES:
        raise Impossible(f"{named}: {currency[:20]} is no currency; use a code such as EUR.")
    amount = Decimal(number.replace(",", ""))
    if amount < 0:
        raise Impossible(f"{named}: it cannot be below zero.")
    try:
        return {"amount": str(money.quantised(amount, currency)), "currency": currency}
    except MoneyError as error:
        raise Impossible(f"{named}: {error}") from None


def _email(named: str, value: str) -> str:
    try:
        return parsing.email(value, field=named)
    except Unreadable:
        raise Impossible(f"{named}: write one e-mail address.") from None


# --- Shown ---------------------------------------------------------------------------------------
def in_words(value: str) -> str:
    """An amount as it was compared, as people read it: exactly, "14,250.00 EUR"."""
    number, _, currency = value.partition(" ")
    try:
        exact = Decimal(number)
    except InvalidOperation:
        return value
    digits = max(money.minor_units(currency), -int(exact.normalize().as_tuple().exponent))
    return f"{exact:,.{digits}f} {currency}".strip()


def hint(field: Field) -> str:
    """What is to be typed, for a form."""
    if field.how is As.MONEY:
        return "With its currency, such as 1,234.50 EUR."
    if field.how is As.EMAIL:
        return "One address, such as nina@customer.example.com."
    return f"As it is to stand here: up to {FIELDS[field.agreed]} characters."
