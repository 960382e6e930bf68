"""What people wrote about a ticket."""

from django.db import models

from exceptions.models.ticket import Ticket
from meshline.people.models import User


class TicketNote(models.Model):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(User, on_delete=models.PROTECT)
    at = models.DateTimeField()
    text = models.TextField(max_length=10_000)

    def __str__(self) -> str:
        return self.text[:60]
