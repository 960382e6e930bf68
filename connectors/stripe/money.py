"""Stripe's money: whole numbers of its own smallest units, which are not everywhere ISO's."""

from decimal import Decimal

from meshline.money import MoneyError, minor_units, quantised

# Written with two digits over there, although they have none: the last two must be zeros.
_TWO_OF_NONE = frozenset({"UGX"})


def to_units(amount: Decimal, currency: str) -> int:
    """An amount as Stripe takes it. Raises MoneyError for what it would refuse or round."""
    exact = quantised(amount, currency)
    units = exact.scaleb(_digits(currency))
    if minor_units(currency) == 3 and units % 10:
        raise MoneyError(f"Stripe takes {currency} only in steps of 0.010; this is {exact}.")
    return int(units)


def from_units(units: int, currency: str) -> str:
    """A whole number of Stripe's units as exact decimal text. Raises MoneyError."""
    return str(quantised(Decimal(units).scaleb(-_digits(currency)), currency))


def _digits(currency: str) -> int:
    return 2 if currency in _TWO_OF_NONE else minor_units(currency)
