"""That a ticket opened again, and what the answer to it had been until then."""

from typing import ClassVar

from django.db import models

from exceptions.models.ticket import Ticket
from meshline.people.models import User


class Reopening(models.Model):
    """A resolved ticket opened again; the ticket itself says only how it stands now."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="reopenings")
    at = models.DateTimeField()
    # Its cause came back; otherwise it was only never proven to be gone.
    came_back = models.BooleanField()
    # The answer that did not last; nobody, where it had closed on evidence.
    resolution = models.CharField(max_length=30)
    resolved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    resolved_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # What came back in the last weeks.
            models.Index(fields=["at"], name="reopenings_at")
        ]

    def __str__(self) -> str:
        return f"#{self.ticket_id} opened again"
