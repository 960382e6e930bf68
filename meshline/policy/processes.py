"""The processes somebody answers for: what each is called, and what falls to its owner.

A part of Meshline asks for its owner by one of these names; a test compares them with what asks.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    name: str
    label: str
    what: str


_TABLE = [
    Process(
        "exception-queue", "Exception queue",
        "Every ticket whose own process has nobody present falls to its owner.",
    ),
    Process(
        "proposal-state", "Proposal state",
        "Disputes, moves that were not allowed, and proposals whose owner nobody knows.",
    ),
    Process(
        "delivery", "Delivery",
        "What could not be carried to another system, or cannot be found there.",
    ),
    Process(
        "translation", "Translation",
        "Messages that could not be read, contradict each other, or could not be digested.",
    ),
    Process(
        "connection-health", "Connection health",
        "Refused credentials, and people or records another system lacks.",
    ),
]  # fmt: skip

PROCESSES: dict[str, Process] = {process.name: process for process in _TABLE}


def known(name: str) -> Process:
    """The process of this name; one that nothing asks for is named in its own words."""
    words = name.replace("-", " ").capitalize()
    return PROCESSES.get(name) or Process(name, words, "No part of Meshline asks for this one.")
