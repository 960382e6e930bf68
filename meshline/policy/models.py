"""The operating model's rows: company, RACI, SLAs, calendars, sources of truth."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy.tolerance import MOST_DAYS, MOST_PERCENT, Near, Tolerance
from meshline.policy.truth import How

# From when on what an installation begins with is in force: whatever is asked, it was so.
SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Company(models.Model):
    """The one company this installation serves."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=60, default="UTC")
    # Who gets what nobody else can be given; the last link of every chain of owners.
    fallback_owner = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # From which amount on a record is held for a look, as text by currency (policy.high_value).
    high_value = models.JSONField(default=dict, blank=True)
    # When the day's reconciliation begins, in the company's zone; since when that is agreed.
    reconciles_at = models.TimeField(default=time(6))
    reconciles_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="there_is_one_company")
        ]
        verbose_name_plural = "company"

    def __str__(self) -> str:
        return self.name


class SystemRole(models.Model):
    """Which connection (slug) plays a part that contracts speak of: quoting, crm, billing."""

    role = models.CharField(max_length=20, primary_key=True)
    connection = models.SlugField(max_length=60)

    def __str__(self) -> str:
        return f"{self.role}: {self.connection}"


class ConnectionName(models.Model):
    """What people call a connection (slug); the connectors keep it for the floors below them."""

    connection = models.SlugField(max_length=60, primary_key=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class SourceOfTruth(models.Model):
    """Which connection is the authority for a move or a field of one kind of record, and how.

    `connection` is a slug; empty means "the connection that brought the record". A move has one
    authority always. Of a field without a row the most recent word counts.
    """

    record_kind = models.CharField(max_length=40)
    field = models.CharField(max_length=60)
    connection = models.SlugField(max_length=60, blank=True)
    how = models.CharField(max_length=12, choices=How.choices(), default=How.ALWAYS)
    # What reconciliation lets pass as equal.
    near = models.CharField(max_length=15, choices=Near.choices(), default=Near.EXACT)
    near_by = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(0))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["record_kind", "field"], name="one_authority_per_field"
            ),
            models.CheckConstraint(
                condition=Q(connection="") | Q(how__in=[How.ALWAYS, How.UNLESS_BLANK]),
                name="an_authority_has_a_say",
            ),
            models.CheckConstraint(
                condition=Q(near__in=[Near.EXACT, Near.SPACING], near_by=0)
                | Q(near=Near.DAYS, near_by__gt=0, near_by__lte=MOST_DAYS)
                | Q(near=Near.PERCENT, near_by__gt=0, near_by__lte=MOST_PERCENT),
                name="a_tolerance_is_within_its_bounds",
            ),
        ]
        verbose_name_plural = "sources of truth"

    def __str__(self) -> str:
        return f"{self.record_kind}.{self.field}: {self.connection or 'its origin'}"

    @property
    def tolerance(self) -> Tolerance:
        return Tolerance(Near(self.near), self.near_by)


class RaciQuerySet(models.QuerySet):
    def of(self, process: str):
        return self.filter(process=process).order_by("pk")

    def in_force(self, at: datetime):
        """The sets that count at that moment: of each process the latest that began by then."""
        begun = RaciAssignment.objects.filter(
            process=models.OuterRef("process"), effective_from__lte=at
        )
        latest = begun.order_by("-effective_from").values("effective_from")[:1]
        return self.filter(effective_from=models.Subquery(latest)).exclude(ended_at__lte=at)

    def planned(self, *, after: datetime):
        return self.filter(effective_from__gt=after)


