"""How often does a record change hands by hand?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

NUMBER = Number(
    "hand-overs", "Manual hand-offs a record", How.MEAN,
    "How often a person gave a record, or a ticket of it, to somebody else since its first event, "
    "a record that began in the period.",
    Q(is_first=True), "rule-ownership", column="hand_overs", unit="hand-offs", cuts=("all", "path"),
)  # fmt: skip
