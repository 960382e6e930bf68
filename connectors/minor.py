"""Amounts as they are compared and summed: whole numbers of the currency's smallest unit."""

from decimal import Decimal, InvalidOperation
from typing import Any

from meshline.money import MoneyError, minor_units, quantised


def minor(amount: Any, currency: str) -> int | None:
    """An exact amount in the smallest unit of its currency; None for what is no such amount."""
    if not isinstance(amount, str) or not amount or not currency:
        return None
    try:
        return int(quantised(Decimal(amount), currency).scaleb(minor_units(currency)))
    except (MoneyError, InvalidOperation):
        return None
