"""Events as rows: each with its legs as they are now, made anew for the proposals that changed."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from reconciliation.models import Passage
from reconciliation.stamps import STAMPS

# As reconciliation.legs has it, for many at once; a test compares the two.
_CLEAN = f"""
    SELECT found.*, least(occurred, received) AS began,
        greatest(occurred - received, interval '0') AS ahead,
        coalesce(translated, routed) AS t, greatest(routed, received) AS r,
        greatest(coalesce(carried, proven), routed, received) AS c, greatest(proven, carried) AS p
    FROM ({STAMPS}) found
"""
_ORDERED = f"""
    SELECT s.*, greatest(t, received) AS t1, greatest(r, t, received) AS r1,
        CASE WHEN coalesce(carried, proven) IS NOT NULL THEN greatest(c, t) END AS c1,
        CASE WHEN proven IS NOT NULL THEN greatest(p, c, t) END AS p1
    FROM ({_CLEAN}) s
"""
# What was reached before a person acted, each stage only if the one before it was.
_REACHED = f"""
    SELECT o.*, CASE WHEN touched IS NULL OR t1 <= touched THEN t1 END AS t2,
        CASE WHEN touched IS NULL OR r1 <= touched THEN r1 END AS r2,
        CASE WHEN touched IS NULL OR c1 <= touched THEN c1 END AS c2,
        CASE WHEN touched IS NULL OR p1 <= touched THEN p1 END AS p2
    FROM ({_ORDERED}) o
"""
_KEEP = f"""
    INSERT INTO reconciliation_passage (signal_id, proposal_id, owner_id, team_id, source, path,
        tier, is_first, verdict, due_at, began_at, ahead, received, translated, routed, carried,
        proven, touched, whole, before_owner, touches, hand_overs)
    SELECT signal_id, proposal_id, owner, team, source, path, tier, is_first, verdict, due, began,
        ahead, received - began, t2 - received, r2 - t2, c2 - r2, p2 - c2,
        touched - coalesce(p2, c2, r2, t2, received), touched - began,
        coalesce(r2, t2, received) - began, touches, hand_overs
    FROM ({_REACHED}) reached
    RETURNING began_at
"""


def keep(proposal_ids: Collection[int], *, at: datetime) -> set[datetime]:
    """Make the events of these proposals anew; the hours in which one began, or began before."""
    given: dict[str, Any] = {"ids": list(proposal_ids), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM reconciliation_passage WHERE proposal_id = ANY(%(ids)s) "
            "RETURNING began_at",
            given,
        )
        before = cursor.fetchall()
        cursor.execute(_KEEP, given)
        return {hour_of(began) for (began,) in [*before, *cursor.fetchall()]}


def falling_due(*, at: datetime, most: int) -> list[int]:
    """Proposals with an event whose time is over by now, although nothing happened."""
    due = Passage.objects.filter(due_at__lte=at).order_by("due_at")
    return list(dict.fromkeys(due.values_list("proposal", flat=True)[:most]))


def hour_of(moment: datetime) -> datetime:
    """The hour (of UTC) in which a moment lies, by its beginning."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
