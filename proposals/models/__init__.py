"""Signals, proposals, contracts, outcomes and routing: the canonical rows."""

from proposals.models.approval import Approval
from proposals.models.contract import Contract
from proposals.models.follow_up import FollowUp
from proposals.models.forcing import ForcedEffect
from proposals.models.hold import Hold
from proposals.models.outcome import Outcome
from proposals.models.proposal import Proposal, Transition
from proposals.models.routing import RoutingDecision, RoutingPool, RoutingRules
from proposals.models.signal import Signal

__all__ = [
    "Approval", "Contract", "FollowUp", "ForcedEffect", "Hold", "Outcome", "Proposal",
    "RoutingDecision", "RoutingPool", "RoutingRules", "Signal", "Transition",
]  # fmt: skip
