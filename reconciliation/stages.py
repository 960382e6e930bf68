"""What the stages of a connection's deals say: HubSpot's own, and those that are mapped."""

from connectors import mappings
from connectors.hubspot.stages import OPEN, SAYS
from connectors.models import Connection
from proposals.states import CLOSED, State


def of(there: Connection) -> dict[str, str]:
    """Won, lost or open, by the stage; a stage that is not among them says nothing."""
    mapped = mappings.of(there).words
    return SAYS | {stage.lower(): _closedness(state) for stage, state in mapped.items()}


def _closedness(state: State | None) -> str:
    return state.value if state in CLOSED else OPEN
