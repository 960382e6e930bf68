"""What everything that is replayed is judged by: asked once, however many lines there are.

Nothing of it changes by carrying one of them. What does, who is first in line, is asked each time.
"""

from collections.abc import Collection
from dataclasses import dataclass

from connectors.models import Connection
from meshline.policy import called
from meshline.policy.called import Called
from proposals import forcing, rewording
from proposals.models import Contract, Outcome, Proposal, Transition


@dataclass(frozen=True)
class Facts:
    """The outcomes in place of which another one was forced; to which version each signal brought
    its proposal; each contract's newest version, and the one in force, by its slug; each proposal
    as its story tells it; the connections and what they are called, by their slugs."""

    replaced: set[int]
    brought_to: dict[int, int]
    heads: dict[str, Contract]
    live: dict[str, Contract]
    told: dict[int, Proposal]
    connections: dict[str, Connection]
    names: Called


def of(outcomes: Collection[Outcome]) -> Facts:
    """The facts for these outcomes, as they stand now."""
    slugs = {one.contract.slug for one in outcomes}
    return Facts(
        replaced=forcing.replaced([one.pk for one in outcomes]),
        brought_to=_brought_to({one.signal_id for one in outcomes}),
        heads={one.slug: one for one in Contract.objects.heads(slugs)},
        live={one.slug: one for one in Contract.objects.live().filter(slug__in=slugs)},
        told=rewording.as_told([one.proposal for one in outcomes]),
        connections={one.slug: one for one in Connection.objects.all()},
        names=called.names(),
    )


def _brought_to(signals: set[int | None]) -> dict[int, int]:
    moves = Transition.objects.filter(signal__in=signals - {None}).order_by("version")
    return dict(moves.values_list("signal", "version"))
