"""Signals, proposals, contracts and outcomes: the canonical rows."""

from proposals.models.contract import Contract
from proposals.models.outcome import Outcome
from proposals.models.proposal import Proposal, Transition
from proposals.models.signal import Signal

__all__ = ["Contract", "Outcome", "Proposal", "Signal", "Transition"]
