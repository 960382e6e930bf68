"""How much came in that led to anything?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

NUMBER = Number(
    "events", "Events", How.COUNT,
    "Events from outside, by when they occurred, that led to at least one promised outcome.",
    Q(), "translation", unit="events", cuts=("all", "path", "source"), more_is_better=True,
)  # fmt: skip
