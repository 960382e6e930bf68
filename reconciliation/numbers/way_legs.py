"""The legs of the clock, each by itself: of the same events as the time to first follow-up."""

from django.db.models import Q

from reconciliation import legs
from reconciliation.legs import Stage
from reconciliation.numbers.first_follow_up import ANSWERED
from reconciliation.numbers.number import How, Number

_PROCESS = {"connection:": "connection-health"}


def _leg(stage: Stage) -> Number:
    return Number(
        f"leg-{stage.name}", stage.leg, How.SPAN,
        f"The leg “{stage.leg}” of the first events that somebody took up. A leg that was reached "
        "only after that kept nobody waiting and has no length.",
        ANSWERED & Q(**{f"{stage.name}__isnull": False}),
        _PROCESS.get(stage.process, stage.process), column=stage.name, unit="time",
    )  # fmt: skip


# The last one is the person's own part.
NUMBERS = [_leg(stage) for stage in legs.STAGES[:-1]]
