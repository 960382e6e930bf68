"""Runs, what they found, and the differences there are."""

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from connectors.models import Connection
from meshline.money import minor_units
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from proposals.models import Outcome, Proposal
from reconciliation import apart


class RunQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state__in=Run.OPEN)

    def conclusive(self):
        return self.filter(state=Run.State.DONE)


class Run(models.Model):
    """One comparison of a kind of record of one connection; where it stands is here, never in a
    worker."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        READING = "reading", "Reading theirs"
        COMPARING = "comparing", "Comparing"
        # So much is gone over there that a person says whether it really is.
        ASKS = "asks", "Inconclusive, asks"
        DONE = "done", "Done"
        INCONCLUSIVE = "inconclusive", "Inconclusive"
        CANCELLED = "cancelled", "Cancelled"

    class Scope(models.TextChoices):
        RECENT = "recent", "Changed in 30 days and everything open"
        ALL = "all", "Everything"

    OPEN = ("queued", "reading", "comparing")

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=40)
    scope = models.CharField(max_length=6, choices=Scope.choices, default=Scope.RECENT)
    # The company's local day for which the clock asked for it.
    day = models.DateField(null=True, blank=True)
    # The clock asked for it long after its hour: it had been down.
    was_missed = models.BooleanField(default=False)
    # Nobody: the clock.
    asked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="runs_asked"
    )
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    # Why it says nothing, or what it asks.
    why = models.TextField(blank=True)
    # What it reads theirs by, and what it compares with: gone some time after it.
    sync_id = models.BigIntegerField(null=True, blank=True)
    snapshot_id = models.BigIntegerField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # How many of theirs that is, and where the next batch begins.
    there = models.PositiveIntegerField(default=0)
    place = models.JSONField(default=dict, blank=True)
    batches = models.PositiveIntegerField(default=0)

    compared = models.PositiveIntegerField(default=0)
    # Of ours, how many were known to be over there, how many of them are not, and on how many
    # records something differs at all.
    known = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    apart = models.PositiveIntegerField(default=0)
    # {"different": 3, …}, and by how much: {"EUR": 12345} in minor units.
    counts = models.JSONField(default=dict, blank=True)
    delta = models.JSONField(default=dict, blank=True)

    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)
    next_step_at = models.DateTimeField(db_default=Now())
    crashes = models.PositiveIntegerField(default=0)
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "connection", "kind"], name="one_run_a_day"),
            models.UniqueConstraint(
                fields=["connection", "kind"],
                condition=models.Q(state__in=["queued", "reading", "comparing"]),
                name="one_open_run",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "reading", "comparing", "asks"])
                | models.Q(finished_at__isnull=False),
                name="a_run_that_ended_says_when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "kind", "-id"], name="runs_newest"),
            # What a worker takes next; few are open.
            models.Index(
                fields=["next_step_at"], name="runs_due",
                condition=models.Q(state__in=["queued", "reading", "comparing"]),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Run {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def whole(self) -> int:
        """Of how many records, here or there, it says something."""
        return self.compared + self.gone + self.counts.get(Sort.MISSING_HERE, 0)

    @property
    def percent(self) -> Decimal | None:
        """How many of these records are apart, in percent."""
        return apart.percent(self.apart, self.whole)


class Sort(models.TextChoices):
    """How a record here and over there differ."""

    DIFFERENT = "different", "Different"
    # Theirs was last changed before ours, and differs.
    STALE = "stale", "Stale over there"
    MISSING_THERE = "missing-there", "Missing over there"
    MISSING_HERE = "missing-here", "Missing here"
    DUPLICATE = "duplicate", "Several over there"


class Side(models.TextChoices):
    """Which side of a difference is taken."""

    OURS = "ours", "Ours is written there"
    THEIRS = "theirs", "Theirs is taken here"
    EDITED = "edited", "Another value is said here"


class Found(models.Model):
    """What was found of a record: both sides as compared and as written, and what it is worth."""

    proposal = models.ForeignKey(
        Proposal, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    external_id = models.CharField(max_length=200, blank=True)
    sort = models.CharField(max_length=14, choices=Sort.choices)
    # Nothing where the record as a whole is missing, or there several times.
    field = models.CharField(max_length=40, blank=True)
    ours = models.CharField(max_length=500, blank=True)
    theirs = models.CharField(max_length=500, blank=True)
    ours_raw = models.CharField(max_length=2000, blank=True)
    theirs_raw = models.CharField(max_length=2000, blank=True)
    # In the smallest unit of the currency.
    at_risk = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=20, blank=True)
    severity = models.CharField(max_length=10)
    cause = models.CharField(max_length=120)

    class Meta:
        abstract = True


class Finding(Found):
    """What a run found so far. It is nobody's business until the run ends conclusively."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")

    def __str__(self) -> str:
        return f"{self.sort} {self.field} of {self.external_id} in run {self.run_id}"


