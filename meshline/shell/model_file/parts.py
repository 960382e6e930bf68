"""The keys of the file: what each floor offers, what names there are, in which order it is made."""

from connectors import mapping_model_file as mappings
from connectors import model_file as connections
from connectors import parts as connected_parts
from exceptions import model_file as tickets
from exceptions.kinds import KINDS, Severity
from meshline.people import model_file as people
from meshline.policy import model_file as policy
from meshline.policy import raci_model_file as owners
from meshline.sections import Section
from proposals.authority import PEOPLE
from proposals.contracts import model_file as contracts
from proposals.fields import GROUPS
from proposals.routing import model_file as routing_rules
from proposals.states import AUTHORITY

# In the order in which the file is written.
KEYS = [
    "company", "people", "teams", "calendars", "systems", "connections", "sources_of_truth",
    "raci", "slas", "escalation", "runbooks", "routing_rules", "contracts", "mappings",
]  # fmt: skip
BY_KEY: dict[str, Section] = {
    section.key: section
    for section in [
        *people.SECTIONS,
        *policy.SECTIONS,
        *owners.SECTIONS,
        *tickets.SECTIONS,
        *connections.SECTIONS,
        *routing_rules.SECTIONS,
        *contracts.SECTIONS,
        *mappings.SECTIONS,
    ]
}

# Teams before their people, people before what they own, connections before what trusts them.
MAKING = [
    "teams", "people", "company", "calendars", "connections", "sources_of_truth", "raci", "slas",
    "escalation", "runbooks", "routing_rules", "contracts", "mappings",
]  # fmt: skip


def systems() -> list[str]:
    return connections.systems()


def known() -> dict[str, set[str]]:
    """The names that never come from a file."""
    return {
        "system": set(systems()),
        "part": set(connected_parts.known()),
        "kind of record": {"proposal"},
        "move or field": {*AUTHORITY.values(), *GROUPS},
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
    "connection": ["connections"],
}
ALSO = {"authority": {PEOPLE}, owners.HOLDER: owners.ROLES}
