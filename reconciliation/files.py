"""The dashboards as a file: a line a number, whole and by all that tells it apart."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings

from reconciliation import measuring
from reconciliation.asking import Asked, rows_url
from reconciliation.measuring import Measured
from reconciliation.numbers.number import CUTS, Number
from reconciliation.numbers.table import NUMBERS

COLUMNS = ("number", "by", "of", "value", "unit", "p95", "n", "exact", "since", "until", "as of",
           "formula", "rows")  # fmt: skip


def rows(asked: Asked, *, as_of: datetime | None) -> Iterator[list[Any]]:
    for cut in CUTS:
        numbers = [one for one in NUMBERS.values() if cut in one.cuts]
        found = measuring.measure(numbers, asked.within, cut)
        for number in numbers:
            for key in [""] if cut == "all" else sorted(found.by_number[number.name]):
                yield _row(number, cut, key, found.of(number, key), asked, as_of)


def _row(
    number: Number, cut: str, key: str, one: Measured, asked: Asked, as_of: datetime | None
) -> list[Any]:
    within, narrowed = asked.within, {} if cut == "all" else {cut: key}
    return [
        number.name, "" if cut == "all" else cut, key, rounded(one.value), number.unit_of_value,
        rounded(one.p95), one.n, one.how_read, within.since, within.until, as_of, number.formula,
        f"{settings.PUBLIC_URL}{rows_url(number.name, within, **narrowed)}",
    ]  # fmt: skip


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
