"""People, their teams, when they are away and when they are on call."""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Lower

from meshline.people.permissions import Permission, Role, may, refusal_for


class Team(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    lead = models.ForeignKey(
        "User", null=True, blank=True, on_delete=models.PROTECT, related_name="leads"
    )

    def __str__(self) -> str:
        return self.name


class UserQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def who_work(self):
        """Who can be given work."""
        return self.active().exclude(role=Role.VIEWER)

    def with_email(self, email: str):
        """Whoever has it, in whatever case; by the index that makes it one person's."""
        return self.alias(known_as=Lower("email")).filter(known_as=Lower(Value(email.strip())))

    def present(self, at: datetime):
        """Active, and not away at that moment."""
        away = Absence.objects.filter(user=models.OuterRef("pk"), starts_at__lte=at, ends_at__gt=at)
        return self.active().exclude(models.Exists(away))

    def in_role(self, role: Role):
        return self.filter(role=role)

    def visible_to(self, user: "User"):
        if refusal_for(user, Permission.SEE_PEOPLE):
            return self.filter(pk=user.pk)
        return self.filter(team=user.team_id) if user.role == Role.SDR_MANAGER else self


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, email: str) -> "User":
        return self.with_email(email).get()


class User(AbstractBaseUser):
    """A person who signs in by e-mail. What they may do follows from their one role."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=20, choices=Role.choices())
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="members"
    )
    zone = models.CharField(max_length=60, default="UTC")
    is_active = models.BooleanField(default=True)
    # Or made a viewer: from then on their open work is to be handed over.
    deactivated_at = models.DateTimeField(null=True, blank=True)
    # The right to sign the operating model, for a viewer such as the CRO.
    approves_model = models.BooleanField(default=False)
    dark = models.BooleanField(null=True, blank=True)  # None: as the system says
    # Whether a letter alone does something: not for who dictates, or types by accident.
    single_keys = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="one_person_per_email"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def can_be_given_work(self) -> bool:
        return self.is_active and self.role != Role.VIEWER

    # Who this is on the trail.
    actor_kind = "person"

    @property
    def actor_id(self) -> str:
        return str(self.pk)

    @property
    def actor_label(self) -> str:
        return f"{self.name} ({Role(self.role).label})"

    # What Django's admin asks; the admin is a look, never a hand.
    @property
    def is_staff(self) -> bool:
        return may(self, Permission.SEE_TABLES)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split()[0]


def _apart(one: str) -> list:
    """Rows of one `one` whose times share a moment exclude each other: [start, end).

    A range of a single number needs no extension of the database, as equality would.
    """
    same = Func(f"{one}_id", f"{one}_id", Value("[]"), function="int8range")
    times = Func(
        "starts_at", "ends_at", function="tstzrange", output_field=DateTimeRangeField()
    )  # fmt: skip
    return [(same, RangeOperators.OVERLAPS), (times, RangeOperators.OVERLAPS)]


class SpanQuerySet(models.QuerySet):
    """Rows with a start and an end."""

    def covering(self, at: datetime):
        return self.filter(starts_at__lte=at, ends_at__gt=at)

    def not_over(self, at: datetime):
        return self.filter(ends_at__gt=at)

    def between(self, start: datetime, end: datetime):
        """Those that share a moment with this span."""
        return self.filter(starts_at__lt=end, ends_at__gt=start)


class Absence(models.Model):
    """A person is out; their work goes to the stand-in at the start and back at the end."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    stand_in = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="stands_in"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # For the person and who plans for them; others see only that they are out.
    note = models.CharField(max_length=300, blank=True)

    objects = SpanQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="absence_ends_later"
            ),
            models.CheckConstraint(
                condition=~Q(stand_in=models.F("user")), name="nobody_stands_in_for_themselves"
            ),
        ]
        indexes: ClassVar = [
            # Who is out is asked every few seconds; the past grows, what is not over does not.
            models.Index(fields=["ends_at"], name="absences_not_over"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is out"


class OnCallShift(models.Model):
    """Somebody is on call for a team, first or second in line."""

    class Layer(models.TextChoices):
        PRIMARY = "primary", "Primary"
        SECONDARY = "secondary", "Secondary"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="shifts")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="shifts")
    layer = models.CharField(max_length=10, choices=Layer.choices, default=Layer.PRIMARY)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # What the next one should know.
    handover_note = models.TextField(max_length=4000, blank=True)
    handover_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    handover_at = models.DateTimeField(null=True, blank=True)

    objects = SpanQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="shift_ends_later"
            ),
            models.CheckConstraint(
                condition=Q(handover_by=None, handover_at=None)
                | Q(handover_by__isnull=False, handover_at__isnull=False),
                name="handed_over_who_and_when",
            ),
            ExclusionConstraint(
                name="one_primary_at_a_time",
                expressions=_apart("team"),
                condition=Q(layer="primary"),
            ),
            ExclusionConstraint(
                name="one_secondary_at_a_time",
                expressions=_apart("team"),
                condition=Q(layer="secondary"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.team}"


class ShiftOverride(models.Model):
    """Somebody else for a stretch of a shift; they have it while it lasts."""

    shift = models.ForeignKey(OnCallShift, on_delete=models.CASCADE, related_name="overrides")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = SpanQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="override_ends_later"
            ),
            ExclusionConstraint(name="one_override_at_a_time", expressions=_apart("shift")),
        ]

    def __str__(self) -> str:
        return f"{self.user} instead of {self.shift.user}"


class Invitation(models.Model):
    """A one-time sign-in link; the token itself is never stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.BinaryField(unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Invitation of {self.user}"


class SignInFailure(models.Model):
    """A wrong password, for a few minutes; the row names neither person nor address."""

    # A keyed digest of the e-mail and the address it was tried from.
    key = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["key", "at"], name="sign_in_failures")]

    def __str__(self) -> str:
        return f"Failed at {self.at}"


class ApiToken(models.Model):
    """A script's key to the API; only a hash of it is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    # Its beginning, by which people tell one from another.
    prefix = models.CharField(max_length=20)
    token_hash = models.BinaryField(unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class ApiUse(models.Model):
    """How often a token was used in the minute it was used last; one row a token."""

    token = models.OneToOneField(ApiToken, on_delete=models.CASCADE, primary_key=True)
    minute = models.BigIntegerField()
    uses = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.uses} uses"
