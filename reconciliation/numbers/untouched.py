"""How many wait for a person still?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

# The first event of a record that nobody took up.
UNANSWERED = Q(is_first=True, whole__isnull=True)
NUMBER = Number(
    "untouched", "Not touched yet", How.COUNT,
    "Records whose first event occurred in the period and of which no person contacted the "
    "customer since.",
    UNANSWERED, "cadence", unit="records", cuts=("all", "owner", "tier"),
)  # fmt: skip
