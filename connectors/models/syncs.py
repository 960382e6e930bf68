"""Looking through: syncs with their cursors, and what a record was at one time."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from connectors.models.connections import Connection
from connectors.polls import Mode
from meshline.people.models import User


class SyncQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state__in=[Sync.State.QUEUED, Sync.State.RUNNING])


class Sync(models.Model):
    """One reading of a kind of record, page by page; where it stands is here, never in a worker."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="syncs")
    kind = models.CharField(max_length=40)
    mode = models.CharField(max_length=12, choices=Mode.choices())
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    # Nobody: the clock.
    asked_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="syncs_asked"
    )
    asked_at = models.DateTimeField()
    # What it reads, by their clock.
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Where the next page begins, as its connector wrote it down.
    place = models.JSONField(default=dict, blank=True)
    newest = models.DateTimeField(null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    # Records read; events of them that nobody had told, and that were known.
    records = models.PositiveIntegerField(default=0)
    brought = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    # Tries that failed, one after the other; workers that died over the same page.
    failures = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    note = models.CharField(max_length=300, blank=True)
    # The last page was read, and none before it was left out.
    complete = models.BooleanField(default=False)
    ended_by = models.CharField(max_length=200, blank=True)

    objects = SyncQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "kind"], condition=Q(state="running"), name="one_running_sync"
            ),
            models.UniqueConstraint(
                fields=["connection", "kind", "mode"],
                condition=Q(state__in=["queued", "running"]),
                name="one_open_sync_per_mode",
            ),
            models.CheckConstraint(
                condition=~Q(complete=True) | Q(state="done"), name="complete_syncs_are_done"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "-id"], name="syncs_newest"),
            # What a worker takes next; few are open.
            models.Index(
                fields=["next_attempt_at"],
                name="syncs_due",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"Sync {self.pk}"

    @property
    def ref(self) -> str:
        return f"sync:{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class SyncCursor(models.Model):
    """Up to which moment of its own clock a connection was looked through, and when it is next."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="cursors")
    kind = models.CharField(max_length=40)
    # Of theirs: the newest change that was read.
    at = models.DateTimeField()
    next_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True)
    quota = models.CharField(max_length=120, blank=True)
    # Of what was read last: each id and its last change, so that the same is not read once more.
    seen = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "kind"], name="one_cursor_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id} up to {self.at}"


class Snapshot(models.Model):
    """Everything a connection holds of one kind, as a full sync read it: what is compared with.

    Only a complete one says what is *not* there.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="snapshots")
    kind = models.CharField(max_length=40)
    sync = models.OneToOneField(Sync, on_delete=models.PROTECT, related_name="snapshot")
    begun_at = models.DateTimeField()
    complete = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["connection", "kind", "-id"], name="snapshots_newest")
        ]

    def __str__(self) -> str:
        return f"Snapshot {self.pk}"


_NAMED = KT("fields__proposal")


class SnapshotRow(models.Model):
    """One record as it stood over there; `raw` is how they wrote it."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="rows")
    external_id = models.CharField(max_length=200)
    fields = models.JSONField(default=dict)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    raw = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["snapshot", "external_id"], name="one_snapshot_row_per_record"
            )
        ]
        indexes: ClassVar = [
            # By the proposal it names ("pandadoc:doc-1"), source and id apart: as ours are sorted.
            models.Index(
                F("snapshot"),
                Func(_NAMED, Value(":"), Value(1), function="split_part"),
                Func(
                    _NAMED, Func(_NAMED, Value(":"), function="strpos") + Value(1),
                    function="substr",
                ),
                name="snapshot_rows_by_proposal",
                condition=Q(fields__has_key="proposal"),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.external_id} in {self.snapshot_id}"
