"""What canaries leave behind is taken back: nothing real is ever touched by this room."""

from datetime import datetime

from proposals.models import Outcome, Proposal, Signal, Transition
from proposals.models.outcome import State


def of(source: str) -> list[Proposal]:
    """The synthetic proposals that a connection brought, locked."""
    rows = Proposal.everything.select_for_update(no_key=True, of=("self",))
    return list(rows.filter(source=source, is_synthetic=True).order_by("pk"))


def take_back(proposals: list[Proposal], *, at: datetime) -> bool:
    """Remove these with all that followed from them; False while something of it is carried."""
    ids = [one.pk for one in proposals if one.is_synthetic]
    outcomes = Outcome.everything.filter(proposal__in=ids)
    locked = outcomes.select_for_update(of=("self",)).order_by("pk")
    if any(one.state == State.LEASED and (one.lease_until or at) > at for one in locked):
        return False
    outcomes.delete()
    Transition.objects.filter(proposal__in=ids).delete()
    Signal.everything.filter(proposal__in=ids).delete()
    Proposal.everything.filter(pk__in=ids, is_synthetic=True).delete()
    return True
