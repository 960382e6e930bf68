"""Canaries: how each way of a synthetic event stands, and every time that it was tried."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from connectors.models import Connection
from reconciliation import canary_legs
from reconciliation.canary_legs import LEGS, Leg


class Canary(models.Model):
    """One path: a connection that tells of proposals, and what that leads to."""

    class State(models.TextChoices):
        NEW = "new", "Not tried yet"
        GREEN = "green", "Passes"
        RED = "red", "Broken"
        IDLE = "idle", "Not tried"

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="canary")
    is_on = models.BooleanField(default=True)
    # Minutes from one probe to the next: in business hours and while it is red, and otherwise.
    fast = models.PositiveSmallIntegerField(default=3)
    slow = models.PositiveSmallIntegerField(default=15)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    since = models.DateTimeField()
    # Where it broke and what was seen there, or why it is not tried.
    leg = models.CharField(max_length=12, choices=Leg.choices(), blank=True)
    seen = models.TextField(blank=True)
    next_at = models.DateTimeField()
    # What its event says, in a sentence or two, and whether that leads into the CRM.
    tells = models.TextField(blank=True, db_default="")
    reaches_crm = models.BooleanField(default=True, db_default=True)

    class Meta:
        verbose_name_plural = "canaries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state="red") | (~Q(leg="") & ~Q(seen="")),
                name="a_red_canary_says_where_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection.name} to {'the CRM' if self.reaches_crm else 'Meshline'}"

    @property
    def is_red(self) -> bool:
        return self.state == self.State.RED

    @property
    def external_id(self) -> str:
        """The one record of this path, here for a moment and in the CRM for good."""
        return f"meshline-canary-{self.connection.slug}"


class Probe(models.Model):
    """One synthetic event on its way; where it stands is here, never in a process."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        BROKEN = "broken", "Broken"
        STOPPED = "stopped", "Stopped"

    canary = models.ForeignKey(Canary, on_delete=models.CASCADE, related_name="probes")
    # Its idempotency key, which nobody can know before.
    key = models.CharField(max_length=80, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    # Whether its way leads into the CRM: so many legs it has.
    reaches_crm = models.BooleanField(default=True, db_default=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # When each leg was passed.
    posted_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    translated_at = models.DateTimeField(null=True, blank=True)
    routed_at = models.DateTimeField(null=True, blank=True)
    carried_at = models.DateTimeField(null=True, blank=True)
    proven_at = models.DateTimeField(null=True, blank=True)
    cleaned_at = models.DateTimeField(null=True, blank=True)
    # The last answer of our door, and when it was asked last.
    asked_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    says = models.TextField(blank=True)
    message = models.BigIntegerField(null=True, blank=True)
    leg = models.CharField(max_length=12, choices=Leg.choices(), blank=True)
    seen = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["canary"], condition=Q(state="running"), name="one_probe_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state="running") | Q(ended_at__isnull=False),
                name="a_probe_that_ended_says_when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["canary", "-id"], name="probes_newest"),
            # What is to be forgotten.
            models.Index(fields=["begun_at"], name="probes_begun"),
        ]

    def __str__(self) -> str:
        return f"Probe {self.pk}"

    @property
    def title(self) -> str:
        """Another one each time: who reads an older one back has proven nothing."""
        return f"Meshline canary {self.pk}"

    def passed_at(self, leg: Leg) -> datetime | None:
        return getattr(self, COLUMNS[leg])

    @property
    def legs(self) -> list[Leg]:
        return canary_legs.legs(reaches_crm=self.reaches_crm)

    @property
    def under_way(self) -> Leg | None:
        """The leg it is on; None once all are passed."""
        return next((leg for leg in self.legs if self.passed_at(leg) is None), None)

    def begins(self, leg: Leg) -> datetime:
        """When that leg began: with the end of the one before."""
        before = self.legs.index(leg)
        return (before and self.passed_at(self.legs[before - 1])) or self.begun_at


COLUMNS = {leg: f"{leg.value.split()[0]}_at" for leg in LEGS}
