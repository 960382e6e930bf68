"""How the checks came out."""

from typing import ClassVar

from django.db import models


class CheckResultQuerySet(models.QuerySet):
    def of(self, name: str):
        """The results of one check, the newest first."""
        return self.filter(name=name).order_by("-pk")

    def last_of_each(self):
        """The newest result of each check."""
        return self.order_by("name", "-pk").distinct("name")


class CheckResult(models.Model):
    """How a check came out: one row for as many looks in a row as found the same."""

    class State(models.TextChoices):
        OK = "ok", "Holds"
        WARNING = "warning", "Warning"
        ERROR = "error", "Fails"
        UNKNOWN = "unknown", "Not known"

    name = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=State.choices)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    looks = models.PositiveIntegerField(default=1)
    # Of how many things it was asked, and for how many it does not hold.
    asked = models.PositiveIntegerField()
    failing = models.PositiveIntegerField()
    # The failing ones themselves, as far as they are kept: [{"ref", "words", "why", …}].
    rows = models.JSONField(default=list)
    # Why it could not look.
    why = models.TextField(blank=True)

    objects = CheckResultQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(last_at__gte=models.F("first_at"), looks__gte=1),
                name="a_check_looked_from_first_to_last",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="ok") | models.Q(failing=0),
                name="a_check_that_holds_has_nothing_failing",
            ),
        ]
        indexes: ClassVar = [
            # The newest of each check, and its history.
            models.Index(fields=["name", "-id"], name="check_results"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"

    @property
    def holds(self) -> bool:
        return self.state == self.State.OK
