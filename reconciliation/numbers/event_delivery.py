"""Did what had to follow from an event come about in time?"""

from django.db.models import Q

from reconciliation.models import Passage
from reconciliation.numbers.number import How, Number

Verdict = Passage.Verdict
NUMBER = Number(
    "event-delivery", "Event delivery rate", How.SHARE,
    "Events of which every outcome was proven within its tier's time, of all events whose time is "
    "over or that are proven. What was called off, and what is held for a person, is not counted.",
    Q(verdict__in=[Verdict.IN_TIME, Verdict.LATE]), "delivery",
    part=Q(verdict=Verdict.IN_TIME), unit="%", cuts=("all", "path", "source", "tier"),
    more_is_better=True, is_promised=True,
)  # fmt: skip
