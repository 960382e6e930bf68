"""A new effect although the old one may have worked: asked for by one person, let go by another."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from exceptions.models import Ticket
from meshline.people.models import User
from proposals.models.outcome import Outcome


class ForcedEffectQuerySet(models.QuerySet):
    def waiting(self):
        return self.filter(decided_at=None)

    def let_go(self):
        return self.filter(is_approved=True)


class ForcedEffect(models.Model):
    """One outcome that is to be done anew under another key: who asked and why, and who decided."""

    outcome = models.ForeignKey(Outcome, on_delete=models.CASCADE, related_name="forced")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="forced_effects")
    reason = models.CharField(max_length=1000)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    is_approved = models.BooleanField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = models.CharField(max_length=1000, blank=True)
    # What was done anew.
    made = models.OneToOneField(
        Outcome, null=True, blank=True, on_delete=models.PROTECT, related_name="forced_by"
    )

    objects = ForcedEffectQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["outcome"], condition=Q(decided_at=None), name="forced_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(is_approved=None, decided_by=None, decided_at=None)
                | Q(is_approved__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
                name="forced_how_when_and_by_whom",
            ),
            # Not even by our own mistake does one person do it alone.
            models.CheckConstraint(
                condition=~Q(is_approved=True) | ~Q(decided_by=F("asked_by")),
                name="forced_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(made=None) | Q(is_approved=True), name="forced_only_when_approved"
            ),
        ]
        indexes: ClassVar = [
            # The inbox.
            models.Index(
                fields=["asked_at", "id"], name="forced_waiting", condition=Q(decided_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"A new effect for {self.outcome_id}"

    @property
    def is_waiting(self) -> bool:
        return self.decided_at is None
