"""Contracts: trigger → outcomes, as immutable versions."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from proposals.states import State


class ContractQuerySet(models.QuerySet):
    def live(self):
        return self.filter(is_live=True)


class Contract(models.Model):
    """One version of the agreement of what follows when a proposal comes into a state.

    `outcomes` is a list as in proposals/promises.py: name, kind, target role, the states during
    which it is wanted, parameters, and what undoes it.
    """

    slug = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    trigger = models.CharField(max_length=12, choices=State.choices())
    outcomes = models.JSONField(default=list)
    is_live = models.BooleanField(default=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=200)

    objects = ContractQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["slug", "version"], name="one_contract_per_version"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(is_live=True), name="one_live_version_per_contract"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
