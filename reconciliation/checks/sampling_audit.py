"""Did people look at what was drawn for them?"""

from datetime import datetime, timedelta

from reconciliation.checks.check import KEPT, Check, Failing, Finding
from reconciliation.models.samples import Drawn


def look(at: datetime) -> Finding:
    """What was drawn in the last year, and what nobody has judged within ten business days."""
    asked = Drawn.objects.filter(sample__drawn_at__gt=at - timedelta(days=365))
    late = asked.late(at=at)
    rows = late.select_related("proposal", "sample").order_by("pk")[:KEPT]
    return Finding(asked.count(), late.count(), tuple(map(_failing, rows)))


def _failing(one: Drawn) -> Failing:
    why = f"Nobody has judged it in the {str(one.sample).lower()}."
    found = Failing.proposal(one.proposal, why)
    return Failing(f"drawn:{one.pk}", found.words, why, found.record)


CHECK = Check(
    "sampling-audit", "Sampling audit",
    "Each month's sample is judged by people within ten business days.",
    "Up to 20 proposals a month, drawn by lot from those that changed; failing is each that "
    "nobody has said right or wrong of in time.",
    timedelta(hours=1), look,
    "Open the sample, look each proposal up in the systems themselves, and say whether it is so.",
    grave_from=10,
)  # fmt: skip
