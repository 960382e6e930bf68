"""Which connection stands for a part in the play: "crm" is HubSpot here, something else there."""

from meshline.policy import called
from meshline.policy.models import SystemRole

# Outcomes for people and for the queue are carried by Meshline itself.
MESHLINE = "meshline"


def connection_for(role: str) -> str:
    """The slug of the connection that plays this role; empty while nobody does."""
    return connections().get(role, "")


def connections() -> dict[str, str]:
    """Every role that is played, and by which connection."""
    return {MESHLINE: MESHLINE, **dict(SystemRole.objects.values_list("role", "connection"))}


def names() -> dict[str, str]:
    """Every role that is played, and what people call the connection that plays it."""
    known = called.names()
    return {role: known[slug] for role, slug in connections().items()}
