"""Connections with their secrets, and how each of them reads what comes in."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User
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


class MappingVersionQuerySet(models.QuerySet):
    def live(self):
        return self.filter(is_live=True)


class MappingVersion(models.Model):
    """One version of what a connection maps. Only whether it is live ever changes.

    A trigger refuses everything else. `content` is as in connectors/mapping.py; an empty one goes
    back to what the connector has by itself.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="mappings")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    # Who wrote it last and who put it into force, as the trail names them.
    author = models.CharField(max_length=200)
    approver = models.CharField(max_length=200)
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    is_live = models.BooleanField(default=True)
    # The version that was in force before; 0 where nothing was mapped.
    based_on = models.PositiveIntegerField(default=0)
    # Whose content came back by this one; 0 for what is built in.
    restores = models.PositiveIntegerField(null=True, blank=True)

    objects = MappingVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "number"], name="one_mapping_per_number"),
            models.UniqueConstraint(
                fields=["connection"], condition=Q(is_live=True), name="one_live_mapping"
            ),
            models.CheckConstraint(
                condition=Q(number__gt=models.F("based_on")), name="mappings_count_up"
            ),
        ]

    def __str__(self) -> str:
        return f"Mapping of {self.connection}, version {self.number}"
