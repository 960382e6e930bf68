"""How long did a customer wait for a person, from what they did to the first human touch?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

# The first event of a record that somebody took up.
ANSWERED = Q(is_first=True, whole__isnull=False)
NUMBER = Number(
    "first-follow-up", "Time to first follow-up", How.SPAN,
    "From when a record's first event occurred to the first contact: a call, e-mail, meeting or "
    "note of a person in the CRM, or a follow-up completed. Its legs sum to it exactly. Records "
    "that nobody touched yet are not in it.",
    ANSWERED, "cadence", column="whole", unit="time",
    cuts=("all", "path", "source", "owner", "tier"), is_promised=True,
)  # fmt: skip
