"""While somebody is out, others have their proposals: handed over at the start, back at the end.

The same look as over tickets (exceptions.delegation): where a proposal belongs is decided from who
is here now, so that whatever happened meanwhile comes right, and a second look changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from exceptions import troubles
from exceptions.delegation import HAND_OVER
from meshline import bell, bulk
from meshline.audit import trail
from meshline.audit.models import TrailLine
from meshline.notices import kinds, notices
from meshline.people import availability, permissions
from meshline.people.models import Absence, User
from meshline.people.permissions import NotAllowed, Permission
from meshline.people.roll import Next, Roll, Turn, next_of, why_gone
from proposals import lifecycle, retelling, standing_in
from proposals.contracts import promising
from proposals.models import Proposal, Transition
from proposals.states import MoveError

# Each brings its outcomes with it: fewer at once than of tickets.
BATCH = 50
_WHAT = {Turn.RETURNS: "proposal.returned", Turn.IS_KEPT: "proposal.kept"}
_COLUMNS = ["owner", "owner_why", "stands_in_for", "version", "changed_at"]


def hand_over(*, at: datetime) -> Iterator[int]:
    """Bring every open proposal to whom it belongs now, in batches; how many moved in each.

    Each batch is a transaction. Whoever has no more time asks for no further one.
    """
    roll = availability.roll_at(at)
    for owner, home in _astray(roll):
        last = 0
        while batch := _hand_over(owner, home, last, roll, at):
            last, moved = batch
            yield moved


@transaction.atomic
def keep(*, proposal_id: int, version: int, by: User, at: datetime) -> Proposal:
    """What somebody has for another stays theirs, also when the other one is here again.

    As when it is given to somebody: what the source says of the owner is only noted from then on.
    """
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    if reason := refusal(proposal, by):
        raise NotAllowed(reason)
    lifecycle.refuse_stale(proposal, version, at)
    home = proposal.stands_in_for
    if home is None:
        raise MoveError("It is nobody else's: there is nothing to keep.")
    proposal.stands_in_for, proposal.owner_pinned = None, True
    proposal.owner_is_temporary = False
    proposal.owner_why = f"{proposal.owner.name} keeps it; it was {home.name}'s."
    proposal.version, proposal.changed_at = proposal.version + 1, at
    proposal.save()
    why = proposal.owner_why
    retelling.transition(proposal, proposal.state, None, by, at, at, why).save()
    trail.record(
        "proposal.kept", subject=proposal, record=proposal.record, by=by, at=at, why=why,
        before={"standing in for": home}, after={"standing in for": ""},
    )  # fmt: skip
    promising.promise(retelling.as_they_stand([proposal]), at=at, by=by)
    troubles.settle(subject=proposal.record, kinds={"role-drift"}, because=why, by=by, at=at)
    return proposal


def refusal(proposal: Proposal, user: User) -> str:
    """Why this person may not keep it: it is for who has it, and for who may give it away."""
    if proposal.owner_id == user.pk and user.is_active:
        return ""
    return permissions.refusal_for(user, Permission.REASSIGN_PROPOSAL, owner=proposal.owner)


# --- Which proposals -----------------------------------------------------------------------------
def _astray(roll: Roll) -> list[tuple[User, User | None]]:
    """Who has proposals, and for whom, where they do not belong any more; a few pairs at most."""
    left = availability.gone("owner") | Q(owner__in=roll.out)
    rows = Proposal.objects.open().filter(left | Q(stands_in_for__isnull=False)).order_by()
    pairs = set(rows.values_list("owner", "stands_in_for").distinct())
    people = User.objects.in_bulk({pk for pair in pairs for pk in pair if pk})
    named = [(people[owner], people.get(home)) for owner, home in sorted(pairs, key=str)]
    return [(owner, home) for owner, home in named if next_of(owner, home, roll)]


# --- Handing over --------------------------------------------------------------------------------
@transaction.atomic
def _hand_over(
    owner: User, home: User | None, after: int, roll: Roll, at: datetime
) -> tuple[int, int] | None:
    """The next of one person's proposals: the number of the last one, and how many moved."""
    rows = Proposal.objects.open().filter(owner=owner, stands_in_for=home, pk__gt=after)
    # In the order in which intake locks them, too.
    locked = rows.select_for_update(no_key=True, of=("self",)).order_by("pk")
    proposals = list(locked.select_related("owner__team", "stands_in_for")[:BATCH])
    if not proposals:
        return None
    moved = [(one, step) for one in proposals if (step := standing_in.settle(one, roll, at=at))]
    _write([_moved(one, step, owner, home or owner, roll, at) for one, step in moved])
    promising.promise(retelling.as_they_stand([one for one, _ in moved]), at=at)
    for found, step in {one.owner_id: (one.owner, step) for one, step in moved}.values():
        _tell(found, step, home or owner, roll, at)
    bell.ring("outbox")
    return proposals[-1].pk, len(moved)


def _moved(
    proposal: Proposal, step: Next, owner: User, whose: User, roll: Roll, at: datetime
) -> tuple[Proposal, Transition, TrailLine]:
    """A proposal that has another owner now, with the lines that say so."""
    proposal.version, proposal.changed_at = proposal.version + 1, at
    why, absence = proposal.owner_why, roll.absence_of(whose)
    line = trail.line(
        _WHAT.get(step.turn, "proposal.handed-over"), subject=proposal, record=proposal.record,
        by=HAND_OVER, at=at, before={"owner": owner}, after=standing_in.facts(proposal), why=why,
        cause=f"absence:{absence.pk}" if absence else f"user:{whose.pk}",
    )  # fmt: skip
    state = proposal.state
    return proposal, retelling.transition(proposal, state, None, HAND_OVER, at, at, why), line


def _write(moved: list[tuple[Proposal, Transition, TrailLine]]) -> None:
    bulk.update([proposal for proposal, _, _ in moved], _COLUMNS)
    bulk.insert([transition for _, transition, _ in moved])
    trail.record_all(line for _, _, line in moved)


def _tell(found: User, step: Next, whose: User, roll: Roll, at: datetime) -> None:
    """Once for all of somebody's proposals, however many batches they are."""
    absence = roll.absence_of(whose)
    if step.turn is Turn.RETURNS:
        over = Absence.objects.filter(user=whose, ends_at__lte=at).order_by("-ends_at").first()
        text = "You are back, and your open proposals are yours again."
        key = f"proposals-back:{whose.pk}:{getattr(over, 'pk', 0)}"
    elif step.home:
        text = f"{whose.name} is out: their open proposals are with you meanwhile."
        key = f"proposals-of:{whose.pk}:{absence.pk}:{found.pk}"
    else:
        text = f"{whose.name} {why_gone(whose)}: their open proposals are yours."
        key = f"proposals-left-by:{whose.pk}:{whose.deactivated_at}:{found.pk}"
    notices.tell(found, text, key=key, at=at, url=reverse("proposals:list"), kind=kinds.ABSENCE)
