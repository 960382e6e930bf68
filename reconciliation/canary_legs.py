"""A canary's way through Meshline, leg by leg: how long each may take, and when it is broken.

Pure: what was seen comes in, a verdict goes out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto


class Leg(StrEnum):
    POSTED = "posted"
    RECEIVED = "received"
    TRANSLATED = "translated"
    ROUTED = "routed"
    CARRIED = "carried"
    PROVEN = "proven"
    CLEANED = "cleaned up"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(leg.value, leg.label) for leg in cls]


LEGS = list(Leg)
# These are the CRM's: a path that asks it for nothing has none of them.
_IN_THE_CRM = (Leg.CARRIED, Leg.PROVEN)
# Red so long after the first probe that meets a broken leg, at the latest (the product's number).
RED_WITHIN = timedelta(minutes=7)
# Each from when the one before was passed. A try that failed once is made again within its leg.
BUDGETS = {
    Leg.POSTED: timedelta(seconds=15),
    Leg.RECEIVED: timedelta(seconds=15),
    Leg.TRANSLATED: timedelta(seconds=120),
    Leg.ROUTED: timedelta(seconds=10),
    Leg.CARRIED: timedelta(seconds=120),
    Leg.PROVEN: timedelta(seconds=60),
    Leg.CLEANED: timedelta(seconds=60),
}
# So often one looks at a probe that is under way.
LOOKS_EVERY = timedelta(seconds=5)
FASTEST, SLOWEST = 1, 24 * 60  # minutes


def legs(*, reaches_crm: bool) -> list[Leg]:
    """Those of a path, in their order."""
    return [leg for leg in LEGS if reaches_crm or leg not in _IN_THE_CRM]


@dataclass(frozen=True)
class Look:
    """What was seen of a leg: passed `at`, or not yet and why; `is_final` where no wait helps."""

    at: datetime | None = None
    seen: str = ""
    is_final: bool = False


class Verdict(Enum):
    PASSED = auto()
    WAITING = auto()
    BROKEN = auto()


def judge(leg: Leg, look: Look, *, since: datetime, at: datetime) -> Verdict:
    """What follows from a look at a leg that is under way `since` then."""
    if look.at is not None:
        return Verdict.PASSED
    is_over = at - since > BUDGETS[leg]
    return Verdict.BROKEN if look.is_final or is_over else Verdict.WAITING


def rhythm(*, fast: int, slow: int, is_business: bool, is_red: bool) -> timedelta:
    """How long after a probe began the next one does; what is red is looked at as in business."""
    return timedelta(minutes=fast if is_business or is_red else slow)
