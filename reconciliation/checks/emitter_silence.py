"""Is a system silent that usually speaks?"""

from datetime import datetime, timedelta

from connectors import metrics
from connectors.models import Connection
from meshline.web import words
from reconciliation.checks.check import Check, Failing, Finding


def look(at: datetime) -> Finding:
    """Active connections with an agreed rhythm, and those silent for longer than it."""
    agreed = Connection.objects.active().filter(expected_every__isnull=False).order_by("pk")
    found = metrics.standings(agreed, at=at)
    return Finding.of(len(found), (_silent(one, at) for one in found if one.is_late))


def _silent(one: metrics.Standing, at: datetime) -> Failing:
    since = one.last_event_at or one.connection.created_at
    why = f"Nothing came for {words.span(at - since)}; {one.rhythm}."
    return Failing(f"connection:{one.connection.slug}", one.connection.name, why)


CHECK = Check(
    "emitter-silence", "Emitter silence",
    "Every connection speaks as often as agreed.",
    "Active connections for which a rhythm is agreed; failing are those from which nothing came "
    "for longer than that.",
    timedelta(seconds=60), look,
    "Test the connection, then ask its owner: an outage, a webhook that was removed, or a rhythm "
    "that is agreed too tight.",
)  # fmt: skip
