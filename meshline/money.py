"""Money: exact decimals in their own currency's minor units."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217; every currency not named here has two minor units.
_NONE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
MINOR_UNITS = {**dict.fromkeys(_NONE.split(), 0), **dict.fromkeys(_THREE.split(), 3)}
# What somebody can be billed in: no metals, no funds, no codes for tests. What people decide is
# held to it; what strangers send is not.
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN "
    "BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD "
    "FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY "
    "KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER "
    "ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_CODES.split())
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
