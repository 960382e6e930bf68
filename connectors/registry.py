"""Every system Meshline speaks with, one line each."""

from connectors.base import System
from connectors.hubspot import system as hubspot
from connectors.pandadoc import system as pandadoc
from connectors.people import system as people
from connectors.slack import system as slack
from connectors.standardwebhooks import system as standardwebhooks
from connectors.stripe import system as stripe

PEOPLE = people.SYSTEM

SYSTEMS: dict[str, System] = {
    system.slug: system
    for system in (
        pandadoc.SYSTEM,
        hubspot.SYSTEM,
        stripe.SYSTEM,
        slack.SYSTEM,
        standardwebhooks.SENDER,
        standardwebhooks.RECEIVER,
    )
}


class UnknownSystem(Exception):
    """A system no connector is written for."""


def system(slug: str) -> System:
    """The system of that name. Raises UnknownSystem naming those there are."""
    if slug == PEOPLE.slug:
        return PEOPLE
    if slug not in SYSTEMS:
        known = ", ".join(sorted(SYSTEMS))
        raise UnknownSystem(f"There is no connector for {slug!r}; there is {known}.")
    return SYSTEMS[slug]


def choices() -> list[tuple[str, str]]:
    return [(entry.slug, entry.name) for entry in SYSTEMS.values()]
