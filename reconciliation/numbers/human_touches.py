"""How often must people act on a record?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

NUMBER = Number(
    "human-touches", "Human touches a record", How.MEAN,
    "Acts of people on a record and on what hangs on it, and their calls, e-mails, meetings and "
    "notes in the CRM, since its first event, a record that began in the period.",
    Q(is_first=True), "rule-ownership", column="touches", unit="touches", cuts=("all", "path"),
)  # fmt: skip
