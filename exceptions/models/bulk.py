"""What a person asked for of many tickets at once, and what became of it on each."""

from typing import ClassVar

from django.db import models
from django.db.models import Count, Q

from exceptions.models.ticket import Ticket
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope


class Outcome(models.TextChoices):
    """What became of it on one ticket."""

    PLANNED = "planned", "Waits for a yes"
    WAITING = "waiting", "Waits its turn"
    DONE = "done", "Done"
    FAILED = "failed", "Not done"
    LEFT = "left", "Left as it was"


class BulkJobQuerySet(models.QuerySet):
    def visible_to(self, user: User):
        """One's own; all of them to who may take over from anybody."""
        if scope(user, Permission.TAKE_OVER_TICKET) is Scope.ALL:
            return self
        return self.filter(by=user)

    def not_over(self):
        return self.filter(ended_at=None)

    def under_way(self):
        return self.not_over().filter(started_at__isnull=False)


class BulkJob(models.Model):
    """One act on a fixed set of tickets."""

    act = models.CharField(max_length=20)
    # What the act was given: a reason, a note, whom to.
    given = models.JSONField(default=dict, blank=True)
    # The filter the set was taken from, as the words of a URL; empty for chosen rows.
    words = models.CharField(max_length=2000, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # The failures of which earlier one it takes up again.
    retries = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="retried_by"
    )
    # Nothing is done before; a large one waits for a yes.
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(cancelled_by=None) | Q(ended_at__isnull=False),
                name="what_was_cancelled_is_over",
            ),
        ]
        indexes: ClassVar = [
            # What somebody has running, on their queue.
            models.Index(fields=["by"], name="bulk_not_over", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.act} #{self.pk}"

    @property
    def state(self) -> str:
        """In one word: asks, running, ended or cancelled."""
        if self.ended_at:
            return "cancelled" if self.cancelled_by_id else "ended"
        return "running" if self.started_at else "asks"

    def numbers(self) -> dict[str, int]:
        """How many tickets had each outcome, and all of them."""
        found = self.items.aggregate(
            all=Count("pk"), **{one.value: Count("pk", filter=Q(outcome=one)) for one in Outcome}
        )
        return {**found, "tried": found["done"] + found["failed"]}


class BulkItem(models.Model):
    """One ticket of the set: how it stood when it was asked for, and what became of it."""

    # Found by the constraint below, which begins with it.
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="items", db_index=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    # Its stamp then; whoever changed it since is not overwritten.
    seen = models.CharField(max_length=120)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    # Why not, as a sentence.
    why = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "ticket"], name="a_ticket_once_in_a_bulk"),
            models.CheckConstraint(
                condition=Q(outcome="failed") & ~Q(why="") | ~Q(outcome="failed") & Q(why=""),
                name="a_failure_says_why",
            ),
        ]
        indexes: ClassVar = [
            # What is done next.
            models.Index(fields=["job", "id"], name="bulk_waiting", condition=Q(outcome="waiting")),
        ]

    def __str__(self) -> str:
        return f"#{self.ticket_id} of {self.job_id}: {self.outcome}"
