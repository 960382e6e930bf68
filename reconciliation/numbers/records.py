"""How many records began?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

NUMBER = Number(
    "records", "Records begun", How.COUNT, "Records whose first event occurred in the period.",
    Q(is_first=True), "ready-for-follow-up", unit="records", cuts=("all", "owner", "tier"),
    more_is_better=True,
)  # fmt: skip
