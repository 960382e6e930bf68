"""Review gates: an outcome that waits for somebody, and what they said."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User
from proposals.models.outcome import Outcome, State


class ApprovalQuerySet(models.QuerySet):
    def waiting(self):
        """Asked for, and still to be answered: what was called off waits for nobody."""
        return self.filter(decided_at=None, outcome__state=State.HELD)

    def overdue(self, *, at: datetime):
        """Not answered in its time, and nobody told yet."""
        return self.waiting().filter(due_at__lte=at, ticketed_at=None)


class Approval(models.Model):
    """One outcome before its gate: for whom it waits, since when, and how it was decided."""

    outcome = models.OneToOneField(Outcome, on_delete=models.CASCADE, related_name="approval")
    # As the contract says it: "role:manager", "person:…", "accountable:…", "approvers".
    who = models.CharField(max_length=270)
    # The person whose act led to it, where it was one: they do not decide.
    caused_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Who asked for it beyond the story: to have it worded or done anew. They do not decide, either.
    asked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ticketed_at = models.DateTimeField(null=True, blank=True)
    is_approved = models.BooleanField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = models.CharField(max_length=1000, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(is_approved=None, decided_by=None, decided_at=None)
                | Q(is_approved__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
                name="decided_how_when_and_by_whom",
            ),
        ]
        indexes: ClassVar = [
            # The inbox, and the clock's look at what is overdue.
            models.Index(
                fields=["due_at", "id"], name="approvals_waiting", condition=Q(decided_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"Approval of {self.outcome_id}"

    @property
    def is_waiting(self) -> bool:
        return self.decided_at is None and self.outcome.state == State.HELD
