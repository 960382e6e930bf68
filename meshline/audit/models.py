"""Trail lines, the chain that links them, and the keys that personal fields are sealed with."""

import uuid
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


class TrailLineQuerySet(models.QuerySet):
    def about(self, kind: str, pk: int | str):
        """Everything that happened to one record, and to what hangs on it."""
        return self.filter(record=f"{kind}:{pk}")

    def newest_first(self):
        return self.order_by("-id")


class TrailLine(models.Model):
    """One thing that was done. Never changed, never removed; see migration 0002."""

    at = models.DateTimeField()
    written_at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=40)
    actor_id = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=200)
    what = models.CharField(max_length=80)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=80)
    # The canonical record this belongs to, as in "proposal:17"; the timeline reads it.
    record = models.CharField(max_length=120, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    why = models.TextField(blank=True)
    # What led to it, as in "signal:812"; two steps back is the raw payload.
    cause = models.CharField(max_length=120, blank=True)

    objects = TrailLineQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The timeline of one record, newest first.
            models.Index(
                fields=["record", "-id"], name="trail_record", condition=~models.Q(record="")
            ),
            # The page's filters: one subject, one actor, one kind of act.
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="trail_subject"),
            models.Index(fields=["actor_kind", "actor_id", "-id"], name="trail_actor"),
            models.Index(fields=["what", "-id"], name="trail_what"),
            # "Since" over years of lines: 56 kB where a btree takes 214 MB.
            BrinIndex(fields=["at"], name="trail_at", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.subject_kind}:{self.subject_id}"


class TrailLink(models.Model):
    """A line's place in the chain; written by the database when its transaction commits."""

    line = models.OneToOneField(
        TrailLine, primary_key=True, on_delete=models.DO_NOTHING, related_name="link"
    )
    position = models.BigIntegerField(unique=True)
    previous = models.BinaryField()
    hash = models.BinaryField()
    # What the hash covers: 1 is all but written_at, 2 is all; see verify.COVERED.
    covers = models.SmallIntegerField(db_default=1)

    def __str__(self) -> str:
        return f"#{self.position}"


class ChainHead(models.Model):
    """The counter the positions come from, and the hash the next link builds on. One row."""

    id = models.SmallIntegerField(primary_key=True)
    position = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="chain_has_one_head")
        ]

    def __str__(self) -> str:
        return f"#{self.position}"


class LastAnchor(models.Model):
    """What was last written to the anchor file, so that a file that is gone is missed. One row."""

    id = models.SmallIntegerField(primary_key=True)
    number = models.BigIntegerField()
    at = models.DateTimeField()
    position = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_last_anchor")
        ]

    def __str__(self) -> str:
        return f"Anchor {self.number} at #{self.position}"


class PersonKey(models.Model):
    """What one person's fields in the trail are sealed with; dropping it erases them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # A keyed digest of who it is, so that the table itself names nobody.
    person = models.BinaryField(unique=True)
    key = models.BinaryField()

    def __str__(self) -> str:
        return str(self.id)
