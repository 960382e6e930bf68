"""The task of a follow-up in the CRM, when a person has moved that here: due then there, too.

Its proposal is locked by the caller, and then the outcome that made it.
"""

from datetime import datetime

from exceptions import troubles
from meshline.audit import trail
from meshline.audit.actors import Someone
from proposals import holds, tiers
from proposals.contracts import promising
from proposals.contracts.catalogue import MOVE_TASK
from proposals.models import Outcome
from proposals.models.outcome import State
from proposals.tiers import Tier

_REPLACED = "It was moved again; a newer one takes its place."


def move(outcome_id: int, *, due_at: datetime, number: int, by: Someone, at: datetime) -> None:
    """See to it that the task is due then; `number` tells this move from the ones before."""
    rows = Outcome.objects.select_for_update(of=("self",)).select_related("proposal")
    outcome = rows.get(pk=outcome_id)
    if outcome.unwanted_at is not None or outcome.state == State.CANCELLED:
        return
    # Whenever it is made from now on, it is made so.
    outcome.params = {**outcome.params, "due_at": due_at.isoformat()}
    outcome.save(update_fields=["params"])
    _replace_earlier(outcome, by, at)
    # It is there, or may be; before the first try there is nothing to move.
    if outcome.attempts:
        _promise(outcome, number, by, at)


def _promise(outcome: Outcome, number: int, by: Someone, at: datetime) -> None:
    tier = Tier(outcome.tier)
    params = {"due_at": outcome.params["due_at"], "of_key": outcome.key,
              "of_id": outcome.external_id}  # fmt: skip
    made = Outcome(
        proposal=outcome.proposal, contract_id=outcome.contract_id, name=f"{outcome.name}-move",
        kind=MOVE_TASK, target=outcome.target, connection=outcome.connection,
        signal_id=outcome.signal_id, key=f"{outcome.key}/move/{number}", params=params, tier=tier,
        tier_rank=tiers.RANK[tier], promised_at=at, budget_ends_at=at + tiers.BUDGET[tier],
        next_attempt_at=at,
    )  # fmt: skip
    holds.rest(made, is_on_hold=bool(outcome.proposal.hold))
    made.save()
    _record("outcome.promised", made, by, at)


def _replace_earlier(outcome: Outcome, by: Someone, at: datetime) -> None:
    """What is not proven of earlier moves is called off: carried late it would move it back."""
    rows = Outcome.objects.select_for_update(of=("self",)).filter(
        proposal=outcome.proposal_id, kind=MOVE_TASK, params__of_key=outcome.key, unwanted_at=None
    )
    for one in rows.exclude(state__in=[State.PROVEN, State.CANCELLED]).order_by("pk"):
        one.unwanted_at, one.unwanted_why = at, _REPLACED
        if one.state in promising.CALLED_OFF_FROM:
            one.state = State.CANCELLED
            _record("outcome.called-off", one, by, at, why=_REPLACED)
            troubles.settle(subject=one.ref, because=_REPLACED, by=by, at=at)
        one.save(update_fields=["state", "unwanted_at", "unwanted_why"])


def _record(what: str, one: Outcome, by: Someone, at: datetime, why: str = "") -> None:
    after = {"outcome": one.kind, "in": one.connection, "key": one.key}
    trail.record(what, subject=one, record=one.record, by=by, at=at, after=after, why=why)
