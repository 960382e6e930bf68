"""A person has a message read again: released from quarantine, or replayed under its key."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from connectors import whose_message
from connectors.models import Message
from exceptions import remedying, troubles
from exceptions.models import Ticket
from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission


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
    message.attempts = message.failures = message.crashes = 0
    message.lease_owner = message.lease_until = None
    message.save()
    trail.record("message.released", subject=message, record=message.record, by=by, at=at)
    bell.ring("inbox")
    return message


@transaction.atomic
def release_ticket(ticket: Ticket, *, by: User, at: datetime) -> int:
    """Let every message read again that keeps this ticket open, in order; how many there were.

    Raises MoveError where it is over, NotAllowed where somebody else has it.
    """
    ticket = remedying.begin(ticket.pk, by=by)
    released = release_each(messages_in(troubles.unsettled(ticket)), by=by, at=at)
    if released:
        remedying.tell(ticket, said_of(released), by=by, at=at)
    return released


def said_of(released: int) -> str:
    """What was done, as a sentence."""
    what = "1 message is" if released == 1 else f"{released} messages are"
    return f"{what} released and will be read again in order."


@transaction.atomic
def release_each(message_ids: Iterable[int], *, by: User, at: datetime) -> int:
    """Let those of these messages be read again that are held, in order; how many there were."""
    held = Message.objects.filter(pk__in=list(message_ids), status=Message.Status.QUARANTINED)
    released = list(held.order_by("pk").values_list("pk", flat=True))
    for message_id in released:
        release(message_id=message_id, by=by, at=at)
    return len(released)


def messages_in(subjects: Iterable[str]) -> list[int]:
    """The messages among what keeps tickets open ("message:812"), by their ids."""
    parts = [subject.partition(":") for subject in subjects]
    return [int(pk) for kind, _, pk in parts if kind == "message" and pk.isdecimal()]


@transaction.atomic
def replay(*, message_id: int, by: User, at: datetime) -> Message:
    """Digest a message again. Its key stays: what it led to is not done a second time."""
    message = Message.objects.select_for_update().get(pk=message_id)
    whose_message.check_replay(message, by)
    return reread(message_id=message_id, by=by, at=at)


@transaction.atomic
def reread(*, message_id: int, by: User, at: datetime) -> Message:
    """As `replay`, for who may do it as the ticket is theirs."""
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.status == Message.Status.ACCEPTED:
        raise NotNow("This message is about to be digested anyway.")
    before = {"status": message.status}
    message.status, message.next_attempt_at = Message.Status.ACCEPTED, at
    message.attempts = message.failures = message.crashes = 0
    message.lease_owner = message.lease_until = None
    message.save()
    trail.record(
        "message.replayed", subject=message, record=message.record, by=by, at=at, before=before
    )
    bell.ring("inbox")
    return message
