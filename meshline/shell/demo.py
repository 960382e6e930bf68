"""The demo company's people, and what they can be signed in with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoPerson:
    """Somebody to try Meshline as."""

    role: str
    email: str
    password: str


PEOPLE: list[DemoPerson] = []
