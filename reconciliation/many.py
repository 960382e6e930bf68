"""Many differences at once: all that a filter shows, behind the stop for mass changes."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from reconciliation import accepting, fixing, runs
from reconciliation.fixing import FixError
from reconciliation.judging import Judge
from reconciliation.models import Divergence, Side

ACCEPT = "accept"
ACTS = (Side.OURS, Side.THEIRS, ACCEPT)
# More of the open ones than that, or more than so many, it stops and asks first.
ASKS_ABOVE, ASKS_SHARE = 100, 0.2
MOST = 5_000
_NONE_OPEN = "None of these is open."
State = Divergence.State


class Asks(Exception):
    """So many that somebody says yes first."""

    def __init__(self, number: int, of: int) -> None:
        super().__init__(f"That would change {number:,} of {of:,} open differences.")
        self.number, self.of = number, of


@dataclass(frozen=True)
class Wanted:
    """What is to be done with all of them; a reason and an end where they are accepted."""

    act: str
    words: str
    reason: str = ""
    until: date | None = None


@transaction.atomic
def do(
    rows: QuerySet[Divergence], wanted: Wanted, *, shown: int, confirmed: bool, by: User,
    at: datetime,
) -> int:  # fmt: skip
    """Ask it of all that are open among these, of which `shown` were seen; how many.

    Raises Asks, FixError, NotAllowed.
    """
    is_accepted = wanted.act == ACCEPT
    permissions.check(
        by, Permission.ACCEPT_DIVERGENCE if is_accepted else Permission.FIX_DIVERGENCE
    )
    # Before anybody is asked whether they mean it.
    until = accepting.checked(wanted.reason, wanted.until, at) if is_accepted else None
    open_ones = Divergence.objects.visible_to(by).filter(state=State.OPEN)
    mine = open_ones.filter(pk__in=rows.values("pk")).order_by("pk")
    ids = list(mine.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    if not is_accepted and (why_not := refusal(mine, wanted.act)):
        raise FixError(why_not)
    _check(ids, shown, open_ones.count(), confirmed)
    if until is not None:
        _accept(ids, until, wanted.reason, by, at)
    else:
        _fix(ids, wanted.act, by, at)
    trail.record(
        "divergences.changed", by=by, at=at, why=wanted.reason, subject=by,
        after={"act": wanted.act, "differences": len(ids), "filter": wanted.words},
    )  # fmt: skip
    bell.ring(runs.BELL)
    return len(ids)


def refusal(rows: QuerySet[Divergence], side: str) -> str:
    """Why this side can be taken of none of these; empty where it can of one."""
    open_ones = rows.filter(state=State.OPEN).select_related("connection", "proposal")
    judge, whys = Judge(), dict[str, None]()
    for one in open_ones.order_by("pk")[:MOST].iterator():
        why_not = fixing.refusal(judge, one, side)
        if not why_not:
            return ""
        whys[why_not] = None
    first = next(iter(whys), _NONE_OPEN)
    return first if len(whys) < 2 else f"None of these can be taken. {first}"


def must_ask(number: int, of: int) -> bool:
    return number > ASKS_ABOVE or number > of * ASKS_SHARE


def _check(ids: list[int], shown: int, of: int, confirmed: bool) -> None:
    if not ids:
        raise FixError(_NONE_OPEN)
    if len(ids) > MOST:
        raise FixError(f"At most {MOST:,} at once: narrow the filter.")
    if len(ids) > shown:
        raise FixError(f"The filter showed {shown:,} and holds more by now. Look again.")
    if must_ask(len(ids), of) and not confirmed:
        raise Asks(len(ids), of)


def _accept(ids: list[int], until: date, why: str, by: User, at: datetime) -> None:
    Divergence.objects.filter(pk__in=ids).update(
        state=State.ACCEPTED, accepted_by=by, accepted_at=at,
        accepted_until=accepting.end_of(until), accepted_why=why.strip(),
    )  # fmt: skip


def _fix(ids: list[int], side: str, by: User, at: datetime) -> None:
    """Each is begun by itself: what cannot be says so on its page."""
    Divergence.objects.filter(pk__in=ids).update(
        state=State.FIXING, is_asked=True, fixed_by=by, fixed_at=at, fixed_to=side,
        why="It is about to be fixed, with others.",
    )  # fmt: skip
