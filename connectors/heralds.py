"""Who hears that a connection stands still: its owner, and who answers for connections."""

from datetime import datetime

from django.urls import reverse

from connectors.models import Connection
from meshline.audit.actors import Someone
from meshline.notices import kinds, notices
from meshline.people.models import User
from meshline.policy import raci

PROCESS = "connection-health"


def tell_of_stop(
    there: Connection, *, deed: str, why: str, by: Someone, at: datetime, but: User | None = None
) -> None:
    """Tell them that nothing goes out over it any more, once per change of it.

    Not who did it, nor `but`, who knows already.
    """
    knowing = {_person(by), str(but.pk) if but else ""}
    people = [
        there.owner,
        raci.responsible_for(PROCESS, at=at).user,
        raci.accountable_for(PROCESS, at=at).user,
    ]
    notices.tell_each(
        [one for one in people if one is not None and str(one.pk) not in knowing],
        f"{there.name} was {deed} by {by.actor_label}: {why.strip().rstrip('.')}.",
        key=f"connection:{there.slug}:v{there.version}:{deed}",
        url=reverse("connectors:connection", args=[there.slug]),
        kind=kinds.CONNECTION,
        record=f"connection:{there.slug}",
        record_title=there.name,
        at=at,
    )


def _person(by: Someone) -> str:
    return by.actor_id if by.actor_kind == "person" else ""
