"""A red canary is a ticket, one a leg of a path, which closes itself when that is passed again.

What is not carried or proven is the CRM's, whichever path led there: one ticket, on which all of
them hang. While the CRM's outage has a ticket, that one tells of it: it is the same cause, and the
same remedy. The canary hangs on it, and keeps it open until one is through.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors import health
from exceptions import troubles
from exceptions.models import Occurrence, Ticket
from meshline.audit.actors import Someone
from meshline.policy import called, roles
from reconciliation.canary_legs import Leg
from reconciliation.models.canaries import Canary, Probe

KIND = "canary-red"


def tell(probe: Probe, *, by: Someone, at: datetime) -> None:
    """Open the ticket of the leg that broke; one of another leg is over with it."""
    canary = probe.canary
    broken = subject(canary, probe.leg)
    outage = _outage(probe.leg)
    if outage and broken in _open(canary, but=outage):
        because = f"{called.of(outage.connection)} does not answer: ticket {outage.pk} tells it."
        troubles.settle(subject=broken, because=because, by=by, at=at, kinds={KIND})
    if broken not in _open(canary):
        troubles.open_ticket(_trouble(probe, broken, outage), by=by, at=at)
    because = f"It comes farther or less far by now: it breaks at {probe.leg}."
    _settle(canary, because, by, at, but=broken)


def settle(canary: Canary, *, because: str, by: Someone, at: datetime) -> None:
    _settle(canary, because, by, at)


def subject(canary: Canary, leg: str) -> str:
    """What must come right, as its ticket names it."""
    return f"{_subjects(canary)}{leg}"


def _subjects(canary: Canary) -> str:
    return f"canary:{canary.connection.slug}:"


def _settle(canary: Canary, because: str, by: Someone, at: datetime, *, but: str = "") -> None:
    for one in sorted(_open(canary) - {but}):
        troubles.settle(subject=one, because=because, by=by, at=at)


def _open(canary: Canary, *, but: Ticket | None = None) -> set[str]:
    """What of it keeps a ticket open."""
    mine = Occurrence.objects.filter(subject__startswith=_subjects(canary), settled_at=None)
    hanging = mine.exclude(ticket=but) if but else mine
    return set(hanging.values_list("subject", flat=True))


def _outage(leg: str) -> Ticket | None:
    """The open ticket that says why the CRM takes or shows nothing."""
    crm = _crm(leg)
    return health.outage_ticket(crm) if crm else None


def _crm(leg: str) -> str:
    """The CRM, where that leg is its; else empty."""
    return roles.connections().get("crm", "") if leg in (Leg.CARRIED, Leg.PROVEN) else ""


def _trouble(probe: Probe, broken: str, outage: Ticket | None) -> troubles.Trouble:
    own = _of_its_own(probe, broken)
    if outage is None:
        return own
    return replace(
        own, kind=outage.kind, cause=outage.cause, step="", connection=outage.connection,
        severity=outage.severity,
    )  # fmt: skip


def _of_its_own(probe: Probe, broken: str) -> troubles.Trouble:
    canary = probe.canary
    name, slug, crm = canary.connection.name, canary.connection.slug, _crm(probe.leg)
    whose = f"Canaries break in {called.of(crm)}" if crm else f"The canary of {name} breaks"
    return troubles.Trouble(
        kind=KIND,
        cause=f"canary:{probe.leg}:{crm}" if crm else broken,
        title=f"{whose} at “{probe.leg}”",
        reason=f"What {name} tells does not get through: {Leg(probe.leg).label} is not reached. "
        f"{probe.seen}",
        subject=broken,
        evidence={"legs": _legs(probe), "seen": probe.seen, "page": "/checks/canaries/"},
        connection=crm or slug,
        step=probe.leg,
        remedies=_remedies(slug, name),
    )


def _legs(probe: Probe) -> dict[str, Any]:
    """When each leg was passed, by the database's clock."""
    times = {leg.value: probe.passed_at(leg) for leg in probe.legs}
    return {leg: at.isoformat(timespec="seconds") if at else "—" for leg, at in times.items()}


def _remedies(slug: str, name: str) -> list[dict[str, Any]]:
    return [
        {"label": "Try it now", "url_name": "reconciliation:run-canary", "args": [slug],
         "explains": f"Sends {name}'s next one at once; what gets through is settled here."},
        {"label": "See the canaries", "url_name": "reconciliation:canaries", "args": [],
         "explains": "Shows every leg, and how the last ones went.", "is_page": True},
    ]  # fmt: skip
