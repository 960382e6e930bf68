"""Did anything happen twice, also where it was replayed?"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min

from connectors.models import RecordLink
from proposals.models import Proposal
from reconciliation.checks.check import KEPT, Check, Failing, Finding

# What a proposal has once in each system, whatever is replayed.
_ONCE = ("deal", "customer")


def look(at: datetime) -> Finding:
    """Records of ours with something in another system, and those that have it twice there."""
    links = RecordLink.objects.filter(kind__in=_ONCE, record__startswith="proposal:").order_by()
    by_thing = links.values("record", "kind", "connection__name")
    twice = by_thing.annotate(n=Count("external_id", distinct=True), first=Min("external_id"),
                              last=Max("external_id")).filter(n__gt=1)  # fmt: skip
    rows = list(twice.order_by("record", "kind")[:KEPT])
    titles = Proposal.objects.in_bulk([int(row["record"].partition(":")[2]) for row in rows])
    failing = [_failing(row, titles) for row in rows]
    number = len(rows) if len(rows) < KEPT else twice.count()
    return Finding(by_thing.distinct().count(), number, tuple(failing))


def _failing(row: Any, titles: dict[int, Proposal]) -> Failing:
    one = titles.get(int(row["record"].partition(":")[2]))
    why = (
        f"{row['n']} records of the kind {row['kind']} in {row['connection__name']}, such as "
        f"{row['first']} and {row['last']}."
    )
    return Failing(
        f"{row['record']}:{row['kind']}", one.title if one else row["record"], why, row["record"]
    )


CHECK = Check(
    "one-effect", "Replay once",
    "What is told or replayed twice has one effect.",
    "Each proposal's deal and customer in each system; failing are those of which there is more "
    "than one.",
    timedelta(hours=1), look,
    "Open both in the other system and merge them there; then see on the proposal which outcome "
    "made the second.",
)  # fmt: skip
