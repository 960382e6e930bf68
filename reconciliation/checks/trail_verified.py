"""Was the trail recomputed lately, and did it hold?"""

from datetime import datetime, timedelta

from meshline.audit import verify
from meshline.pulse import pulse
from meshline.web import words
from reconciliation.checks.check import Check, Failing, Finding

# It is looked at hourly; what is overdue by an hour is silent.
WITHIN = timedelta(hours=2)


def look(at: datetime) -> Finding:
    """The trail, which fails where nobody found it whole for two hours."""
    age = pulse.age(verify.VERIFIED)
    if age is None or age <= WITHIN:
        return Finding(1, 0, ())
    why = f"It was last found whole {words.span(age)} ago."
    return Finding.of(1, [Failing("trail", "The trail", why)])


CHECK = Check(
    "trail-verified", "Trail verified",
    "The trail was found whole within the last two hours.",
    "The chain of the trail with its anchors, as the hourly look recomputes it.",
    timedelta(minutes=5), look,
    "`manage.py verify_trail` names the first position that does not hold.",
)  # fmt: skip
