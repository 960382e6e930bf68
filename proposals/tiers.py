"""Latency tiers: how fast an event must be acted on, from accepted to proven in the target."""

from datetime import timedelta
from enum import StrEnum


class Tier(StrEnum):
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAILY = "daily"

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(tier.value, tier.value.capitalize()) for tier in cls]


class Retry(StrEnum):
    """Other schedules of retries than the tier's own; the waits stand in connectors/backoff.py."""

    QUICK = "quick"
    STEADY = "steady"
    PATIENT = "patient"
    NEVER = "never"

    @property
    def label(self) -> str:
        return _SCHEDULES[self]


_SCHEDULES = {
    Retry.QUICK: "Quickly: after 2 s, then ever longer, for up to 16 hours",
    Retry.STEADY: "Steadily: after 5 s, then ever longer, for up to 16 hours",
    Retry.PATIENT: "Patiently: after 1 min, then ever longer, for up to 9 hours",
    Retry.NEVER: "Never: one try, then a ticket",
}

# What is carried first when much is due.
RANK = {Tier.SECONDS: 0, Tier.MINUTES: 1, Tier.HOURS: 2, Tier.DAILY: 3}

# From accepted to proven; the hours tier counts business time.
BUDGET = {
    Tier.SECONDS: timedelta(seconds=60),
    Tier.MINUTES: timedelta(minutes=5),
    Tier.HOURS: timedelta(hours=4),
    Tier.DAILY: timedelta(days=1),
}