class RaciAssignment(models.Model):
    """Who answers for a process: exactly one Accountable, at least one Responsible.

    The rows of a process that begin at the same moment are one set. A set counts from then on,
    until the next one begins or it is ended; those that counted stay, and answer for their days.
    """

    class Letter(models.TextChoices):
        RESPONSIBLE = "responsible", "Responsible"
        ACCOUNTABLE = "accountable", "Accountable"
        CONSULTED = "consulted", "Consulted"
        INFORMED = "informed", "Informed"

    process = models.CharField(max_length=80)
    effective_from = models.DateTimeField(default=SINCE_EVER)
    # From then on nobody was named any more, though no other set began.
    ended_at = models.DateTimeField(null=True, blank=True)
    letter = models.CharField(max_length=12, choices=Letter.choices)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT)
    # Whoever is in this role and present.
    role = models.CharField(max_length=20, blank=True, choices=Role.choices())

    objects = RaciQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, team__isnull=True, role="")
                | Q(user__isnull=True, team__isnull=False, role="")
                | (Q(user__isnull=True, team__isnull=True) & ~Q(role="")),
                name="raci_names_a_person_a_team_or_a_role",
            ),
            models.UniqueConstraint(
                fields=["process", "effective_from"],
                condition=Q(letter="accountable"),
                name="one_accountable_at_each_moment",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("effective_from")),
                name="a_raci_set_ends_after_it_began",
            ),
        ]
        indexes: ClassVar = [
            # Which set of a process counts at a moment; years of them may lie behind it.
            models.Index(fields=["process", "-effective_from"], name="raci_sets"),
        ]

    def __str__(self) -> str:
        return f"{self.process}: {self.holder} is {self.letter}"

    @property
    def holder(self) -> User | Team | Role:
        return self.user or self.team or Role(self.role)


class BusinessCalendar(models.Model):
    """When a team works. Windows are [weekday 0-6, "HH:MM", "HH:MM"] in the calendar's zone."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=60)
    windows = models.JSONField()
    team = models.OneToOneField(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="calendar"
    )
    is_default = models.BooleanField(default=False)
    # Whose public holidays are days off, by the codes of meshline.policy.public_holidays.
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=40, blank=True)
    # Counts its changes, so that nobody overwrites what they have not seen.
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_calendar"
            ),
            models.CheckConstraint(
                condition=Q(region="") | ~Q(country=""), name="a_region_has_its_country"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    calendar = models.ForeignKey(
        BusinessCalendar, on_delete=models.CASCADE, related_name="holidays"
    )
    day = models.DateField()
    name = models.CharField(max_length=120)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "day"], name="one_holiday_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.day})"


class Sla(models.Model):
    """How soon a ticket is acknowledged and fixed, in business minutes.

    The row whose kind is empty is the default for its severity and is never missing.
    """

    kind = models.CharField(max_length=40, blank=True)
    severity = models.CharField(max_length=10)
    ack_within = models.PositiveIntegerField(help_text="business minutes")
    fix_within = models.PositiveIntegerField(help_text="business minutes")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "severity"], name="one_sla_per_kind_and_severity"
            ),
            models.CheckConstraint(
                condition=Q(ack_within__gt=0) & Q(ack_within__lte=F("fix_within")),
                name="ack_is_due_before_fix",
            ),
        ]
        verbose_name = "SLA"

    def __str__(self) -> str:
        return f"{self.kind or 'any'} {self.severity}"


class Draft(models.Model):
    """What somebody prepares of the operating model; see meshline.policy.drafts."""

    kind = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60)
    content = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    # The version in force that it started from; 0 where there was none.
    based_on = models.PositiveIntegerField()
    # Counts its saves.
    revision = models.PositiveIntegerField(default=1)
    # Who wrote what it says last, and the numbers of all who ever wrote something of it.
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()
    authors = models.JSONField(default=list)
    submitted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    # Whether it was submitted to a second person: then who approves the model may be that one.
    takes_two = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "slug"], name="one_draft_of_a_thing"),
            models.CheckConstraint(
                condition=Q(submitted_at=None, submitted_by=None)
                | Q(submitted_at__isnull=False, submitted_by__isnull=False),
                name="submitted_when_and_by_whom",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.slug}"
