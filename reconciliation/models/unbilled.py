"""The books of what was signed and not invoiced: since when, over how much, and how it ended."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from proposals.models import Proposal


class UnbilledQuerySet(models.QuerySet):
    def open(self):
        return self.filter(settled_at=None)

    def open_since(self, moment: datetime):
        """What was open then, or came since."""
        return self.filter(Q(settled_at=None) | Q(settled_at__gt=moment))

    def settled_since(self, moment: datetime):
        return self.filter(settled_at__gt=moment)


class Unbilled(models.Model):
    """One stretch in which a proposal was signed and not, or otherwise, invoiced."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="+")
    opened_at = models.DateTimeField()
    lack = models.CharField(max_length=12)
    # What is open of it; once it is settled, what was.
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    currency = models.CharField(max_length=3, blank=True)
    # What somebody did about it, before it was known whether that settles it.
    act = models.CharField(max_length=300, blank=True)
    act_by = models.CharField(max_length=200, blank=True)
    act_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=200, blank=True)
    settled_how = models.CharField(max_length=300, blank=True)

    objects = UnbilledQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["proposal"], condition=Q(settled_at=None), name="one_open_unbilled"
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None) | ~Q(settled_how=""),
                name="what_is_settled_says_how",
            ),
        ]
        indexes: ClassVar = [
            # The loop reads a week of what was settled, the newest first.
            models.Index(fields=["-settled_at", "-id"], name="unbilled_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.lack}"