class DivergenceQuerySet(models.QuerySet):
    def unsettled(self):
        """Those that still are so, whatever is being done about it."""
        return self.exclude(state=Divergence.State.GONE)

    def visible_to(self, user: User):
        """By the proposals they may see; what belongs to none of ours is for who sees all."""
        reach = scope(user, Permission.SEE_RUNS)
        if reach in (Scope.ALL, Scope.MASKED):
            return self
        if reach is None:
            return self.none()
        return self.filter(proposal__in=Proposal.objects.visible_to(user))


class Divergence(Found):
    """One difference between here and there, from the run that first found it to its end."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        FIXING = "fixing", "Being fixed"
        ACCEPTED = "accepted", "Accepted"
        GONE = "gone", "Gone"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    # "proposal:17", or "deal:123" where nobody here knows it.
    record = models.CharField(max_length=220)
    first_run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    last_run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="divergences")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    # Why it is gone, or what is being done.
    why = models.CharField(max_length=300, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    # Accepted as it is: by whom, why, until when.
    accepted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_until = models.DateTimeField(null=True, blank=True)
    accepted_why = models.CharField(max_length=300, blank=True)
    # Being fixed: by whom, to which side, and by which outcome, if anything is carried.
    fixed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    fixed_at = models.DateTimeField(null=True, blank=True)
    fixed_to = models.CharField(max_length=8, choices=Side.choices, blank=True)
    # Asked for with many others, and not begun yet.
    is_asked = models.BooleanField(default=False)
    # What it takes to undo it: how the outcome stood, or what the proposal said.
    stood = models.JSONField(default=dict, blank=True)
    outcome = models.ForeignKey(
        Outcome, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    # Whether it hangs on a ticket.
    is_told = models.BooleanField(default=False)

    objects = DivergenceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "kind", "record", "sort", "field"],
                condition=~models.Q(state="gone"),
                name="one_divergence_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="gone") | models.Q(gone_at__isnull=False),
                name="a_divergence_that_is_gone_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="accepted")
                | models.Q(accepted_by__isnull=False, accepted_until__isnull=False),
                name="an_accepted_divergence_says_by_whom_and_until_when",
            ),
        ]
        indexes: ClassVar = [
            # The list of those that are so now.
            models.Index(
                fields=["-id"], name="divergences_unsettled", condition=~models.Q(state="gone")
            ),
            models.Index(fields=["last_run", "-id"], name="divergences_of_run"),
            models.Index(fields=["proposal"], name="divergences_proposal"),
            # What is still to be said by a ticket, or to be taken off one; nearly always none.
            models.Index(
                fields=["id"],
                name="divergences_untold",
                condition=models.Q(state="open", is_told=False)
                | models.Q(state__in=["gone", "accepted"], is_told=True),
            ),
            models.Index(
                fields=["id"], name="divergences_fixing", condition=models.Q(state="fixing")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_sort_display()}: {self.field or self.kind} of {self.record}"

    @property
    def amount(self) -> Decimal | None:
        """What is at risk, as people write it."""
        if self.at_risk is None or len(self.currency) != 3:
            return None
        return Decimal(self.at_risk).scaleb(-minor_units(self.currency))

    @property
    def ref(self) -> str:
        return f"divergence:{self.pk}"


class Sighting(models.Model):
    """That a run found this difference: what its numbers are made of."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="sightings")
    divergence = models.ForeignKey(Divergence, on_delete=models.CASCADE, related_name="sightings")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "divergence"], name="seen_once_a_run")
        ]

    def __str__(self) -> str:
        return f"{self.divergence_id} in run {self.run_id}"
