"""What was held is let go: due now, in its order, with the whole of its time before it.

Of a record and connection the earlier still goes first (the outbox's own order), so it is enough
to make all of them due.
"""

from collections.abc import Sequence
from datetime import datetime

from meshline import bell, bulk
from meshline.policy import calendars
from meshline.policy.business_time import Hours
from proposals import budgets
from proposals.models import Outcome
from proposals.models.outcome import State
from proposals.tiers import Tier

_FIELDS = ["state", "next_attempt_at", "budget_ends_at"]


def let_go(outcomes: Sequence[Outcome], *, at: datetime) -> None:
    """Make these due, and give those that waited behind them their time anew.

    They are locked by the caller, and their proposals before them.
    """
    hours: dict[int | None, Hours] = {}
    for outcome in outcomes:
        outcome.state, outcome.next_attempt_at = State.DUE, at
    freed = [*outcomes, *_behind(outcomes)]
    for outcome in freed:
        team = outcome.proposal.owner.team
        if outcome.proposal.owner.team_id not in hours:
            hours[outcome.proposal.owner.team_id] = calendars.hours_of(team)
        budget = budgets.ends_at(Tier(outcome.tier), at, hours[outcome.proposal.owner.team_id])
        outcome.budget_ends_at = max(outcome.budget_ends_at, budget)
    bulk.update(freed, _FIELDS)
    bell.ring("outbox")


def _behind(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What of the same records and connections is due and came after them."""
    first = {}
    for outcome in sorted(outcomes, key=lambda one: -one.pk):
        first[outcome.proposal_id, outcome.connection] = outcome.pk
    known = {outcome.pk for outcome in outcomes}
    rows = (
        Outcome.objects.select_for_update(of=("self",))
        .select_related("proposal__owner__team")
        .filter(proposal__in={one.proposal_id for one in outcomes}, state=State.DUE)
        .order_by("pk")
    )
    return [
        row
        for row in rows
        if row.pk not in known and row.pk > first.get((row.proposal_id, row.connection), row.pk)
    ]
