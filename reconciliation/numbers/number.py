"""What a number is: which events it is of, what is measured of them, in which words it is told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Case, F, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Extract, Floor, Greatest, Ln

from reconciliation import histograms
from reconciliation.models import Passage
from reconciliation.models.rollups import PassageQuerySet


class How(StrEnum):
    """How the rows make a value."""

    COUNT = "count"  # how many they are
    SHARE = "share"  # how many of a hundred are of the `part`
    SPAN = "span"  # the median of what is measured, and its 95th percentile
    MEAN = "mean"  # what is measured, a row


# What the rows of a number can be told apart by, beside their team: the column of a passage.
CUTS = {"all": "", "path": "path", "source": "source", "owner": "owner_id", "tier": "tier"}


@dataclass(frozen=True)
class Number:
    """One number. `of` are its rows, and it says nothing that cannot be read from exactly those."""

    name: str
    label: str
    how: How
    formula: str
    of: Q
    # Whose process owes it.
    process: str
    # What is measured: a column of spans, or of acts.
    column: str = ""
    part: Q | None = None
    unit: str = ""
    cuts: tuple[str, ...] = ("all",)
    more_is_better: bool = False
    # May be promised, path by path.
    is_promised: bool = False

    def rows(self, since: datetime, until: datetime) -> PassageQuerySet:
        """Exactly the events that it is of."""
        return Passage.objects.within(since, until).filter(self.of)

    @property
    def bucket(self) -> Combinable:
        """Where a row falls on the number's scale."""
        if self.how is How.SPAN:
            steps = Ln(Greatest(self.measured, histograms.LEAST)) / Ln(Value(histograms.RATIO))
            return Cast(Floor(steps), IntegerField())
        if self.how is How.MEAN:
            return F(self.column)
        if self.part is not None:
            return Case(When(self.part, then=1), default=0, output_field=IntegerField())
        return Value(0, output_field=IntegerField())

    @property
    def unit_of_value(self) -> str:
        """For a program."""
        return {How.SPAN: "seconds", How.SHARE: "%"}.get(self.how, self.unit)

    @property
    def measured(self) -> Combinable:
        """What is measured of a row: seconds, or acts."""
        if self.how is How.SPAN:
            return Extract(self.column, "epoch")
        return F(self.column) if self.how is How.MEAN else Value(0)
