"""What is synthetic: told by Meshline itself to try its own ways. It is in no number of business.

Its rows say so (`is_synthetic`). By `objects` one finds the real ones alone, whoever asks and for
whatever; what carries and keeps rows treats all alike, and asks for `everything`.
"""

from django.db import models


class RealOnes(models.Manager):
    """A manager that knows nothing of what is synthetic."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().filter(is_synthetic=False)


class AllOnes(models.Manager):
    """A manager that knows them all."""


def flag() -> models.BooleanField:
    """The column; by the database's own default real, for rows are written past Django, too."""
    return models.BooleanField(default=False, db_default=False, editable=False)
