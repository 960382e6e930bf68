"""What came in: posts, their messages, and what was turned away."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from connectors.models.connections import Connection
from meshline.synthetic import AllOnes, RealOnes, flag


class Receipt(models.Model):
    """One signed POST as it came: the raw bytes are written first and never touched."""

    # No constraint and no index of its own on the way in: connections are never removed, and both
    # cost with every webhook.
    connection = models.ForeignKey(
        Connection, models.PROTECT, related_name="receipts", db_constraint=False, db_index=False
    )
    received_at = models.DateTimeField(db_default=Now())
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    # How it proved who sent it, in words.
    verdict = models.CharField(max_length=200)
    sender = models.GenericIPAddressField(null=True, blank=True)
    is_synthetic = flag()

    objects = RealOnes()
    everything = AllOnes()

    class Meta:
        indexes: ClassVar = [
            # Of canaries there are never more than a few; it costs real ones nothing.
            models.Index(
                fields=["connection"], name="receipts_synthetic", condition=Q(is_synthetic=True)
            )
        ]

    def __str__(self) -> str:
        return f"Receipt {self.pk}"


class MessageQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-id")


class EveryMessage(models.Manager.from_queryset(MessageQuerySet)):  # type: ignore[misc]
    def get_queryset(self):
        # Only ever searched: it may be as large as the payload, and is read by nobody.
        return super().get_queryset().defer("words")


class RealMessages(RealOnes, EveryMessage):
    pass


class Message(models.Model):
    """One event in a receipt, kept once per (connection, key)."""

    class Status(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        DIGESTED = "digested", "Digested"
        IGNORED = "ignored", "Ignored"
        SUPERSEDED = "superseded", "Superseded"
        QUARANTINED = "quarantined", "Quarantined"

    connection = models.ForeignKey(
        Connection, models.PROTECT, related_name="messages", db_constraint=False, db_index=False
    )
    receipt = models.ForeignKey(
        Receipt, on_delete=models.PROTECT, related_name="messages", db_constraint=False
    )
    position = models.PositiveIntegerField(default=0)
    key = models.CharField(max_length=300)
    body_hash = models.BinaryField()
    payload = models.BinaryField()
    type = models.CharField(max_length=120, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACCEPTED)
    why = models.TextField(blank=True)
    duplicates = models.PositiveIntegerField(default=0)
    last_duplicate_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    # Of these, those that failed by our own fault: one that only looked whether its record is known
    # by now is none. By the database, for intake writes its rows without it.
    failures = models.PositiveIntegerField(default=0, db_default=0)
    crashes = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    signal_id = models.BigIntegerField(null=True, blank=True)
    record = models.CharField(max_length=120, blank=True)
    digested_at = models.DateTimeField(null=True, blank=True)

    # Nobody told it: it was found by looking, by that sync, so long after it happened.
    late = models.BooleanField(default=False, db_default=False)
    occurred_at = models.DateTimeField(null=True, blank=True)
    found_by = models.BigIntegerField(null=True, blank=True)

    # What it is found by: its ids weigh A, its payload's words nothing. None until it is cut up,
    # when it is digested or soon after; never on the way in.
    words = SearchVectorField(null=True, editable=False)

    is_synthetic = flag()

    objects = RealMessages()
    everything = EveryMessage()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "key"], name="one_message_per_key")
        ]
        indexes: ClassVar = [
            # What the drain takes next, of each connection.
            models.Index(
                fields=["connection", "next_attempt_at", "id"],
                name="messages_due",
                condition=Q(status="accepted"),
            ),
            # The page of one connection; the whole list goes by the primary key.
            models.Index(fields=["connection", "-id"], name="messages_newest"),
            models.Index(fields=["record", "-id"], name="messages_record", condition=~Q(record="")),
            # The few in quarantine among all the others.
            models.Index(
                fields=["-id"], name="messages_quarantined", condition=Q(status="quarantined")
            ),
            models.Index(
                fields=["connection"], name="messages_synthetic", condition=Q(is_synthetic=True)
            ),
            # The search. Partial, for an index of this kind would hold a new message's NULL, too.
            GinIndex(fields=["words"], name="messages_words", condition=Q(words__isnull=False)),
            # What is still to be cut up; whatever waits to be digested is cut up then.
            models.Index(
                fields=["id"],
                name="messages_wordless",
                condition=Q(words__isnull=True) & ~Q(status="accepted"),
            ),
        ]

    def __str__(self) -> str:
        return f"Message {self.pk}"

    @property
    def ref(self) -> str:
        return f"message:{self.pk}"

    @property
    def is_waiting(self) -> bool:
        return self.status == self.Status.ACCEPTED

    @property
    def late_by(self) -> timedelta | None:
        """How long after it happened it was found by looking; None for what somebody told."""
        if not self.late or self.occurred_at is None:
            return None
        return max(self.received_at - self.occurred_at, timedelta(0))


class RejectedReceipt(models.Model):
    """A refused POST, kept for a week in a table of its own: it can never occupy a key."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="rejected")
    at = models.DateTimeField(db_default=Now())
    status_code = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=300)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()  # the first 64 KiB
    sender = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["connection", "-at"], name="rejected_newest")]

    def __str__(self) -> str:
        return self.reason
