"""How long an outcome has until it is late, by its tier."""

from datetime import datetime

from meshline.policy import business_time
from meshline.policy.business_time import Hours
from proposals import tiers
from proposals.tiers import Tier


def ends_at(tier: Tier, start: datetime, hours: Hours) -> datetime:
    """When its budget is over; the hours tier counts business time in these hours."""
    budget = tiers.BUDGET[tier]
    if tier is Tier.HOURS:
        return business_time.add(start, int(budget.total_seconds() // 60), hours)
    return start + budget
