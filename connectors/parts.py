"""Which connection plays which part of the play that contracts speak of: quoting, crm, billing."""

from datetime import datetime

from django.db import transaction

from connectors import registry
from connectors.base import System
from connectors.models import Connection
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import Company, SystemRole
from meshline.policy.operating_model import ModelError, Stale
from proposals import authority, outbox
from proposals.contracts import asked_for
from proposals.contracts.sentences import PARTS, PLAYED, deed

# It brings proposals; every other part is to carry something.
QUOTING = "quoting"
# It makes proposals invoiced, where nothing else is agreed about whose word that is.
BILLING = "billing"


@transaction.atomic
def play(*, part: str, slug: str, by: Someone, at: datetime, seen: str | None = None) -> None:
    """From now on this connection plays the part; empty: nothing does. `seen` is who was seen to
    play it. Raises ModelError, Stale when somebody else does by now, and SecondPerson where a
    person changes alone whose word counts with it; whoever sets Meshline up may.

    What was promised while nothing played it goes there now; what waits for the one that played it
    before stays with that one.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if part == BILLING:
        # Before any row is locked, as whoever agrees on it: whose word counts goes with the part.
        authority.alone()
    # One change of parts at a time: the company's row is always there to wait for.
    Company.objects.select_for_update(of=("self",)).get()
    row = SystemRole.objects.filter(role=part).first()
    before = row.connection if row else ""
    if seen is not None and seen != before:
        raise Stale({"connection": seen}, {"connection": before})
    if reason := refusal(part, slug):
        raise ModelError(reason, "connection")
    if slug == before:
        return
    if isinstance(by, User) and (why := why_second(part)):
        raise SecondPerson(why, "connection")
    row = row or SystemRole(role=part)
    row.connection = slug
    facts = {"part": part, "connection": slug}
    trail.record(
        "part.assigned", subject=row, by=by, at=at,
        before={"part": part, "connection": before}, after=facts,
    )  # fmt: skip
    _write(row, at)


def refusal(part: str, slug: str) -> str:
    """Why this connection cannot play the part, as a sentence; empty when it can."""
    if part not in known():
        return f"There is no part “{part[:40]}”; there is {', '.join(known())}."
    if not slug:
        return ""
    there = Connection.objects.filter(slug=slug).first()
    if there is None:
        return f"There is no connection “{slug[:60]}”."
    return _unfit(part, there, registry.system(there.system))


def why_second(part: str) -> str:
    """Why nobody changes alone what plays this part, as a sentence; empty where one may."""
    if part != BILLING or authority.load().configured.get(BILLING):
        return ""
    return (
        "What plays billing makes a proposal invoiced, as long as nothing is agreed about it. "
        "Agree on that first, under sources of truth: a second person publishes it."
    )


def fitting(part: str) -> list[Connection]:
    """The connections that can play the part."""
    found = Connection.objects.order_by("name", "pk")
    return [one for one in found if not _unfit(part, one, registry.system(one.system))]


def known() -> list[str]:
    """Every part there is: those that sentences have words for, and those that contracts name."""
    return list(dict.fromkeys([*PLAYED, *asked_for.parts()]))


def _unfit(part: str, there: Connection, system: System) -> str:
    if part == QUOTING:
        return "" if system.emitter else f"{there.name} sends nothing, so it brings no proposals."
    if not system.deliveries:
        return f"{there.name} only sends; nothing can be carried there."
    missing = [kind for kind in asked_for.kinds(part) if system.delivery(kind) is None]
    if not missing:
        return ""
    deeds = ", ".join(deed(kind, kind.partition(".")[0]) for kind in missing)
    return f"{system.name} cannot {deeds}, which contracts ask of {PARTS.get(part, part)}."


def _write(row: SystemRole, at: datetime) -> None:
    if not row.connection:
        row.delete()
        return
    row.save()
    outbox.play_role(role=row.role, slug=row.connection, at=at)
