"""What was learned about a ticket's trouble, for one person; looked up where it is shown."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from exceptions import permanent_fixes, prose, recurring, runbooks, similar
from exceptions.kinds import PERMANENT_FIX
from exceptions.models import PermanentFix, Reopening, Runbook, Ticket
from exceptions.prose import Block
from exceptions.recurring import BEFORE, Rate
from exceptions.showing import Seen
from exceptions.similar import SHOWN, Past, Usual
from meshline.people.permissions import Permission, refusal_for

# So many tickets of what is to be fixed for good are named.
NAMED = 10


@dataclass(frozen=True)
class Period:
    """A time in which it was counted."""

    words: str
    rate: Rate

    @property
    def a_week(self) -> str:
        value = self.rate.a_week
        return "" if value is None else f"{value:.1f}".removesuffix(".0")


class Learned:
    """Beside a ticket: what resolved others like it, what is written down, and what comes back."""

    def __init__(self, seen: Seen, at: datetime) -> None:
        self._seen, self._ticket, self._at = seen, seen.ticket, at

    # --- Tickets like it ----------------------------------------------------------------------
    @cached_property
    def _like_it(self) -> list[Past]:
        return similar.to(self._ticket, self._seen.user)

    @property
    def similar(self) -> list[tuple[Past, str, str]]:
        """The most similar ones, each with its title and note as the person may read them."""
        words = self._seen.words
        first = self._like_it[:SHOWN]
        return [(one, words(one.ticket.title), words(one.ticket.resolution_note)) for one in first]

    @cached_property
    def usual(self) -> Usual | None:
        return similar.usual(self._like_it)

    @cached_property
    def being_fixed(self) -> Ticket | None:
        """The open ticket that is to fix its trouble for good."""
        if self._ticket.kind == PERMANENT_FIX:
            return None
        fixes = PermanentFix.objects.filter(permanent_fixes.open_for(self._ticket))
        mine = Ticket.objects.visible_to(self._seen.user).unresolved()
        return mine.filter(pk__in=fixes.values("ticket")).order_by("pk").first()

    # --- The runbook ----------------------------------------------------------------------------
    @cached_property
    def runbook(self) -> Runbook | None:
        return runbooks.of_ticket(self._ticket)

    @property
    def steps(self) -> list[Block]:
        return prose.read(self.runbook.text) if self.runbook else []

    @property
    def may_write(self) -> bool:
        return not refusal_for(self._seen.user, Permission.CHANGE_OPERATING_MODEL)

    # --- What is to be fixed for good ---------------------------------------------------------
    @cached_property
    def fix(self) -> "Fix | None":
        if self._ticket.kind != PERMANENT_FIX:
            return None
        row = PermanentFix.objects.filter(ticket=self._ticket.pk).first()
        return Fix(row, self._seen, self._at) if row else None


class Fix:
    """What a permanent fix is about, how often it happened before, and how often since."""

    def __init__(self, row: PermanentFix, seen: Seen, at: datetime) -> None:
        self._again = recurring.of_fix(row)
        self._seen, self._ticket, self._at = seen, seen.ticket, at

    @property
    def words(self) -> str:
        return self._again.words

    @property
    def resolution(self) -> str:
        return self._again.resolution

    @cached_property
    def periods(self) -> list[Period]:
        """The weeks before it was opened, and the time since it was resolved or opened."""
        opened, resolved = self._ticket.opened_at, self._ticket.resolved_at
        since = "Since it was resolved" if resolved else "Since it was opened"
        return [
            Period("4 weeks before it was opened", self._rate(opened - BEFORE, opened)),
            Period(since, self._rate(resolved or opened, self._at)),
        ]

    @cached_property
    def times_since(self) -> int:
        """How many times it happened since it was resolved."""
        if self._ticket.resolved_at is None:
            return 0
        return recurring.came_back(self._again, since=self._ticket.resolved_at, at=self._at)

    @cached_property
    def did_not_hold(self) -> Reopening | None:
        """The last answer after which it came back, while the ticket is open again."""
        if not self._ticket.is_unresolved:
            return None
        return self._ticket.reopenings.select_related("resolved_by").order_by("-pk").first()

    @cached_property
    def followed_by(self) -> Ticket | None:
        """The ticket that was opened when it came back later."""
        mine = Ticket.objects.visible_to(self._seen.user)
        return mine.filter(follows=self._ticket.pk).order_by("-pk").first()

    @cached_property
    def tickets(self) -> list[tuple[Ticket, str]]:
        """Its last tickets, as far as the person may see them."""
        mine = Ticket.objects.visible_to(self._seen.user).filter(self._again.tickets())
        return [self._seen.beside(one) for one in mine.order_by("-pk")[:NAMED]]

    def _rate(self, start: datetime, end: datetime) -> Rate:
        return recurring.rate(self._again, start=start, end=end)
