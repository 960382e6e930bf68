"""What is done to many tickets at once says so on each, and is told to nobody twice."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from meshline.notices import notices
from meshline.people.models import User


@dataclass(frozen=True)
class Lot:
    """Many tickets in one act: what led to each line of theirs, and how many they are."""

    cause: str  # "bulkjob:12"
    size: int

    def tell(self, people: list[User], words: str, *, kind: str, at: datetime) -> None:
        """Tell people of all of it at once, with the first of the tickets."""
        notices.tell_each(
            people, f"{words}: up to {self.size:,} tickets at once.",
            key=f"{self.cause}:{words}"[:400], url=f"{reverse('exceptions:queue')}?tab=open",
            kind=kind, at=at,
        )  # fmt: skip


def cause(lot: Lot | None) -> str:
    return lot.cause if lot else ""
