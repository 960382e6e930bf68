"""What of that was the person's own?"""

from reconciliation.numbers.first_follow_up import ANSWERED
from reconciliation.numbers.number import How, Number

NUMBER = Number(
    "own-part", "The person's own part", How.SPAN,
    "Of the time to first follow-up, what passed after the last stage that Meshline reached: from "
    "when the record was the person's to take up until they did.",
    ANSWERED, "ready-for-follow-up", column="touched", unit="time",
    cuts=("all", "owner", "tier"),
)  # fmt: skip
