"""Holds: automation stops for a proposal until somebody decides."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User
from proposals.models.proposal import Proposal


class HoldQuerySet(models.QuerySet):
    def in_force(self):
        return self.filter(lifted_at=None)


class Hold(models.Model):
    """One reason why nothing goes out for a proposal, who set it, and who lifted it and why."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="holds")
    kind = models.CharField(max_length=20)
    reason = models.CharField(max_length=300)
    # Nobody, where Meshline did it by itself; the label says who it was in either case.
    set_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    set_by_label = models.CharField(max_length=200)
    set_at = models.DateTimeField()
    # The proposal's amount then: a larger one is held anew.
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    lifted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_by_label = models.CharField(max_length=200, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_why = models.CharField(max_length=300, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["proposal", "kind"], condition=Q(lifted_at=None), name="one_hold_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by_label="", lifted_why="")
                | (Q(lifted_at__isnull=False) & ~Q(lifted_by_label="") & ~Q(lifted_why="")),
                name="lifted_when_by_whom_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} hold of {self.proposal_id}"

    @property
    def ref(self) -> str:
        return f"hold:{self.pk}"
