"""What the live contracts ask of each part: which kinds of outcome, and after which state."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshline.policy.roles import MESHLINE
from proposals.contracts import promises
from proposals.contracts.promises import OutcomeSpec
from proposals.models import Contract
from proposals.states import State


@dataclass(frozen=True)
class Asked:
    """One outcome of a live contract that a part is to bring about."""

    contract: Contract
    spec: OutcomeSpec

    @property
    def trigger(self) -> State:
        return State(self.contract.trigger)


def of_all() -> list[Asked]:
    """Every outcome that is to happen in another system."""
    return [one for one in _all() if one.spec.target != MESHLINE]


def parts() -> list[str]:
    """The parts that contracts name."""
    return list(dict.fromkeys(one.spec.target for one in of_all()))


def kinds(part: str) -> list[str]:
    """The kinds of outcome asked of a part, and what takes them back."""
    asked = [one.spec for one in of_all() if one.spec.target == part]
    named = [kind for spec in asked for kind in (spec.kind, spec.undo) if kind]
    return list(dict.fromkeys(named))


def _all() -> Iterator[Asked]:
    for contract in Contract.objects.live().order_by("slug"):
        for row in contract.outcomes:
            yield Asked(contract, promises.spec_from(row))
