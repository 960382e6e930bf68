"""Routing: the versions of its rules, what was decided by them, and whose turn it is in a pool."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User
from proposals.models.signal import Signal


class RoutingRulesQuerySet(models.QuerySet):
    def live(self, record_kind: str = "proposal"):
        return self.filter(record_kind=record_kind, is_live=True)

    def newest_first(self, record_kind: str = "proposal"):
        return self.filter(record_kind=record_kind).order_by("-number")


class RoutingRules(models.Model):
    """One version of the whole ordered list. Only whether it is live ever changes.

    A trigger refuses everything else. `content` is as in proposals/rules.py.
    """

    record_kind = models.CharField(max_length=20, default="proposal")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    # Who wrote it last and who put it into force, as the trail names them.
    author = models.CharField(max_length=200)
    approver = models.CharField(max_length=200)
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    is_live = models.BooleanField(default=True)
    # The version that was in force before; 0 where there was none.
    based_on = models.PositiveIntegerField(default=0)
    # Whose content came back by this one.
    restores = models.PositiveIntegerField(null=True, blank=True)

    objects = RoutingRulesQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["record_kind", "number"], name="one_routing_rules_per_number"
            ),
            models.UniqueConstraint(
                fields=["record_kind"], condition=Q(is_live=True), name="one_live_routing_rules"
            ),
            models.CheckConstraint(
                condition=Q(number__gt=models.F("based_on")), name="routing_rules_count_up"
            ),
        ]
        verbose_name_plural = "routing rules"

    def __str__(self) -> str:
        return f"Routing rules, version {self.number}"


class RoutingDecision(models.Model):
    """Who was to own a record, by which rule of which version, and what was known then."""

    # As the trail names it: "proposal:17".
    record = models.CharField(max_length=40)
    signal = models.ForeignKey(Signal, null=True, blank=True, on_delete=models.CASCADE)
    # Without an index what nobody looks them up by: one more is written with every event.
    rules = models.ForeignKey(
        RoutingRules, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    rule = models.CharField(max_length=60)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    # Whose it is, where the owner only stands in.
    meant_for = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # Whether a turn of the rule's pool was taken for it.
    took_turn = models.BooleanField(default=False)
    why = models.CharField(max_length=300)
    facts = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # "Why is it theirs?" asks for the last one of a record.
            models.Index(fields=["record", "-id"], name="routing_decisions_record")
        ]

    def __str__(self) -> str:
        return f"{self.record} to {self.owner_id} by {self.rule}"


class RoutingPool(models.Model):
    """Where a rule's pool stands, through all versions; locked while turns are taken."""

    record_kind = models.CharField(max_length=20, default="proposal")
    rule = models.SlugField(max_length=60)
    # As in proposals/pools.py.
    turns = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record_kind", "rule"], name="one_pool_per_rule")
        ]

    def __str__(self) -> str:
        return f"Turns of {self.rule}"
