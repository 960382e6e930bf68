"""Follow-ups that were not done by when they were due: how many, and of how many that were due."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from meshline.people.models import User
from proposals.models import FollowUp
from proposals.models.follow_up import State
from reconciliation.asking import Asked, encoded

LABEL = "Missed follow-ups"
FORMULA = (
    "Of the follow-ups that came due in these days, by now, those that were done after that, or "
    "are still open. What became unnecessary is not counted."
)


@dataclass(frozen=True)
class Missed:
    """How many were missed, of how many; the page at `url` has exactly the missed."""

    missed: int
    due: int
    as_of: datetime
    url: str
    label: str = LABEL
    formula: str = FORMULA

    @property
    def percent(self) -> int | None:
        return round(100 * self.missed / self.due) if self.due else None


def of(user: User, asked: Asked, *, team: int | None) -> Missed:
    """As this person may see them; of one team where it was chosen."""
    rows = FollowUp.objects.visible_to(user).filter(
        asked.days.holds("due_at"), ~Q(state=State.CANCELLED), due_at__lt=asked.at
    )
    words = {"state": "missed", "due_from": asked.days.first, "due_to": asked.days.last}
    if team is not None:
        rows, words = rows.filter(owner__team=team), {**words, "team": team}
    url = f"{reverse('proposals:follow-ups')}?{encoded(words)}"
    return Missed(rows.missed(at=asked.at).count(), rows.count(), asked.at, url)
