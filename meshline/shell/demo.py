"""The demo company: people, connections to the stand-in vendors, and a history to look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoPerson:
    """Somebody of the demo company; passwords are no secret, the company is invented."""

    role: str
    email: str
    password: str
    name: str
    team: str


PEOPLE = [
    DemoPerson(
        "operator", "olivia@example.com", "olivia works the queue", "Olivia Ortiz", "revops"
    ),
    DemoPerson("manager", "rosa@example.com", "rosa owns the model", "Rosa Marin", "revops"),
    DemoPerson("sdr-manager", "sam@example.com", "sam watches follow-up", "Sam Dube", "sales"),
    DemoPerson("rep", "remy@example.com", "remy writes proposals", "Remy Park", "sales"),
    DemoPerson("admin", "ada@example.com", "ada connects systems", "Ada Stone", ""),
    DemoPerson("viewer", "vera@example.com", "vera reads along", "Vera Lind", ""),
]
