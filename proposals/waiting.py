"""Why an outcome is held, in words: by its proposal's hold, or by its review gate."""

from collections.abc import Iterable
from datetime import datetime

from proposals.contracts.deciders import Deciders, Decision
from proposals.models import Approval, Outcome
from proposals.models.outcome import State


def why_held(outcomes: Iterable[Outcome], *, at: datetime) -> dict[int, str]:
    """The reason for each of these that is held, by its id; asked once for all of them."""
    held = [outcome for outcome in outcomes if outcome.state == State.HELD]
    if not held:
        return {}
    asked = Approval.objects.filter(outcome__in=held, decided_at=None)
    deciders = Deciders(at)
    waits = {
        one.outcome_id: _asks(deciders.on(one))
        for one in asked.select_related("outcome__contract", "caused_by", "asked_by")
    }
    on_hold = Outcome.objects.filter(pk__in=[one.pk for one in held], on_hold=True)
    stops = {
        pk: f"Its proposal is on hold: {kind.replace('-', ' ')}."
        for pk, kind in on_hold.values_list("pk", "proposal__hold")
    }
    return waits | stops


def _asks(decision: Decision) -> str:
    return f"It waits for the approval of {decision.whom}. {decision.why}".strip()
