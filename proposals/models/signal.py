"""Signals: what happened outside, in our words."""

from typing import ClassVar

from django.db import models

from meshline.synthetic import AllOnes, RealOnes, flag
from proposals.models.proposal import Proposal
from proposals.states import State
from proposals.tiers import Tier


class Signal(models.Model):
    """One event, translated. Kept for ever, also when it came late or moved nothing."""

    class Result(models.TextChoices):
        APPLIED = "applied", "Applied"
        NOTED = "noted", "Noted"  # told nothing new, or only fields
        SUPERSEDED = "superseded", "Superseded"  # something newer counts
        REFUSED = "refused", "Refused"  # its sender is not the authority

    # What brought it ("message:812"); the same bytes never become two signals.
    origin = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=60)
    source = models.CharField(max_length=60)
    tier = models.CharField(max_length=10, choices=Tier.choices(), default=Tier.MINUTES)
    external_id = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    # Among the events of one instant: where it stands in its record's life at its source.
    stage = models.CharField(max_length=4, blank=True)
    tiebreak = models.CharField(max_length=300, blank=True)
    target = models.CharField(max_length=12, blank=True, choices=State.choices())
    # Which part of the record it is about over there, where it is one: "task:512".
    piece = models.CharField(max_length=60, blank=True, db_default="")
    fields = models.JSONField(default=dict)
    forced = models.BooleanField(default=False)
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.NOTED)
    why = models.CharField(max_length=300, blank=True)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="signals")
    # The newest contract (its id) when it came in: what it began goes on under the contracts of
    # that time, whatever was published since.
    under = models.PositiveIntegerField(null=True, blank=True)
    is_synthetic = flag()

    objects = RealOnes()
    everything = AllOnes()

    class Meta:
        indexes: ClassVar = [
            # Telling a proposal's history anew reads all of its signals.
            models.Index(fields=["proposal", "occurred_at"], name="signals_history"),
            models.Index(fields=["-occurred_at", "-id"], name="signals_newest"),
            models.Index(fields=["source", "-id"], name="signals_of_source"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.external_id}"

    @property
    def ref(self) -> str:
        return f"signal:{self.pk}"
