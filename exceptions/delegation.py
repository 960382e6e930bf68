"""While somebody is out, others have their tickets: handed over at the start, back at the end.

Where a ticket belongs is decided from who is here now (meshline.people.roll), never from what was
done before. So an absence that was moved, overlaps another one or ended early, a stand-in who is
out as well, somebody who left: all come right by the same look, and a second look changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from exceptions import acts, keeping
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import part
from meshline.audit.models import TrailLine
from meshline.notices import kinds, notices
from meshline.people import availability, permissions
from meshline.people.models import Absence, User
from meshline.people.permissions import NotAllowed, Permission
from meshline.people.roll import Next, Roll, Turn, next_of, why_gone
from meshline.policy import raci

HAND_OVER = part("hand-over", "The hand-over")
BATCH = 100
_WHAT = {Turn.RETURNS: "ticket.returned", Turn.IS_KEPT: "ticket.kept"}


@dataclass(frozen=True)
class Hand:
    """One of the two ways in which a ticket is somebody's: by the fields' names, and in words."""

    holder: str
    home: str
    label: str


# The owner first: a claim whose claimer left goes to them.
HANDS = (
    Hand("owner", "stands_in_for", "owner"),
    Hand("claimed_by", "claimed_for", "claimed by"),
)  # fmt: skip


def hand_over(*, at: datetime) -> Iterator[int]:
    """Bring every open ticket to whom it belongs now, in batches; how many moved in each.

    Each batch is a transaction. Whoever has no more time asks for no further one.
    """
    roll = availability.roll_at(at)
    for hand in HANDS:
        for holder, home in _astray(hand, roll):
            yield from _Lot(hand, holder, home, roll, at).batches()


@transaction.atomic
def keep(*, ticket_id: int, by: User, at: datetime) -> Ticket:
    """What somebody has for another stays theirs, also when the other one is here again.

    Raises MoveError where it is nobody else's, NotAllowed where it is not theirs to keep.
    """
    ticket = keeping.locked(ticket_id)
    permissions.check(by, Permission.WORK_QUEUE, owner=ticket.owner)
    home = ticket.stands_in_for or ticket.claimed_for
    reason = acts.refusals(ticket, by)["keep"]
    if reason and (home is None or not ticket.is_unresolved):
        raise MoveError(reason)
    if reason:
        raise NotAllowed(reason)
    if ticket.stands_in_for:
        ticket.owner_why = f"{ticket.owner.name} keeps it; it was {ticket.stands_in_for.name}'s."
    ticket.stands_in_for = ticket.claimed_for = None
    ticket.save(update_fields=["stands_in_for", "claimed_for", "owner_why"])
    keeping.record(
        "ticket.kept", ticket, by, at,
        before={"standing in for": home}, after={"standing in for": ""},
        slept=keeping.rouse(ticket, at),
    )  # fmt: skip
    return ticket


# --- Which tickets -------------------------------------------------------------------------------
def _astray(hand: Hand, roll: Roll) -> list[tuple[User, User | None]]:
    """Who has tickets, and for whom, where they do not belong any more; a few pairs at most."""
    left = availability.gone(hand.holder) | Q(**{f"{hand.holder}__in": roll.out})
    rows = Ticket.objects.unresolved().filter(left | Q(**{f"{hand.home}__isnull": False}))
    pairs = set(rows.order_by().values_list(hand.holder, hand.home).distinct())
    people = User.objects.in_bulk({pk for pair in pairs for pk in pair if pk})
    named = [(people[holder], people.get(home)) for holder, home in sorted(pairs, key=str)]
    return [(holder, home) for holder, home in named if next_of(holder, home, roll)]


# --- Handing over --------------------------------------------------------------------------------
class _Lot:
    """The tickets that one person has, as their own or for the same other one."""

    def __init__(
        self, hand: Hand, holder: User, home: User | None, roll: Roll, at: datetime
    ) -> None:
        self.hand, self.holder, self.home = hand, holder, home
        self.roll, self.at = roll, at
        self.whose = home or holder
        step = next_of(holder, home, roll)
        assert step is not None
        self.step: Next = step
        self._found: dict[str, raci.Answerable] = {}

    def batches(self) -> Iterator[int]:
        """In the order of their numbers: what cannot be moved is passed by, not met again."""
        last = 0
        while tickets := self._batch(last):
            last, moved = tickets
            yield moved

    @transaction.atomic
    def _batch(self, after: int) -> tuple[int, int] | None:
        """The next tickets: the number of the last one looked at, and how many moved."""
        rows = Ticket.objects.unresolved().filter(
            **{self.hand.holder: self.holder, self.hand.home: self.home}, pk__gt=after
        )
        locked = rows.select_for_update(of=("self",)).select_related("owner").order_by("pk")
        tickets = list(locked[:BATCH])
        if not tickets:
            return None
        moved = [(ticket, to) for ticket in tickets if (to := self._to(ticket))]
        trail.record_all(self._move(ticket, *to) for ticket, to in moved)
        fields = [self.hand.holder, self.hand.home, "owner_why"]
        bulk.update([ticket for ticket, _ in moved], fields)
        for found in {user.pk: user for _, (user, _) in moved}.values():
            self._tell(found)
        return tickets[-1].pk, len(moved)

    def _to(self, ticket: Ticket) -> tuple[User, str] | None:
        """Who is to have it, and why; None while there is nobody better than who has it."""
        if self.step.holder is not None:
            return self.step.holder, self._why(self.step.holder)
        found, because = self._somebody(ticket)
        is_better = self.roll.is_present(found) or not self.holder.can_be_given_work
        if found.pk == self.holder.pk or not is_better:
            return None
        return found, self._why(found, because)

    def _somebody(self, ticket: Ticket) -> tuple[User, str]:
        if self.hand.holder != "owner" and self.roll.is_present(ticket.owner):
            return ticket.owner, f"{ticket.owner.name} is its owner."
        process = ticket.falls_under
        if process not in self._found:
            self._found[process] = raci.responsible_for(process, at=self.at)
        return self._found[process].user, self._found[process].why

    def _why(self, found: User, because: str = "") -> str:
        ends = availability.back_at([self.whose.pk], at=self.at).get(self.whose.pk)
        until = f" until {ends.astimezone(UTC):%-d %b %Y, %H:%M} UTC" if ends else ""
        return self.step.why(self.whose, found, until=until, because=because)

    def _move(self, ticket: Ticket, found: User, why: str) -> TrailLine:
        # With nobody here at all it may be the very person who is out.
        home = None if found == self.step.home else self.step.home
        setattr(ticket, self.hand.holder, found)
        setattr(ticket, self.hand.home, home)
        if self.hand.holder == "owner":
            ticket.owner_why = why[:300]
        after = {self.hand.label: found} | ({"standing in for": home} if home else {})
        return trail.line(
            _WHAT.get(self.step.turn, "ticket.handed-over"), subject=ticket, record=ticket.record,
            by=HAND_OVER, at=self.at, before={self.hand.label: self.holder}, after=after, why=why,
            cause=self._cause(),
        )  # fmt: skip

    def _cause(self) -> str:
        absence = self.roll.absence_of(self.whose)
        return f"absence:{absence.pk}" if absence else f"user:{self.whose.pk}"

    def _tell(self, found: User) -> None:
        """Once for all of somebody's tickets, however many batches they are."""
        whose, absence = self.whose, self.roll.absence_of(self.whose)
        if self.step.turn is Turn.RETURNS:
            over = Absence.objects.filter(user=whose, ends_at__lte=self.at).order_by("-ends_at")
            text = "You are back, and what is open of your tickets is yours again."
            key = f"tickets-back:{whose.pk}:{getattr(over.first(), 'pk', 0)}"
        elif self.step.home:
            text = f"{whose.name} is out: what is open of their tickets is with you meanwhile."
            key = f"tickets-of:{whose.pk}:{absence.pk}:{found.pk}"
        else:
            text = f"{whose.name} {why_gone(whose)}: what is open of their tickets is yours."
            key = f"tickets-left-by:{whose.pk}:{whose.deactivated_at}:{found.pk}"
        notices.tell(
            found, text, key=key, at=self.at, url=reverse("exceptions:queue"), kind=kinds.ABSENCE
        )
