"""What canaries need to be there, and what they leave behind: nothing real is ever touched here."""

from dataclasses import dataclass
from datetime import datetime

from meshline.audit.actors import Actor
from proposals import intake
from proposals.models import Outcome, Proposal, Signal, Transition
from proposals.models.outcome import State as Carried
from proposals.signals import Incoming
from proposals.states import State

# Older than every contract, so that under none of them anything follows from it.
_UNDER_NO_CONTRACT = 0


@dataclass(frozen=True)
class Stands:
    """A synthetic proposal that an event will be about: whose, in which state, with what fields."""

    source: str
    external_id: str
    state: State
    fields: dict[str, str]
    since: datetime
    origin: str


def let_stand(scene: Stands, *, by: Actor, at: datetime) -> str:
    """Let it be there, as if it had been for long; its record. Nothing follows from it."""
    told = Incoming(
        origin=scene.origin, kind=f"proposal.{scene.state}", source=scene.source,
        record_source=scene.source, external_id=scene.external_id, occurred_at=scene.since,
        received_at=at, by=by, target=scene.state, forced=True, fields=dict(scene.fields),
        under=_UNDER_NO_CONTRACT, is_synthetic=True,
    )  # fmt: skip
    return intake.receive(told, at=at).record


def of(source: str) -> list[Proposal]:
    """The synthetic proposals that a connection brought, locked."""
    rows = Proposal.everything.select_for_update(no_key=True, of=("self",))
    return list(rows.filter(source=source, is_synthetic=True).order_by("pk"))


def take_back(proposals: list[Proposal], *, at: datetime) -> bool:
    """Remove these with all that followed from them; False while something of it is carried."""
    ids = [one.pk for one in proposals if one.is_synthetic]
    outcomes = Outcome.everything.filter(proposal__in=ids)
    locked = outcomes.select_for_update(of=("self",)).order_by("pk")
    if any(one.state == Carried.LEASED and (one.lease_until or at) > at for one in locked):
        return False
    outcomes.delete()
    Transition.objects.filter(proposal__in=ids).delete()
    Signal.everything.filter(proposal__in=ids).delete()
    Proposal.everything.filter(pk__in=ids, is_synthetic=True).delete()
    return True
