"""The ticket of a connection that cannot be looked through, and its end."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from connectors import health
from connectors.models import Sync
from exceptions import troubles
from meshline.audit.actors import Actor, part

CLOSER = part("syncs", "Looking through the other systems")
KIND = "sync-failed"


# Its answer says that it is down, and nothing of what is read.
_DOWN = "unavailable"


def tell(sync: Sync, why: str, *, failure: str, by: Actor, at: datetime) -> None:
    """One ticket for a kind of record, however often it fails; none of its own where the other
    side is down, for that is one cause, whatever is read or carried."""
    make = _of_the_outage if failure == _DOWN else _of_its_own
    troubles.open_ticket(make(sync, why), by=by, at=at)


def _of_the_outage(sync: Sync, why: str) -> troubles.Trouble:
    return health.outage(
        sync.connection, _DOWN, subject=_subject(sync), reason=_reason(sync, why),
        evidence=_evidence(sync, why),
    )  # fmt: skip


def _of_its_own(sync: Sync, why: str) -> troubles.Trouble:
    there = sync.connection
    return troubles.Trouble(
        kind=KIND,
        cause=f"{KIND}:{there.slug}:{sync.kind}",
        failure=KIND,
        title=f"{there.name} cannot be looked through",
        reason=_reason(sync, why),
        subject=_subject(sync),
        evidence=_evidence(sync, why),
        connection=there.slug,
    )


def _reason(sync: Sync, why: str) -> str:
    return f"Its {sync.kind} could not be read: {why}"


def _evidence(sync: Sync, why: str) -> dict[str, Any]:
    return {
        "sync": sync.pk,
        "read": sync.get_mode_display(),
        "pages": sync.pages,
        "last answer": why[:2000],
        "page": reverse("connectors:connection", args=[sync.connection.slug]),
    }


def settle(sync: Sync, *, at: datetime) -> None:
    """It was read to its end."""
    because = f"{sync.connection.name} was looked through."
    kinds = {KIND, health.OUTAGE}
    troubles.settle(subject=_subject(sync), because=because, by=CLOSER, at=at, kinds=kinds)


def _subject(sync: Sync) -> str:
    return f"{sync.connection.slug}:sync:{sync.kind}"
