"""The processes somebody answers for: what each is called, and what falls to its owner.

A part of Meshline asks for its owner by one of these names; a test compares them with what asks.
A connection's health is a process of its own (`of_connection`), and falls under the general one.
"""

from meshline.policy import called, process_table
from meshline.policy.called import Called
from meshline.policy.process_table import HEALTH, PROCESSES, QUEUE, Process

__all__ = ["HEALTH", "PROCESSES", "QUEUE", "Process"]

_OF_CONNECTION = "connection:"


def known(name: str, names: Called | None = None) -> Process:
    """The process of this name; one that nothing asks for is named in its own words. Whoever wants
    many has read the connections' names."""
    if slug := connection_of(name):
        said = (called.names() if names is None else names)[slug]
        what = f"Outages, refused credentials and missing records of {said}. Without owners of its "
        return Process(name, f"Health of {said}", f"{what}own it falls under connection health.")
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


def in_words(name: str, names: Called | None = None) -> str:
    """The process inside a sentence: "the health of HubSpot", "proposal state"."""
    if slug := connection_of(name):
        return f"the health of {(called.names() if names is None else names)[slug]}"
    return process_table.inside(name.replace(":", " "))
