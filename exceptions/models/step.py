"""What the clock did about a ticket."""

from typing import ClassVar

from django.db import models

from exceptions.models.ticket import Ticket


class Step(models.Model):
    """A warning, a handing up, a lapse: each once in every round of the ticket's clocks."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="steps")
    round = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=30)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField()
    # The clock came to it later than it promises: nothing ran, or it had too much to do.
    is_late = models.BooleanField(default=False)
    # Whom it told, or who has the ticket by it, as a sentence.
    what = models.CharField(max_length=300)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ticket", "round", "name"], name="each_step_once_in_a_round"
            ),
            models.CheckConstraint(
                condition=models.Q(done_at__gte=models.F("due_at")), name="no_step_before_its_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of #{self.ticket_id}"
