"""The processes that Meshline asks for, as a table: what each is called, and what falls to it.

Pure: `meshline.policy.processes` adds the health of each connection.
"""

from dataclasses import dataclass

from meshline import sentences

# The process everything falls under whose own process names nobody.
QUEUE = "exception-queue"
HEALTH = "connection-health"


@dataclass(frozen=True)
class Process:
    name: str
    label: str
    what: str

    @property
    def inside(self) -> str:
        """Its label inside a sentence."""
        return sentences.inside(self.label)


_TABLE = [
    Process(
        QUEUE, "Exception queue",
        "Every ticket whose own process has nobody present falls to its owner.",
    ),
    Process(
        "proposal-state", "Proposal state",
        "Disputes, moves that were not allowed, values that contradict each other, and proposals "
        "whose owner nobody knows.",
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
        HEALTH, "Connection health",
        "Outages, refused credentials, and people or records another system lacks, of every "
        "connection that names no owners of its own.",
    ),
    Process(
        "reconciliation", "Reconciliation",
        "Differences between the systems, and what a check found missing.",
    ),
    Process(
        "ready-for-follow-up", "Ready for follow-up",
        "Which system says that somebody is ready to be contacted, and what it says too early, "
        "twice or not at all.",
    ),
    Process(
        "cadence", "Cadence",
        "How soon and how often people are contacted: follow-ups that are late or doubled.",
    ),
    Process(
        "rule-ownership", "Rule ownership",
        "Routing rules, contracts and the rest of the operating model: gaps, contradictions, and "
        "what waits to be published.",
    ),
]  # fmt: skip

PROCESSES: dict[str, Process] = {process.name: process for process in _TABLE}


def inside(name: str) -> str:
    """The process inside a sentence; one that nothing asks for by its own words."""
    return PROCESSES[name].inside if name in PROCESSES else name.replace("-", " ")
