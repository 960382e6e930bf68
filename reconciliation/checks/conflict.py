"""Where two systems told the same field: did it end as is agreed?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from proposals import authority, history, retelling
from proposals.authority import Authorities
from proposals.fields import GROUPS, LABELS, OWNER
from proposals.history import Event
from proposals.models import Proposal, Signal
from reconciliation.checks.check import Check, Failing, Finding

BACK = timedelta(days=30)
_AT_A_TIME = 200


def look(at: datetime) -> Finding:
    """Proposals of which several systems told fields in the last 30 days, and those at which a
    field is another than the authority table says."""
    now, ids = authority.load(), _told_by_several(at)
    return Finding.of(len(ids), _failing(ids, now))


def _told_by_several(at: datetime) -> list[int]:
    known = Signal.objects.exclude(result=Signal.Result.REFUSED).exclude(fields={})
    lately = known.filter(received_at__gt=at - BACK, received_at__lte=at).values("proposal")
    several = known.filter(proposal__in=lately).values("proposal")
    several = several.annotate(n=Count("source", distinct=True)).filter(n__gt=1)
    return sorted(several.order_by().values_list("proposal", flat=True))


def _failing(ids: list[int], now: Authorities) -> Iterator[Failing]:
    for start in range(0, len(ids), _AT_A_TIME):
        some = ids[start : start + _AT_A_TIME]
        rows = list(Proposal.objects.filter(pk__in=some).order_by("pk"))
        suspects = [one.pk for one, wrong in _judged(rows, now) if wrong]
        # Read again with nobody at it: between two looks an event may have come.
        held = Proposal.objects.select_for_update(no_key=True).filter(pk__in=suspects)
        for one, wrong in _judged(list(held.order_by("pk")), now):
            if wrong:
                yield Failing.proposal(one, _why(one, wrong, now))


def _judged(rows: list[Proposal], now: Authorities) -> Iterator[tuple[Proposal, list[str]]]:
    events = retelling.events_of([one.pk for one in rows])
    for one in rows:
        yield one, _wrong(one, events[one.pk], now)


def _wrong(one: Proposal, events: list[Event], now: Authorities) -> list[str]:
    """The fields whose value is not what counts of everything that was told."""
    told = history.tell(events, now.truths(source=one.source))
    as_told = Proposal(source=one.source, external_id=one.external_id)
    retelling.fill_in(as_told, told)
    as_told.owner_named = told.fields.get(OWNER, "")
    return [
        name for name, parts in GROUPS.items() if _values(one, parts) != _values(as_told, parts)
    ]


def _values(one: Proposal, parts: tuple[str, ...]) -> list[Any]:
    named = {OWNER: "owner_named"}
    return [getattr(one, named.get(part, part)) for part in parts]


def _why(one: Proposal, wrong: list[str], now: Authorities) -> str:
    said = (f"its {LABELS[name]} is not what counts ({now.counts(name)})" for name in wrong)
    sentence = "; ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}."


CHECK = Check(
    "conflict", "Conflicts as agreed",
    "Where two systems told the same field, the value is the one that is agreed to count.",
    "Proposals of which several systems told something in the last 30 days; failing are those at "
    "which a field is not what the authority table makes of everything that was told.",
    timedelta(hours=1), look,
    "Open the proposal and see where its value comes from; publishing the field's authority again "
    "tells all proposals anew.",
)  # fmt: skip
