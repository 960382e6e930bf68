"""The keys of the file: what each floor offers, what names there are, in which order it is made."""

from connectors import model_file as connections
from connectors import parts as connected_parts
from exceptions.kinds import KINDS, Severity
from meshline.people import model_file as people
from meshline.policy import model_file as policy
from meshline.policy import raci_model_file as owners
from meshline.sections import Section
from proposals import contract_model_file as contracts
from proposals import routing_model_file as routing_rules
from proposals.authority import PEOPLE
from proposals.states import AUTHORITY

# In the order in which the file is written.
KEYS = [
    "company", "people", "teams", "calendars", "systems", "connections", "sources_of_truth",
    "raci", "slas", "routing_rules", "contracts", "mappings",
]  # fmt: skip
# Kept by their own screens so far: an export leaves them out, a file that names them is refused.
NOT_YET = {"mappings"}

BY_KEY: dict[str, Section] = {
    section.key: section
    for section in [
        *people.SECTIONS,
        *policy.SECTIONS,
        *owners.SECTIONS,
        *connections.SECTIONS,
        *routing_rules.SECTIONS,
        *contracts.SECTIONS,
    ]
}

# Teams before their people, people before what they own, connections before what trusts them.
MAKING = [
    "teams", "people", "company", "calendars", "connections", "sources_of_truth", "raci", "slas",
    "routing_rules",
    "contracts",
]  # fmt: skip


def systems() -> list[str]:
    return connections.systems()


def known() -> dict[str, set[str]]:
    """The names that never come from a file."""
    return {
        "system": set(systems()),
        "part": set(connected_parts.known()),
        "kind of record": {"proposal"},
        "move or field": set(AUTHORITY.values()),
        "severity": set(Severity),
        "severity or none": {"", *Severity},
        "ticket kind": {"", *KINDS},
    }


# What a name of this kind may be, beside the entries of these sections.
NAMED_BY = {
    "person": ["people"],
    "team": ["teams"],
    owners.HOLDER: ["people", "teams"],
    "authority": ["connections"],
}
ALSO = {"authority": {PEOPLE}, owners.HOLDER: owners.ROLES}
