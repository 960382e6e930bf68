"""Which way a canary goes: what its connection tells, and how far that leads as it is agreed."""

from dataclasses import dataclass

from connectors import feigning
from connectors.models import Connection
from meshline.policy import roles
from proposals import authority
from proposals.contracts import versions
from proposals.states import State


@dataclass(frozen=True)
class Way:
    """What the event says, the state in which the proposal must be there before (None: the event
    brings it), and whether what follows is in the CRM; `tells` it in words."""

    says: State
    stands: State | None
    reaches_crm: bool
    tells: str


def of(there: Connection) -> Way:
    """The way of this connection's canary by the authorities and contracts of now."""
    feint = feigning.feint_of(there)
    if feint is None:
        raise LookupError(f"{there.name} has no canary.")
    said = f"That a proposal is {feint.says.label.lower()}"
    if feint.stands is not None and (others := _others(there, feint.says)):
        # It may repeat what they said: so far it is heard all the same.
        tells = f"{said}, which it is already: {others}."
        return Way(feint.says, feint.says, False, tells)
    ends = _ends(feint.says)
    return Way(feint.says, feint.stands, not ends, f"{said}. {ends}".strip())


def _others(there: Connection, says: State) -> str:
    """Who alone may say so; empty where this connection may."""
    authorities = authority.load()
    if not authorities.refusal(says, source=there.slug, sender=there.slug):
        return ""
    named = authorities.of(says, source=there.slug)
    who = f"only {authorities.called[named]} may" if named else "nobody may"
    return f"{who} say so here"


def _ends(says: State) -> str:
    """Why nothing of it is in the CRM, as a sentence; empty when something is."""
    if not roles.connections().get("crm"):
        return "No connection plays the part of the CRM."
    asked = (contract for contract in versions.live() if contract.trigger is says)
    if any(spec.may_be_tried for contract in asked for spec in contract.outcomes):
        return ""
    return "No contract asks the CRM for anything then."
