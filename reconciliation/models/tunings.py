"""How often a check looks and when it is grave, where that was agreed otherwise than it comes."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class CheckTuning(models.Model):
    """One check's own numbers; without a row it goes by those in its code."""

    name = models.CharField(max_length=40, unique=True)
    # Seconds.
    every = models.PositiveIntegerField()
    grave_from = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(every__gte=60, grave_from__gte=1), name="a_check_looks_now_and_then"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}: every {self.every} s, an error from {self.grave_from}"
