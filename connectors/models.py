"""Connections and their secrets, what came in, what went out, and the crosswalk of ids."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from meshline.people.models import User
from proposals.models import Outcome
from proposals.tiers import Tier


class ConnectionQuerySet(models.QuerySet):
    def active(self):
        return self.filter(status=Connection.Status.ACTIVE)


class Connection(models.Model):
    """One configured account of an outside system."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"  # intake goes on and holds; nothing is carried
        DISABLED = "disabled", "Disabled"  # refuses webhooks, too

    class Breaker(models.TextChoices):
        CLOSED = "closed", "Closed"
        OPEN = "open", "Open"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    system = models.CharField(max_length=40)
    base_url = models.CharField(max_length=300, blank=True)
    allow_loopback = models.BooleanField(default=False)
    tier = models.CharField(max_length=10, choices=Tier.choices(), default=Tier.MINUTES)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT)
    # How often something usually comes; minutes. Silence longer than that is worth a look.
    expected_every = models.PositiveIntegerField(null=True, blank=True, help_text="minutes")
    # What its system wants to know beside address and secrets (registry: System.options).
    options = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    status_why = models.CharField(max_length=300, blank=True)
    breaker = models.CharField(max_length=6, choices=Breaker.choices, default=Breaker.CLOSED)
    breaker_opened_at = models.DateTimeField(null=True, blank=True)
    next_probe_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = ConnectionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    # Who this is on the trail, for what it brings.
    actor_kind = "connection"

    @property
    def actor_id(self) -> str:
        return self.slug

    @property
    def actor_label(self) -> str:
        return self.name


class SecretQuerySet(models.QuerySet):
    def live(self, *, at: datetime):
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=at)).order_by("-created_at", "-pk")

    def signing(self):
        return self.filter(purpose=Secret.Purpose.SIGNING)

    def credentials(self):
        return self.filter(purpose=Secret.Purpose.CREDENTIAL)


class Secret(models.Model):
    """A sealed secret. It can be replaced and ended, never read again by a person."""

    class Purpose(models.TextChoices):
        SIGNING = "signing", "Signing secret"
        CREDENTIAL = "credential", "Credential"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="secrets")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    # While a sender changes over, the older secret is good until then.
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = SecretQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["connection", "purpose"], name="secrets_live")]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} of {self.connection_id}"


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

    def __str__(self) -> str:
        return f"Receipt {self.pk}"


class MessageQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-id")


class MessageManager(models.Manager.from_queryset(MessageQuerySet)):  # type: ignore[misc]
    def get_queryset(self):
        # Only ever searched: it may be as large as the payload, and is read by nobody.
        return super().get_queryset().defer("words")


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
    crashes = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    signal_id = models.BigIntegerField(null=True, blank=True)
    record = models.CharField(max_length=120, blank=True)
    digested_at = models.DateTimeField(null=True, blank=True)

    # What it is found by: its ids weigh A, its payload's words nothing. None until it is cut up,
    # when it is digested or soon after; never on the way in.
    words = SearchVectorField(null=True, editable=False)

    objects = MessageManager()

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


class DeliveryAttempt(models.Model):
    """One try at carrying or proving an outcome: what went out, what came back, how long."""

    outcome = models.ForeignKey(Outcome, on_delete=models.CASCADE, related_name="tries_made")
    connection = models.CharField(max_length=60, blank=True)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    seconds = models.FloatField()
    succeeded = models.BooleanField()
    # [{"method", "url", "body", "status", "answer", "seconds"}] without any credential.
    calls = models.JSONField(default=list)
    result = models.TextField()
    failure = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["outcome", "id"], name="attempts_outcome"),
            # The breaker's window: the last five minutes of one connection.
            models.Index(fields=["connection", "-at"], name="attempts_window"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} of {self.outcome_id}"


class RecordLink(models.Model):
    """The crosswalk: our record ↔ its id in one outside system."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="links")
    record = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)  # theirs: "document", "deal", "task"
    external_id = models.CharField(max_length=200)
    # What we know it by there, where it is one of several of its kind.
    key = models.CharField(max_length=400, blank=True)
    linked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "kind", "external_id"], name="one_record_per_outside_id"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["record"], name="links_record")]

    def __str__(self) -> str:
        return f"{self.record} ↔ {self.kind} {self.external_id}"
