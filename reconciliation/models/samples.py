"""Samples: a few proposals a month, drawn by lot, for people to say whether each is right."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User
from proposals.models import Proposal


class Sample(models.Model):
    """One month's draw."""

    # Its first day.
    month = models.DateField(unique=True)
    drawn_at = models.DateTimeField()
    # By when all of it is judged.
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Sample of {self.month:%B %Y}"


class DrawnQuerySet(models.QuerySet):
    def open(self):
        """What nobody has judged yet."""
        return self.filter(verdict="")

    def late(self, *, at: datetime):
        return self.open().filter(sample__due_at__lt=at)


class Drawn(models.Model):
    """One proposal of a sample, and what somebody said of it after looking in the other systems."""

    class Verdict(models.TextChoices):
        RIGHT = "right", "Right"
        WRONG = "wrong", "Wrong"

    sample = models.ForeignKey(Sample, on_delete=models.CASCADE, related_name="drawn")
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="+")
    # As it was when it was drawn: what is judged.
    state = models.CharField(max_length=12)
    verdict = models.CharField(max_length=5, choices=Verdict.choices, blank=True)
    what = models.TextField(blank=True)
    judged_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    judged_at = models.DateTimeField(null=True, blank=True)

    objects = DrawnQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "drawn"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sample", "proposal"], name="drawn_once_a_month"),
            models.CheckConstraint(
                condition=Q(verdict="", judged_by=None, judged_at=None)
                | (~Q(verdict="") & Q(judged_by__isnull=False, judged_at__isnull=False)),
                name="judged_by_somebody_at_some_time",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="wrong") | ~Q(what=""), name="what_is_wrong_is_said"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal} in the {self.sample}"
