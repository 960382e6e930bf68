"""What hangs on a ticket."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from exceptions.models.ticket import Ticket
from exceptions.states import Status


class OccurrenceQuerySet(models.QuerySet):
    def hanging(self):
        """What still has to come right on a ticket that is open, or is not verified yet."""
        over = Q(ticket__status=Status.RESOLVED, ticket__is_unverified=False)
        return self.filter(settled_at=None).exclude(over)


class Occurrence(models.Model):
    """One more thing the same cause did: its own subject and evidence, settled on its own."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="all_occurrences")
    subject = models.CharField(max_length=120)  # "outcome:88", "message:4711"
    at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    evidence = models.JSONField()
    # Whose money is at risk by it: each record's once, while it is not settled.
    record = models.CharField(max_length=120, blank=True)
    record_title = models.CharField(max_length=300, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_because = models.CharField(max_length=300, blank=True)

    objects = OccurrenceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "subject"], name="one_occurrence_per_subject")
        ]
        indexes: ClassVar = [
            # Closing on evidence looks for what hangs on one subject.
            models.Index(fields=["subject"], name="occurrence_open", condition=Q(settled_at=None)),
            # What happened in the last weeks: which causes keep coming back.
            models.Index(fields=["at"], name="occurrence_at"),
            # What is at risk of each record: the last word on it, without a look at any row.
            models.Index(
                fields=["record", "-id"],
                include=["ticket", "amount", "currency"],
                name="occurrence_at_risk",
                condition=Q(settled_at=None, amount__isnull=False),
            ),
            # Tickets by one of several records that hang on them.
            models.Index(fields=["record"], name="occurrence_record", condition=~Q(record="")),
        ]

    def __str__(self) -> str:
        return f"{self.subject} on #{self.ticket_id}"
