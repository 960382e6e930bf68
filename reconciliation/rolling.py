"""Keeping the dashboards' numbers: what changed is read from the trail, and its hours count anew.

The trail's positions are in the order of commits, so that nothing is missed by reading on from the
last one; and a round done twice counts nothing twice. What comes late lands in the hour in which it
occurred.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db import connection, transaction

from meshline import instant
from proposals.models import Proposal
from reconciliation import passages, rollups
from reconciliation.models import Passage, RolledUp

# Lines of the trail in one round, and proposals at once.
LINES, AT_ONCE = 20_000, 5_000
_CHANGED = """
    SELECT max(link.position), array_agg(DISTINCT line.record) FILTER (
            WHERE line.record LIKE 'proposal:%%'),
        array_agg(DISTINCT line.subject_id) FILTER (WHERE line.what = 'person.changed')
    FROM (SELECT position, line_id FROM audit_traillink WHERE position > %s
          ORDER BY position LIMIT %s) link
    JOIN audit_trailline line ON line.id = link.line_id
"""


def roll_up() -> None:
    """Count anew what changed since the last time, until nothing is left."""
    while _round():
        pass


@transaction.atomic
def _round() -> bool:
    """One round; whether there may be more to do."""
    done, at = _locked(), instant.now()
    position, records, people = _changed(done.position)
    ids = {int(record.partition(":")[2]) for record in records or ()}
    ids.update(passages.falling_due(at=at, most=AT_ONCE))
    ids.update(_owned_by(people or ()))
    for some in _chunks(sorted(ids)):
        rollups.refresh(passages.keep(some, at=at))
    done.position, done.at = position or done.position, at
    done.save(update_fields=["position", "at"])
    return position is not None


@transaction.atomic
def rebuild() -> int:
    """Make every event and every rollup anew; how many events there are."""
    done, at = _locked(), instant.now()
    # First: what is committed meanwhile is looked at once more by the next round.
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position), 0) FROM audit_traillink")
        done.position = cursor.fetchone()[0]
    Passage.objects.all().delete()
    for some in _chunks(list(Proposal.objects.order_by("pk").values_list("pk", flat=True))):
        passages.keep(some, at=at)
    rollups.refresh_all()
    done.at = at
    done.save(update_fields=["position", "at"])
    return Passage.objects.count()


def as_of() -> datetime | None:
    """Up to when the numbers are."""
    return RolledUp.objects.values_list("at", flat=True).first()


def _locked() -> RolledUp:
    """Whoever keeps the rollups is alone."""
    RolledUp.objects.get_or_create(pk=1)
    return RolledUp.objects.select_for_update().get(pk=1)


def _changed(position: int) -> tuple[int | None, list[str] | None, list[str] | None]:
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, [position, LINES])
        return cursor.fetchone()


def _owned_by(people: Collection[str]) -> list[int]:
    """Their events are their team's, whichever that is by now."""
    ids = [int(one) for one in people if one.isdecimal()]
    return list(Proposal.objects.filter(owner__in=ids).values_list("pk", flat=True))


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
