"""The reconcile-and-fix loop: what of a week's unbilled revenue is settled by now, by whom, how."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from connectors import adopting
from connectors.models import SnapshotRow
from exceptions import days
from meshline.people.models import User
from proposals.models import Proposal
from reconciliation import burning
from reconciliation.burning import Point, Progress, Stretch
from reconciliation.models.unbilled import Unbilled

LENGTH = timedelta(days=7)
# So many of what is settled are listed, the newest first.
LISTED = 50


@dataclass(frozen=True)
class Settled:
    """One that is settled, and whether billing showed its invoice when it was read since."""

    one: Unbilled
    is_read_back: bool


@dataclass(frozen=True)
class Loop:
    """A week of it: how far it has come, day by day, and what was settled."""

    progress: Progress
    points: list[Point]
    settled: list[Settled]

    @property
    def bars(self) -> list[tuple[Point, int]]:
        """Each point and how long its bar is, of a hundred."""
        most = max((point.open.count for point in self.points), default=0)
        return [(point, 100 * point.open.count // most if most else 0) for point in self.points]


def of(user: User, *, at: datetime) -> Loop:
    """The last seven days of what this person may see."""
    since = at - LENGTH
    rows = _seen(user).open_since(since)
    stretches = [
        Stretch(*told) for told in rows.values_list("opened_at", "settled_at", "amount", "currency")
    ]
    settled = rows.settled_since(since).order_by("-settled_at", "-pk").select_related("proposal")
    return Loop(
        burning.progress(stretches, since=since), burning.down(stretches, _moments(since, at)),
        _read_back(list(settled[:LISTED])),
    )  # fmt: skip


# --- Underneath ------------------------------------------------------------------------------
def _seen(user: User) -> Any:
    visible: QuerySet = Proposal.objects.visible_to(user)
    return Unbilled.objects.filter(proposal__in=visible.values("pk"))


def _moments(since: datetime, at: datetime) -> list[datetime]:
    """Where it began, each midnight since by the company's clock, and now."""
    first, last = timezone.localdate(since), timezone.localdate(at)
    nights = [
        days.start_of(first + timedelta(days=number))
        for number in range(1, (last - first).days + 1)
    ]
    return [since, *nights, at]


def _read_back(settled: Iterable[Unbilled]) -> list[Settled]:
    """Billing was read to its end after each was settled, and showed its invoice then."""
    rows = list(settled)
    kept = adopting.books()
    shown: set[str] = set()
    if kept is not None and rows:
        ids = [one.proposal.invoice_id for one in rows]
        there = SnapshotRow.objects.filter(snapshot=kept.snapshot, external_id__in=ids)
        shown = set(there.values_list("external_id", flat=True))
    return [
        Settled(
            one,
            kept is not None
            and one.settled_at is not None
            and kept.snapshot.begun_at > one.settled_at
            and one.proposal.invoice_id in shown,
        )
        for one in rows
    ]
