"""Several proposals to somebody at once: all of them as they were seen, or none."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from meshline.people.models import User
from proposals import authority, lifecycle, outbox
from proposals.lifecycle import Conflict
from proposals.models import Outcome, Proposal

MOST = 100


@transaction.atomic
def give(
    versions: Mapping[int, int], *, owner: User, reason: str, by: User, at: datetime
) -> list[Proposal]:
    """Give these proposals, each in the version in which it was seen, to `owner`.

    Raises Conflict where one of them is not there or was changed meanwhile, and what
    `lifecycle.assign` raises.
    """
    authority.steady()
    ids = sorted(versions)[:MOST]
    # All of them and what is promised of them, in the order in which everybody locks.
    outbox.lock(Proposal.objects.filter(pk__in=ids), Outcome.objects.filter(proposal__in=ids))
    if Proposal.objects.filter(pk__in=ids).count() != len(versions):
        raise Conflict("One of these records is not there any more; look at them again.")
    return [
        lifecycle.assign(
            proposal_id=pk, owner=owner, version=versions[pk], reason=reason, by=by, at=at
        )
        for pk in ids
    ]
