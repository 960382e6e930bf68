"""What to do about a kind of ticket, as people wrote it down."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class RunbookQuerySet(models.QuerySet):
    def of(self, kind: str, failure: str = ""):
        return self.filter(kind=kind, failure=failure)

    def live(self):
        return self.filter(is_live=True)

    def newest_first(self):
        return self.order_by("-number")


class Runbook(models.Model):
    """One version of the text for a kind of ticket, or for one failure within it.

    Only whether it is live ever changes; a trigger refuses everything else.
    """

    kind = models.CharField(max_length=40)
    # Empty: for every ticket of the kind whose failure has no text of its own.
    failure = models.CharField(max_length=80, blank=True)
    number = models.PositiveIntegerField()
    # Empty: nothing is written down any more.
    text = models.TextField(max_length=10_000, blank=True)
    # Who wrote it, as the trail names them, and why.
    author = models.CharField(max_length=200)
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    is_live = models.BooleanField(default=True)
    # Whose text came back by this one.
    restores = models.PositiveIntegerField(null=True, blank=True)

    objects = RunbookQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "failure", "number"], name="one_runbook_per_number"
            ),
            models.UniqueConstraint(
                fields=["kind", "failure"], condition=Q(is_live=True), name="one_live_runbook"
            ),
            models.CheckConstraint(condition=Q(number__gt=0), name="runbooks_count_from_one"),
        ]

    def __str__(self) -> str:
        return f"Runbook of {self.kind} {self.failure}, version {self.number}"
