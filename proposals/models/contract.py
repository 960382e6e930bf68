"""Contracts: trigger → outcomes, as immutable versions."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from proposals.states import State
from proposals.tiers import Retry, Tier


class ContractQuerySet(models.QuerySet):
    def live(self):
        return self.filter(is_live=True)

    def head(self, slug: str):
        """The newest version, be it that which retired the contract; None where there is none."""
        return self.filter(slug=slug).order_by("-version").first()

    def heads(self, slugs):
        """The newest version of each of these."""
        return self.filter(slug__in=slugs).order_by("slug", "-version").distinct("slug")


class Contract(models.Model):
    """One version of the agreement of what follows when a proposal comes into a state.

    `outcomes` is a list as in proposals/promises.py: name, kind, target role, the states during
    which it is wanted, parameters, and what undoes it. What is empty is as everywhere else:
    `condition` holds always, `tier` is that of what brought the event, `retry` that of the tier,
    `owner` and `ticket` are those of a delivery that fails.

    A version never changes but for who came after it. The one that retires a contract says what
    the last one said, and is never live.
    """

    slug = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    trigger = models.CharField(max_length=12, choices=State.choices())
    condition = models.JSONField(default=dict, blank=True)
    outcomes = models.JSONField(default=list)
    tier = models.CharField(max_length=10, blank=True, choices=Tier.choices())
    retry = models.CharField(max_length=10, blank=True)
    # Who answers when an outcome fails: "process:…" or "person:…".
    owner = models.CharField(max_length=270, blank=True)
    # As which kind of ticket, and how grave.
    ticket = models.CharField(max_length=40, blank=True)
    severity = models.CharField(max_length=10, blank=True)
    is_live = models.BooleanField(default=True)
    is_retired = models.BooleanField(default=False)
    # The version that took its place: what came in under an earlier one goes on under this.
    replaced_by = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaces"
    )
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=200)
    # Who wrote it, where that was somebody else.
    author = models.CharField(max_length=200, blank=True)
    why = models.CharField(max_length=300, blank=True)

    objects = ContractQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["slug", "version"], name="one_contract_per_version"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(is_live=True), name="one_live_version_per_contract"
            ),
            models.CheckConstraint(
                condition=~Q(is_live=True) | Q(is_retired=False, replaced_by=None),
                name="a_live_contract_is_the_last",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def schedule(self) -> Retry | None:
        """Its own schedule of retries, where it has one."""
        return Retry(self.retry) if self.retry else None
