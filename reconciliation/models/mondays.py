"""The Monday checklist: one a week, its items with their evidence, and who signed it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User


class MondayList(models.Model):
    """One week's list. What it was signed with never changes."""

    # "2026-W10": sorted as text they are sorted by time.
    week = models.CharField(max_length=8, unique=True)
    looked_at = models.DateTimeField()
    # Nobody: the clock.
    looked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Whoever opened it first with the right to sign: from then on it takes time.
    opened_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    minutes = models.PositiveIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, minutes=None)
                | Q(signed_at__isnull=False, signed_by__isnull=False, minutes__range=(1, 600)),
                name="a_signed_monday_says_who_and_how_long",
            )
        ]

    def __str__(self) -> str:
        return f"Monday of {self.week}"

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None


class MondayItem(models.Model):
    """One thing that was looked at, and what was found."""

    class State(models.TextChoices):
        HOLDS = "holds", "Holds"
        FAILS = "fails", "Does not hold"
        UNKNOWN = "unknown", "Could not look"

    monday = models.ForeignKey(MondayList, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=40)
    # As the table of items has them: what came later stands below.
    place = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices)
    asked = models.PositiveIntegerField()
    failing = models.PositiveIntegerField()
    # [{"ref", "words", "why", "record", "amount", "currency", "url"}], as far as they are kept.
    rows = models.JSONField(default=list)
    why = models.TextField(blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["place"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["monday", "name"], name="one_item_per_monday"),
            models.CheckConstraint(
                condition=~Q(state="holds") | Q(failing=0), name="an_item_that_holds_fails_for_none"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"

    @property
    def holds(self) -> bool:
        return self.state == self.State.HOLDS
