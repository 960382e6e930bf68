"""What a ticket for a permanent fix is about."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from exceptions.models.ticket import Ticket


class PermanentFix(models.Model):
    """A cause that keeps coming back, or trouble that is put right by hand in one way again and
    again: what is to be fixed for good by its ticket."""

    ticket = models.OneToOneField(
        Ticket, on_delete=models.CASCADE, primary_key=True, related_name="permanent_fix"
    )
    # The fingerprint of what comes back; empty where it is one fix by hand that is repeated,
    # which may be of many causes.
    cause = models.CharField(max_length=300, blank=True)
    # What these tickets have in common; and how they were resolved, if that is what is repeated.
    kind = models.CharField(max_length=40)
    contract = models.CharField(max_length=80, blank=True)
    step = models.CharField(max_length=80, blank=True)
    failure = models.CharField(max_length=80, blank=True)
    resolution = models.CharField(max_length=30, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(cause="") ^ Q(resolution=""), name="a_cause_or_one_fix_by_hand"
            )
        ]
        indexes: ClassVar = [
            # Whether one is open for the trouble a ticket is about.
            models.Index(
                fields=["kind", "failure", "step", "contract"], name="permanent_fixes_about"
            )
        ]

    def __str__(self) -> str:
        return f"permanent fix #{self.ticket_id}"
