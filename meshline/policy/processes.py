"""The processes somebody answers for: what each is called, and what falls to its owner.

A part of Meshline asks for its owner by one of these names; a test compares them with what asks.
A connection's health is a process of its own (`of_connection`), and falls under the general one.
"""

from dataclasses import dataclass

# The process everything falls under whose own process names nobody.
QUEUE = "exception-queue"
HEALTH = "connection-health"
_OF_CONNECTION = "connection:"


@dataclass(frozen=True)
class Process:
    name: str
    label: str
    what: str


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


def known(name: str) -> Process:
    """The process of this name; one that nothing asks for is named in its own words."""
    if slug := connection_of(name):
        what = f"Outages, refused credentials and missing records of {slug}. Without owners of its "
        return Process(name, f"Health of {slug}", f"{what}own it falls under connection health.")
    words = name.replace("-", " ").capitalize()
    return PROCESSES.get(name) or Process(name, words, "No part of Meshline asks for this one.")


def of_connection(slug: str) -> str:
    """The process of this connection's health."""
    return f"{_OF_CONNECTION}{slug}"


def connection_of(name: str) -> str:
    """Whose health this process is; empty when it is another one."""
    return name.removeprefix(_OF_CONNECTION) if name.startswith(_OF_CONNECTION) else ""


def is_asked_for(name: str) -> bool:
    """Whether a part of Meshline asks for this process by its name."""
    return name in PROCESSES or bool(connection_of(name))


def chain(name: str) -> list[str]:
    """The processes whose owners are asked one after the other until somebody is present."""
    above = [HEALTH] if connection_of(name) else []
    return list(dict.fromkeys([name, *above, QUEUE]))


def in_words(name: str) -> str:
    """The process inside a sentence: "the health of hubspot", "proposal state"."""
    if slug := connection_of(name):
        return f"the health of {slug}"
    return name.replace("-", " ").replace(":", " ")
