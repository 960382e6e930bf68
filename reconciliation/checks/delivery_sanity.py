"""Did what was sent reach the CRM?"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from meshline.policy.models import SystemRole
from proposals.models import Outcome, Proposal, Transition
from proposals.models.outcome import State as Carried
from proposals.states import State
from reconciliation.checks.check import KEPT, Check, Failing, Finding

# Sent longer ago than this without a proven record in the CRM (the product's own number).
WITHIN = timedelta(minutes=5)
BACK = timedelta(days=30)


def look(at: datetime) -> Finding:
    """Proposals sent in the last 30 days, and those not on hold whose deal nobody has seen."""
    if not SystemRole.objects.filter(role="crm").exclude(connection="").exists():
        return Finding(0, 0, ())
    sent = Transition.objects.filter(
        proposal=OuterRef("pk"), to_state=State.SENT, at__gte=at - BACK, at__lte=at - WITHIN
    )
    proven = Outcome.objects.filter(
        Q(state=Carried.PROVEN) | Q(proven_at__isnull=False),
        proposal=OuterRef("pk"), kind="deal.upsert",
    )  # fmt: skip
    asked = Proposal.objects.filter(Exists(sent))
    told = Outcome.objects.open().filter(
        proposal=OuterRef("pk"), kind="deal.upsert", ticketed_at__isnull=False
    )
    failing = asked.filter(hold="").exclude(Exists(proven)).annotate(is_told=Exists(told))
    rows = [_failing(one) for one in failing.order_by("pk")[:KEPT]]
    number = len(rows) if len(rows) < KEPT else failing.count()
    return Finding(asked.count(), number, tuple(rows))


def _failing(one: Any) -> Failing:
    why = "No deal was read back from the CRM"
    why += "; its delivery has a ticket." if one.is_told else "."
    return Failing.proposal(one, why, is_told=one.is_told)


CHECK = Check(
    "delivery-sanity", "Delivery sanity",
    "Every proposal that was sent is in the CRM within 5 minutes.",
    "Proposals that came to be sent in the last 30 days, longer than 5 minutes ago; failing are "
    "those, not on hold, of which no deal was ever read back from the CRM.",
    timedelta(seconds=60), look,
    "Open the proposal and look at its outcomes: retry what failed, or mend the connection.",
)  # fmt: skip
