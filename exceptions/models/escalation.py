"""What is agreed about the time after a ticket opened: who is told when, and who gets it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from exceptions.steps import Agreed


class Escalation(models.Model):
    """The one agreement, for every ticket; spans are business minutes of its team."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    # At how many percent of a deadline's time somebody is told.
    quiet_at = models.PositiveSmallIntegerField(default=50)
    owner_at = models.PositiveSmallIntegerField(default=80)
    lead_at = models.PositiveSmallIntegerField(default=100)
    accountable_at = models.PositiveSmallIntegerField(default=150)
    # How long after its time to be acknowledged it is handed up.
    secondary_after = models.PositiveIntegerField(default=15)
    lead_after = models.PositiveIntegerField(default=30)
    accountable_after = models.PositiveIntegerField(default=240)
    # What is acknowledged and then forgotten, and what nobody took after all of this.
    ack_lapses_after = models.PositiveIntegerField(default=240)
    again_after = models.PositiveIntegerField(default=480)
    # What was resolved by hand without proof is looked at again.
    recheck_after = models.PositiveIntegerField(default=480)
    # Days: what comes back sooner reopens its ticket.
    reopens_within = models.PositiveSmallIntegerField(default=7)
    # What comes back in so many of the last weeks, or is put right by hand in the same way so many
    # times within days, is to be fixed for good.
    recurs_in_weeks = models.PositiveSmallIntegerField(default=3)
    recurs_of_weeks = models.PositiveSmallIntegerField(default=4)
    same_fix_times = models.PositiveSmallIntegerField(default=5)
    same_fix_within = models.PositiveSmallIntegerField(default=28)
    # Counts its changes, so that nobody overwrites what they have not seen.
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="there_is_one_escalation"),
            models.CheckConstraint(
                condition=Q(quiet_at__gt=0)
                & Q(quiet_at__lt=F("owner_at"))
                & Q(owner_at__lt=F("lead_at"))
                & Q(lead_at__lt=F("accountable_at")),
                name="warnings_go_up",
            ),
            models.CheckConstraint(
                condition=Q(secondary_after__gt=0)
                & Q(secondary_after__lt=F("lead_after"))
                & Q(lead_after__lt=F("accountable_after")),
                name="escalation_goes_up",
            ),
            models.CheckConstraint(
                condition=Q(ack_lapses_after__gt=0)
                & Q(again_after__gt=0)
                & Q(recheck_after__gt=0)
                & Q(reopens_within__gt=0),
                name="escalation_takes_time",
            ),
            models.CheckConstraint(
                condition=Q(recurs_in_weeks__gte=2)
                & Q(recurs_in_weeks__lte=F("recurs_of_weeks"))
                & Q(same_fix_times__gte=2)
                & Q(same_fix_within__gte=1),
                name="once_is_no_recurrence",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"

    @property
    def agreed(self) -> Agreed:
        """What the rule of the steps goes by."""
        return Agreed(
            warnings=(self.quiet_at, self.owner_at, self.lead_at, self.accountable_at),
            handing_up=(self.secondary_after, self.lead_after, self.accountable_after),
            ack_lapses_after=self.ack_lapses_after,
            again_after=self.again_after,
        )
