"""A ticket asks whose records these are: somebody says so, of all that hang on it at once."""

import hashlib
from datetime import datetime

from django.db import transaction

from exceptions import remedying, troubles
from exceptions.models import Ticket
from meshline.people.models import User
from proposals import authority, lifecycle, outbox
from proposals.lifecycle import Conflict
from proposals.models import Outcome, Proposal

MOST = 100


def open_on(ticket: Ticket) -> list[Proposal]:
    """The proposals that keep it open."""
    subjects = [one.partition(":") for one in troubles.unsettled(ticket)[:MOST]]
    ids = [int(pk) for kind, _, pk in subjects if kind == "proposal" and pk.isdecimal()]
    return list(Proposal.objects.filter(pk__in=ids).select_related("owner").order_by("pk"))


def seen(proposals: list[Proposal]) -> str:
    """What whoever looks at these sees: another one of them, or a change, is something else."""
    told = ",".join(f"{one.pk}.{one.version}" for one in proposals)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


@transaction.atomic
def give_all(
    *, ticket_id: int, owner: User, shown: str, reason: str, by: User, at: datetime
) -> str:
    """Give them all to somebody, or none; what was done, as a sentence. Its ticket then closes.

    Raises Conflict where they are other ones by now, and what `lifecycle.assign` raises.
    """
    authority.steady()
    ticket = remedying.begin(ticket_id, by=by)
    proposals = open_on(ticket)
    if not proposals or seen(proposals) != shown:
        raise Conflict("These records changed meanwhile; look at them again.")
    count = f"{len(proposals)} records" if len(proposals) > 1 else str(proposals[0])
    said = f"Gave {count} to {owner.name}."
    _lock(proposals)
    remedying.tell(ticket, said, by=by, at=at, why=reason)
    for one in proposals:
        lifecycle.assign(
            proposal_id=one.pk, owner=owner, version=one.version, reason=reason, by=by, at=at
        )
    return said


def _lock(proposals: list[Proposal]) -> None:
    """All of them and what is promised of them before the ticket, as who carries that does."""
    ids = [one.pk for one in proposals]
    outbox.lock(Proposal.objects.filter(pk__in=ids), Outcome.objects.filter(proposal__in=ids))
