"""Why an outcome is held, in words: by its proposal's hold, or by its review gate."""

from collections.abc import Iterable

from proposals import gates
from proposals.models import Approval, Outcome
from proposals.models.outcome import State


def why_held(outcomes: Iterable[Outcome]) -> dict[int, str]:
    """The reason for each of these that is held, by its id; asked once for all of them."""
    held = [outcome for outcome in outcomes if outcome.state == State.HELD]
    if not held:
        return {}
    asked = Approval.objects.filter(outcome__in=held, decided_at=None)
    waits = {
        pk: f"It waits for the approval of {gates.whom(who)}."
        for pk, who in asked.values_list("outcome", "who")
    }
    on_hold = Outcome.objects.filter(pk__in=[one.pk for one in held], on_hold=True)
    stops = {
        pk: f"Its proposal is on hold: {kind.replace('-', ' ')}."
        for pk, kind in on_hold.values_list("pk", "proposal__hold")
    }
    return waits | stops
