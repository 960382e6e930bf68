"""Walking through records in the order of their last change, though they change meanwhile.

By the number of a page alone one would miss some: what changes moves to the end, and everything
after it one place forward. So each page begins where the one before ended, a second earlier, and
what was read is passed over; the number of the page only counts within such a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

# Their clock may count in whole seconds, and whether a bound is included is not said everywhere.
_BACK = timedelta(seconds=1)

# So many of the latest are remembered from walk to walk, so that they are not read once more.
REMEMBERED = 300

# (id, its last change)
Row = tuple[str, datetime]


@dataclass(frozen=True)
class Walk:
    """Where one stands: from when on, on which page of that, and what was read of it already."""

    since: datetime | None
    page: int = 1
    seen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, place: Mapping[str, Any], *, since: datetime | None) -> "Walk":
        """As it was written down; from `since` where nothing was."""
        if not place:
            return cls(since)
        begins = place["since"]
        return cls(begins and datetime.fromisoformat(begins), place["page"], place["seen"])

    @property
    def place(self) -> dict[str, Any]:
        """What to write down."""
        since = self.since.isoformat() if self.since else None
        return {"since": since, "page": self.page, "seen": dict(self.seen)}

    def is_new(self, row: Row) -> bool:
        pk, moment = row
        return self.seen.get(pk) != moment.isoformat()

    def after(self, done: Sequence[Row]) -> "Walk":
        """The same page, of which these were read."""
        return Walk(self.since, self.page, {**self.seen, **_noted(done)})

    def onward(self, rows: Sequence[Row]) -> "Walk":
        """The next page, once everything on this one was read."""
        known = {**self.seen, **_noted(rows)}
        begins = max(moment for _, moment in rows) - _BACK
        if self.since is not None and begins <= self.since:
            return Walk(self.since, self.page + 1, known)
        return Walk(begins, 1, _latest(known, begins))


def _latest(known: Mapping[str, str], begins: datetime) -> dict[str, str]:
    """Those that come again on the next page, and some more: the next walk begins further back."""
    newest = sorted(known.items(), key=lambda one: datetime.fromisoformat(one[1]), reverse=True)
    return {
        pk: at
        for place, (pk, at) in enumerate(newest)
        if place < REMEMBERED or datetime.fromisoformat(at) >= begins
    }


def _noted(rows: Sequence[Row]) -> dict[str, str]:
    return {pk: moment.isoformat() for pk, moment in rows}
