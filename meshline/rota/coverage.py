"""Working time in which nobody is on call: pure interval arithmetic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from meshline.people.duty import Watch

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Gap:
    """Working time without anybody on call; `meant` are those who should have been."""

    starts_at: datetime
    ends_at: datetime
    meant: tuple[Any, ...] = ()

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at


def gaps(windows: Iterable[Span], watches: Sequence[Watch]) -> list[Gap]:
    """What of the windows falls into stretches in which nobody is on call, in order."""
    return [
        Gap(max(opens, one.starts_at), min(closes, one.ends_at), one.meant)
        for opens, closes in joined(windows)
        for one in watches
        if one.user is None and opens < one.ends_at and one.starts_at < closes
    ]


def joined(windows: Iterable[Span]) -> list[Span]:
    """The same time in spans that neither overlap nor touch."""
    found: list[Span] = []
    for opens, closes in sorted(windows):
        if found and opens <= found[-1][1]:
            found[-1] = (found[-1][0], max(closes, found[-1][1]))
        else:
            found.append((opens, closes))
    return found


def total(spans: Iterable[Span]) -> timedelta:
    return sum((ends - starts for starts, ends in spans), timedelta())
