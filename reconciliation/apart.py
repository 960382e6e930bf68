"""How many of a hundred records are apart: one definition, wherever it is shown. Pure."""

from decimal import Decimal

FORMULA = (
    "Of a hundred records that the last conclusive run of each kind says something about, compared "
    "or missing on either side, how many differ or are missing."
)


def percent(apart: int, whole: int) -> Decimal | None:
    """To two places; None of nothing."""
    return round(Decimal(100) * apart / whole, 2) if whole else None
