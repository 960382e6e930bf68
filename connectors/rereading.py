"""A person has a message read again: released from quarantine, or replayed under its key."""

from datetime import datetime

from django.db import transaction

from connectors.models import Message
from exceptions import desk
from exceptions.models import Ticket
from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NOBODY, Holder, Permission
from proposals.models import Proposal


class NotNow(Exception):
    """A move a message cannot make in its state, as a sentence."""


@transaction.atomic
def release(*, message_id: int, by: User, at: datetime) -> Message:
    """A person lets a quarantined message be read again, in its place."""
    permissions.check(by, Permission.RELEASE_QUARANTINE)
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.status != Message.Status.QUARANTINED:
        raise NotNow("Only a quarantined message is released.")
    message.status, message.why, message.next_attempt_at = Message.Status.ACCEPTED, "", at
    message.attempts = message.crashes = 0
    message.lease_owner = message.lease_until = None
    message.save()
    trail.record("message.released", subject=message, record=message.record, by=by, at=at)
    bell.ring("inbox")
    return message


@transaction.atomic
def release_ticket(ticket: Ticket, *, by: User, at: datetime) -> int:
    """Let every message read again that keeps this ticket open, in order; how many there were."""
    subjects = [subject.partition(":") for subject in desk.unsettled(ticket)]
    ids = sorted(int(pk) for kind, _, pk in subjects if kind == "message" and pk.isdecimal())
    held = Message.objects.filter(pk__in=ids, status=Message.Status.QUARANTINED).order_by("pk")
    released = list(held.values_list("pk", flat=True))
    for message_id in released:
        release(message_id=message_id, by=by, at=at)
    return len(released)


@transaction.atomic
def replay(*, message_id: int, by: User, at: datetime) -> Message:
    """Digest a message again. Its key stays: what it led to is not done a second time."""
    permissions.check(by, Permission.REPLAY_MESSAGE, owner=owner_of(message_id))
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.status == Message.Status.ACCEPTED:
        raise NotNow("This message is about to be digested anyway.")
    before = {"status": message.status}
    message.status, message.next_attempt_at = Message.Status.ACCEPTED, at
    message.attempts = message.crashes = 0
    message.lease_owner = message.lease_until = None
    message.save()
    trail.record(
        "message.replayed", subject=message, record=message.record, by=by, at=at, before=before
    )
    bell.ring("inbox")
    return message


def owner_of(message_id: int) -> Holder:
    """Who owns the record it is about. What is about none is nobody's own."""
    record = Message.objects.values_list("record", flat=True).get(pk=message_id)
    kind, _, pk = record.partition(":")
    if kind != "proposal" or not pk:
        return NOBODY
    proposal = Proposal.objects.select_related("owner").filter(pk=pk).first()
    return proposal.owner if proposal else NOBODY
