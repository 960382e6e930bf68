"""Money: exact decimals in their own currency's minor units."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217; every currency not named here has two minor units.
_NONE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
MINOR_UNITS = {**dict.fromkeys(_NONE.split(), 0), **dict.fromkeys(_THREE.split(), 3)}
_CURRENCY = re.compile(r"[A-Z]{3}")
# Beyond this an amount is a mistake, and no column holds it.
LARGEST = Decimal("1e15")


class MoneyError(ValueError):
    """An amount or currency that cannot be kept exactly."""


def minor_units(currency: str) -> int:
    """How many digits stand behind the point in this currency."""
    return MINOR_UNITS.get(currency, 2)


def quantised(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's own minor units: "199" and "199.00" are the same EUR.

    Raises MoneyError when the currency is no ISO code, or the amount is not finite, too large, or
    finer than the currency can say (a half yen is a mistake, not something to round).
    """
    if not _CURRENCY.fullmatch(currency):
        raise MoneyError(
            f"{currency!r} is not a currency; use a three-letter ISO code such as EUR."
        )
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise MoneyError("The amount must be a finite number below 1,000,000,000,000,000.")
    unit = Decimal(1).scaleb(-minor_units(currency))
    exact = amount.quantize(unit, rounding=ROUND_HALF_EVEN)
    if exact != amount:
        raise MoneyError(
            f"{amount} is finer than {currency} allows ({minor_units(currency)} digits)."
        )
    return exact


def worded(amount: Decimal | None, currency: str) -> str:
    """For people: "1,234.50 EUR"; empty when there is no amount."""
    if amount is None:
        return ""
    return f"{amount:,.{minor_units(currency)}f} {currency}".strip()
