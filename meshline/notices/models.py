from datetime import datetime
from typing import ClassVar

from django.db import models

from meshline.people.models import User


class NoticeQuerySet(models.QuerySet):
    def unread(self):
        return self.filter(read_at__isnull=True)

    def newest_first(self):
        return self.order_by("-at", "-id")

    def mark_read(self, *, at: datetime) -> int:
        return self.unread().update(read_at=at)


class Notice(models.Model):
    """One thing one person was told, and where it leads."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField()
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    # The same key twice is one notice, however often it is carried.
    key = models.CharField(max_length=400, unique=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "-at"], name="notices_newest"),
            # The bell's number on every page.
            models.Index(
                fields=["user"], name="notices_unread", condition=models.Q(read_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.text
