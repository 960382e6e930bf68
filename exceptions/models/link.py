"""Tickets that belong together, as a person sees it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from exceptions.models.ticket import Ticket
from meshline.people.models import User


class TicketLink(models.Model):
    """Two tickets, the older one first: the same link from both sides."""

    # Found by the constraint below, which begins with it.
    first = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["first", "second"], name="two_tickets_are_linked_once"),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="a_link_names_the_older_ticket_first"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.first_id} and #{self.second_id}"
