"""Money as Stripe counts it: whole numbers of the smallest unit, with its special currencies."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from connectors.sandbox.stripe_forms import refusal


def _codes(text: str) -> set[str]:
    return set(text.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
# Counted in hundredths for old times' sake, though there are none: the last two digits are 0.
WHOLE_ONLY = {"isk", "ugx"}
TWO_DECIMAL = _codes(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd"
    " cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd"
    " hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop"
    " mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar"
    " sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer"
    " zar zmw"
)
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_ONLY | TWO_DECIMAL


def currency(given: str) -> str:
    """In lower case, as Stripe keeps it."""
    code = given.lower()
    if code not in KNOWN:
        message = (
            f"Invalid currency: {code[:20]}. Stripe currently supports these currencies:"
            f" {', '.join(sorted(KNOWN))}"
        )
        raise refusal(400, message, param="currency")
    return code


def check_amount(amount: int, code: str, param: str = "amount") -> None:
    """Refuse what the currency has no coin for."""
    if code in THREE_DECIMAL and amount % 10:
        message = f"Invalid amount: in {code.upper()} the last digit must be 0, not {amount}."
        raise refusal(400, message, param=param)
    if code in WHOLE_ONLY and amount % 100:
        message = f"Invalid amount: in {code.upper()} the last two digits must be 0, not {amount}."
        raise refusal(400, message, param=param)


def times_quantity(unit: str, quantity: int, param: str) -> int:
    """A decimal number of minor units times a quantity, rounded half up."""
    try:
        exact = Decimal(unit)
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite() or abs(exact) > 10**12:
        raise refusal(400, f"Invalid decimal: {unit[:80]}", param=param)
    return int((exact * quantity).quantize(Decimal(1), ROUND_HALF_UP))


def shown(amount: int, code: str) -> str:
    """For people: 123450 eur → 1234.50 EUR."""
    places = 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2
    return f"{Decimal(amount).scaleb(-places):.{places}f} {code.upper()}"
