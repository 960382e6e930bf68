"""What went out: attempts, pages asked for, and the crosswalk of ids."""

from typing import ClassVar

from django.db import models

from connectors.models.connections import Connection
from proposals.models import Outcome


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


class PageTry(models.Model):
    """A page that did not come while a connection was looked through, with why; or the last one,
    for all that came. Kept for as long as it says something of the connection's health."""

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    at = models.DateTimeField()
    failure = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name_plural = "page tries"
        indexes: ClassVar = [
            # The breaker's window: the last five minutes of one connection.
            models.Index(fields=["connection", "at"], name="page_tries_window"),
        ]

    def __str__(self) -> str:
        return f"Page of {self.connection_id}: {self.failure or 'came'}"


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
