"""The stages of HubSpot's default pipeline: which we write, and what each says of its deal."""

from collections.abc import Mapping
from typing import Any

from proposals.states import State

# Only a closed proposal closes the deal: the stage follows our state.
STAGES = {
    State.DRAFT: "presentationscheduled",
    State.SENT: "contractsent",
    State.VIEWED: "contractsent",
    State.SIGNED: "contractsent",
    State.DISPUTED: "decisionmakerboughtin",
    State.EXPIRED: "decisionmakerboughtin",
    State.INVOICED: "contractsent",
    State.CLOSED_WON: "closedwon",
    State.CLOSED_LOST: "closedlost",
}
OPEN = "open"
# Won, lost or still open; of stages of other pipelines nothing is known.
SAYS: dict[str, str] = {
    "appointmentscheduled": OPEN,
    "qualifiedtobuy": OPEN,
    "presentationscheduled": OPEN,
    "decisionmakerboughtin": OPEN,
    "contractsent": OPEN,
    "closedwon": State.CLOSED_WON.value,
    "closedlost": State.CLOSED_LOST.value,
}


def told(params: Mapping[str, Any]) -> dict[str, str]:
    """The stage that a deal of this content is written with, and what that says."""
    stage = STAGES[State(params["state"])]
    return {"stage": SAYS[stage], "dealstage": stage}
