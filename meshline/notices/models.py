"""What people are told, how they want to be told, and what is on its way to them outside."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User


class NoticeQuerySet(models.QuerySet):
    def unread(self):
        return self.filter(read_at__isnull=True)

    def of(self, user: User):
        return self.filter(user=user)

    def newest_first(self):
        return self.order_by("-at", "-id")

    def mark_read(self, *, at: datetime) -> int:
        return self.unread().update(read_at=at)


class Notice(models.Model):
    """One thing one person was told, and where it leads."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField()
    # Of the table in meshline/notices/kinds.py.
    kind = models.CharField(max_length=20, default="record")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    # What changed and how: the same change told the same person twice is one notice, whoever
    # repeats it and however often.
    key = models.CharField(max_length=400)
    # What it is about, for the list that is grouped by it: "proposal:17", "ticket:4".
    record = models.CharField(max_length=120, blank=True)
    record_title = models.CharField(max_length=300, blank=True)
    # May break through quiet hours, where the person says so.
    is_critical = models.BooleanField(default=False)
    # Of a digest: [{"text", "url", "head"?}].
    lines = models.JSONField(default=list, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # The key first: it is also looked for alone.
            models.UniqueConstraint(fields=["key", "user"], name="one_notice_per_change_and_person")
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-at"], name="notices_newest"),
            # The bell's number on every page.
            models.Index(
                fields=["user"], name="notices_unread", condition=models.Q(read_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Preferences(models.Model):
    """How one person wants to be told; what they have not chosen is as kinds.py has it."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="notice_preferences"
    )
    # {kind: [channel, …]} for the kinds a choice was made for.
    channels = models.JSONField(default=dict, blank=True)
    # [[weekday 0-6, "22:00", "07:00"], …] in the person's zone; see meshline/notices/quiet.py.
    quiet = models.JSONField(default=list, blank=True)
    critical_breaks_through = models.BooleanField(default=False)
    # "08:00", or "never"; empty: as their role has it.
    digest_at = models.CharField(max_length=5, blank=True)
    # The last day (theirs) whose digest was looked into, and up to when the last one told.
    digested_on = models.DateField(null=True, blank=True)
    digested_at = models.DateTimeField(null=True, blank=True)
    # Where Slack does not know them by their e-mail.
    slack_id = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user_id}"


class State(models.TextChoices):
    DUE = "due", "Due"
    LEASED = "leased", "Being sent"
    SENT = "sent", "Sent"
    GIVEN_UP = "given_up", "Given up"
    CANCELLED = "cancelled", "Cancelled"


class Sending(models.Model):
    """A notice on its way to its person over one channel outside.

    What is due for one person and channel at once goes as one message: they share a `parcel`.
    """

    # Both have an index below that begins with them.
    notice = models.ForeignKey(
        Notice, on_delete=models.CASCADE, related_name="sendings", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    # Waits for the end of quiet hours.
    was_held = models.BooleanField(default=False)
    next_attempt_at = models.DateTimeField()
    parcel = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    first_failed_at = models.DateTimeField(null=True, blank=True)
    # Why it is as it is, as a sentence; and its class, for grouping.
    why = models.CharField(max_length=500, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    external_id = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["notice", "channel"], name="one_sending_per_notice_and_channel"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.LEASED)
                | Q(lease_owner__isnull=False, lease_until__isnull=False),
                name="a_leased_sending_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.SENT) | Q(sent_at__isnull=False),
                name="a_sent_sending_says_when",
            ),
        ]
        indexes: ClassVar = [
            # What goes out next.
            models.Index(
                fields=["next_attempt_at", "id"], name="sendings_due",
                condition=Q(state__in=["due", "leased"]),
            ),
            # What waits for one person, and what they were sent lately.
            models.Index(fields=["user", "-id"], name="sendings_person"),
            # What was given up over a channel, for the ticket's button.
            models.Index(
                fields=["channel"], name="sendings_given_up", condition=Q(state="given_up")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.channel} {self.notice_id}"
