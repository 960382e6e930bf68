"""From which amount on a record is of high value and held for a look, currency by currency."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction

from meshline import money
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.money import MoneyError
from meshline.people import permissions
from meshline.people.permissions import Permission
from meshline.policy.models import Company
from meshline.policy.operating_model import Facts, ModelError, Stale

MOST = 50


def thresholds() -> dict[str, Decimal]:
    """The amounts in force, by currency."""
    kept = Company.objects.values_list("high_value", flat=True).first() or {}
    return {currency: Decimal(amount) for currency, amount in kept.items()}


@transaction.atomic
def set_thresholds(
    wanted: Mapping[str, str], *, seen: Facts | None = None, by: Someone, at: datetime
) -> None:
    """Hold what comes in of these amounts or more; nothing of a currency that is not named.

    Raises ModelError with the currency as its field, and Stale.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    company = Company.objects.select_for_update(of=("self",)).get()
    before = dict(company.high_value)
    if seen is not None and seen != before:
        raise Stale(seen, before)
    company.high_value = check(wanted)
    if company.high_value == before:
        return
    company.save(update_fields=["high_value"])
    trail.record(
        "high-value.changed", subject=company, by=by, at=at, before=before,
        after=dict(company.high_value),
    )  # fmt: skip


def check(wanted: Mapping[str, str]) -> dict[str, str]:
    """The same in the currencies' own minor units, in order. Raises ModelError."""
    if len(wanted) > MOST:
        raise ModelError(f"At most {MOST} currencies.")
    return {currency: _amount(currency, wanted[currency]) for currency in sorted(wanted)}


def _amount(currency: str, text: str) -> str:
    try:
        amount = Decimal(text) if text.isascii() and len(text) < 40 else Decimal("NaN")
        exact = money.quantised(amount, currency)
    except InvalidOperation:
        raise ModelError(f"“{text[:40]}” is no amount; write 50000.", currency) from None
    except MoneyError as error:
        raise ModelError(str(error), currency) from None
    if exact <= 0:
        raise ModelError("Write an amount above nothing.", currency)
    return f"{exact:f}"
