"""Events with the legs of their clock, what is counted of them by the hour, and what is promised.

`Passage` and `Rollup` are kept by reconciliation.rolling alone, and may be made anew at any time
from what they tell of.
"""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import Team, User
from proposals.models import Proposal, Signal


class PassageQuerySet(models.QuerySet):
    def within(self, since, until):
        return self.filter(began_at__gte=since, began_at__lt=until)


class Passage(models.Model):
    """One event's way through Meshline: whose it is, how it came out, and how long each leg took.

    A leg that was not reached, or only after a person acted, has no length. `whole` is there once a
    person acted, and is exactly the sum of the legs.
    """

    class Verdict(models.TextChoices):
        OPEN = "open", "Under way"
        IN_TIME = "in-time", "Proven in time"
        LATE = "late", "Not proven in time"
        OFF = "off", "Called off"

    signal = models.OneToOneField(
        Signal, primary_key=True, on_delete=models.CASCADE, related_name="passage"
    )
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="passages")
    # As they stood when it was last looked at.
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    source = models.CharField(max_length=60)
    # The state whose contracts it began: the path of the workflow map.
    path = models.CharField(max_length=12)
    tier = models.CharField(max_length=10)
    is_first = models.BooleanField()
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    # While it is under way: when it is late, if nothing happens.
    due_at = models.DateTimeField(null=True, blank=True)
    # When the clock began: as it occurred, but never after it came.
    began_at = models.DateTimeField()
    ahead = models.DurationField(default=timedelta)
    received = models.DurationField()
    translated = models.DurationField(null=True, blank=True)
    routed = models.DurationField(null=True, blank=True)
    carried = models.DurationField(null=True, blank=True)
    proven = models.DurationField(null=True, blank=True)
    touched = models.DurationField(null=True, blank=True)
    whole = models.DurationField(null=True, blank=True)
    before_owner = models.DurationField()
    # Of a record's first event: acts of people on the record since, and changes of hands.
    touches = models.PositiveIntegerField(default=0)
    hand_overs = models.PositiveIntegerField(default=0)

    objects = PassageQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The rows of a number, whole or of a team, in their order.
            models.Index(fields=["-began_at", "-signal"], name="passages_began"),
            models.Index(fields=["team", "-began_at", "-signal"], name="passages_of_team"),
            # What becomes late without anything happening.
            models.Index(fields=["due_at"], name="passages_due", condition=Q(due_at__isnull=False)),
            # Who waits for a person.
            models.Index(
                fields=["owner", "began_at"],
                name="passages_untouched",
                condition=Q(whole__isnull=True, is_first=True),
            ),
        ]

    def __str__(self) -> str:
        return f"Event {self.signal_id}"


class Rollup(models.Model):
    """How many events of an hour (or a day, both of UTC) fall into one bucket of a number.

    `cut` is what they are told apart by beside their team, and `key` which of these it is; the
    bucket is a step of the number's scale (reconciliation.histograms).
    """

    class Grain(models.TextChoices):
        HOUR = "hour", "Hour"
        DAY = "day", "Day"

    number = models.CharField(max_length=40)
    cut = models.CharField(max_length=12)
    grain = models.CharField(max_length=4, choices=Grain.choices)
    at = models.DateTimeField()
    # Nobody's is 0: a constraint tells no two NULLs from each other.
    team = models.BigIntegerField()
    key = models.CharField(max_length=80, blank=True)
    bucket = models.IntegerField()
    n = models.PositiveIntegerField()
    # What was measured, summed: seconds, or acts.
    total = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            # And the one index that every reading goes by, without a look at the rows: of dense
            # hours it is a third of the time.
            models.UniqueConstraint(
                fields=["number", "cut", "grain", "at", "team", "key", "bucket"],
                include=["n", "total"],
                name="one_rollup_per_bucket",
            )
        ]
        indexes: ClassVar = [
            # An hour is made anew whole.
            models.Index(fields=["grain", "at"], name="rollups_of_an_hour")
        ]

    def __str__(self) -> str:
        return f"{self.number} by {self.cut} at {self.at}"


class RolledUp(models.Model):
    """How far the trail was read for the rollups, and when. One row, locked by its keeper."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="rolled_up_is_one_row")
        ]

    def __str__(self) -> str:
        return f"up to #{self.position}"


class Objective(models.Model):
    """What is promised of a number on a path, as a manager published it."""

    path = models.CharField(max_length=12)
    number = models.CharField(max_length=40)
    # Percent at least, or seconds at most, as the number is.
    target = models.FloatField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["path", "number"], name="one_objective_per_path"),
            models.CheckConstraint(condition=Q(target__gt=0), name="an_objective_asks_something"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.path}"


class Baseline(models.Model):
    """The days from before, with which now is compared. At most one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    first_on = models.DateField()
    last_on = models.DateField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="there_is_one_baseline"),
            models.CheckConstraint(
                condition=Q(last_on__gte=models.F("first_on")), name="a_baseline_has_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_on} – {self.last_on}"
