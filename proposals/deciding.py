"""A person decides between the values that systems tell of a field; it counts from then on."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from meshline.audit import trail
from meshline.audit.actors import Actor
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import called
from meshline.policy.truth import PEOPLE, Said
from proposals import authority, lifecycle, retelling
from proposals.fields import GROUPS, LABELS
from proposals.lifecycle import Conflict
from proposals.models import Proposal
from proposals.signals import Incoming

KIND = "proposal.decided"


@transaction.atomic
def take(*, proposal_id: int, field: str, signal_id: int, by: User, at: datetime) -> Proposal:
    """Take the value that this signal told. Raises Conflict when there is nothing to decide any
    more, or between other values than it was."""
    authority.steady()
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    permissions.check(by, Permission.DECIDE_VALUE, owner=proposal.owner)
    claims = retelling.as_they_stand([proposal])[0].told.asked.get(field)
    if not claims:
        raise Conflict("There is nothing to decide any more: the systems agree, or somebody has.")
    chosen = next((one for one in claims if one.by == signal_id), None)
    if chosen is None:
        raise Conflict("The systems tell other values by now; decide between those.")
    said = _said_by(by, proposal, field, chosen, at)
    lifecycle.take_in(proposal, said, by=by, at=at)
    # By name alone: the value may be a customer's, and stands on the proposal.
    trail.record(
        "proposal.decided", subject=proposal, record=proposal.record, by=by, at=at,
        after={"field": LABELS[field], "taken from": chosen.source}, why=said.note,
        cause=f"signal:{signal_id}",
    )  # fmt: skip
    return proposal


def _said_by(by: User, proposal: Proposal, field: str, chosen: Said, at: datetime) -> Incoming:
    return Incoming(
        origin=f"person:{by.pk}:{uuid.uuid4()}",
        kind=KIND,
        source=PEOPLE,
        record_source=proposal.source,
        external_id=proposal.external_id,
        occurred_at=_after_everything(proposal, at),
        received_at=at,
        by=Actor(by.actor_kind, by.actor_id, by.actor_label),
        tiebreak="~person",
        fields=dict(zip(GROUPS[field], chosen.value, strict=True)),
        note=f"{by.name} took {called.of(chosen.source)}'s {LABELS[field]}.",
    )


def _after_everything(proposal: Proposal, at: datetime) -> datetime:
    """A person decides on what they see: after all of it, also by a clock that runs ahead."""
    latest = proposal.signals.order_by("-occurred_at").first()
    return max(at, latest.occurred_at + timedelta(microseconds=1)) if latest else at
