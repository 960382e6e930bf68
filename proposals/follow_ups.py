"""What people do with a follow-up: complete it, take that back, choose another time.

Each verb locks the proposal first, as whatever tells its story does.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import business_time, calendars
from proposals import following, retelling, scheduling
from proposals.contracts import closing, moving, promising, versions
from proposals.lifecycle import Conflict
from proposals.models import FollowUp, Proposal
from proposals.models.follow_up import How, State
from proposals.states import MoveError

# So far ahead a person may put one off.
LONGEST = timedelta(days=30)
# The offer to undo stands for 10 s; whoever is slower than that is still heard for a while.
HONOURED = timedelta(seconds=60)
LONGEST_NOTE, LONGEST_WHY = 1000, 300
# Proposals told anew in one transaction when an SLA changes.
BATCH = 50


class TimeError(ValueError):
    """A moment at which nothing can be due, as a sentence."""


@transaction.atomic
def complete(
    *, follow_up_id: int, version: int, by: User, at: datetime, note: str = ""
) -> FollowUp:
    """A person says: done. Its task in the CRM is closed by the outbox, a moment later."""
    one = _asked(follow_up_id, version, by, at)
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise ValueError(f"A note has at most {LONGEST_NOTE} characters; it has {len(note)}.")
    scheduling.end(one, how=How.HERE, label=by.name, at=at)
    one.ended_by, one.note = by, note
    one.save()
    after = {"state": one.state} | ({"note": note} if note else {})
    _record("follow-up.completed", one, by, at, before={"state": State.OPEN}, after=after)
    if one.outcome_id:
        because = f"{by.name} completed the follow-up here."
        closing.close(one.outcome_id, because=because, by=by, at=at)
    _show_next(one.proposal)
    bell.ring("outbox")
    return one


@transaction.atomic
def undo(*, follow_up_id: int, version: int, by: User, at: datetime) -> FollowUp:
    """Take back what one completed a moment ago, as long as the CRM was not told."""
    one = _locked(follow_up_id)
    permissions.check(by, Permission.FOLLOW_UP, owner=one.owner)
    if one.version != version or one.how != How.HERE:
        raise Conflict(_changed(one))
    if one.ended_by_id != by.pk or one.ended_at is None or at - one.ended_at > HONOURED:
        raise MoveError("It is too late to undo that.")
    because = f"{by.name} took it back."
    if one.outcome_id:
        closing.open_again(one.outcome_id, because=because, by=by, at=at)
    scheduling.open_again(one)
    one.version += 1
    one.save()
    _record("follow-up.undone", one, by, at, after={"state": one.state}, why=because)
    # What happened meanwhile may have made it superfluous.
    promising.promise(retelling.as_they_stand([one.proposal]), at=at, by=by)
    bell.ring("outbox")
    return _locked(follow_up_id)


@transaction.atomic
def reschedule(
    *, follow_up_id: int, version: int, due_at: datetime, reason: str, by: User, at: datetime
) -> FollowUp:
    """A person chooses when it is due, in the business time of its team; no SLA moves it then.

    Its task in the CRM is moved by the outbox.
    """
    one = _asked(follow_up_id, version, by, at)
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why it is due at another time.")
    if len(reason) > LONGEST_WHY:
        raise ValueError(f"A reason has at most {LONGEST_WHY} characters; it has {len(reason)}.")
    check_moment(one, due_at, at=at)
    before = {"due": one.due_at}
    one.due_at, one.moved_at, one.moved_by, one.moved_why = due_at, at, by, reason
    one.version += 1
    one.save()
    after = {"due": due_at}
    _record("follow-up.rescheduled", one, by, at, before=before, after=after, why=reason)
    if one.outcome_id:
        moving.move(one.outcome_id, due_at=due_at, number=one.version, by=by, at=at)
        bell.ring("outbox")
    _show_next(one.proposal)
    return one


def check_moment(one: FollowUp, due_at: datetime, *, at: datetime) -> None:
    """Raise TimeError unless it can be due then."""
    if due_at <= at:
        raise TimeError("That is past; choose a moment that is still to come.")
    if due_at > at + LONGEST:
        raise TimeError(f"Choose a moment within {LONGEST.days} days.")
    whose = one.stands_in_for or one.owner
    hours = calendars.hours_of(whose.team)
    following_moment = business_time.add(due_at, 0, hours)
    if following_moment != due_at:
        there = following_moment.astimezone(ZoneInfo(hours.zone))
        raise TimeError(
            "Nobody works then; the next business moment is "
            f"{there:%A, %-d %b %Y, %H:%M} ({hours.zone})."
        )


def retime(*, at: datetime) -> Iterator[int]:
    """Move what is open to the SLA that is in force by now; how many proposals, batch by batch.

    What a person moved stays, and nothing is lost: a second look changes nothing.
    """
    slas, last = following.slas(versions.live()), 0
    while ids := _out_of_time(slas, last):
        last = ids[-1]
        yield _retime(ids, at)


def refusal(one: FollowUp, user: User) -> str:
    """Why this person may not complete or move it; empty when they may."""
    return permissions.refusal_for(user, Permission.FOLLOW_UP, owner=one.owner)


# --- Underneath ----------------------------------------------------------------------------------
def _asked(follow_up_id: int, version: int, by: User, at: datetime) -> FollowUp:
    """The follow-up, locked, open and as this person saw it."""
    one = _locked(follow_up_id)
    permissions.check(by, Permission.FOLLOW_UP, owner=one.owner)
    if not one.is_open:
        raise Conflict(_changed(one))
    if one.version != version:
        raise Conflict("It has changed since you looked; look at it again before you decide.")
    return one


def _locked(follow_up_id: int) -> FollowUp:
    of = FollowUp.objects.values_list("proposal", flat=True).get(pk=follow_up_id)
    people = ("owner__team", "stands_in_for__team")
    locked = Proposal.objects.select_for_update(no_key=True, of=("self",)).select_related(*people)
    proposal = locked.get(pk=of)
    one = FollowUp.objects.select_related("contract", *people).get(pk=follow_up_id)
    one.proposal = proposal
    return one


def _changed(one: FollowUp) -> str:
    if one.is_open:
        return "It is open already."
    if one.completed_at is None:
        return "It is no longer needed: the proposal has moved on."
    where = " in the CRM" if one.how == How.CRM else ""
    return f"{one.ended_by_label} completed it{where} already."


def _show_next(proposal: Proposal) -> None:
    if scheduling.show_next(proposal, FollowUp.objects.of(proposal).open()):
        proposal.save(update_fields=["next_follow_up_at"])


def _record(
    what: str, one: FollowUp, by: User, at: datetime, *, before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None, why: str = "",
) -> None:  # fmt: skip
    trail.record(
        what, subject=one, record=one.record, by=by, at=at, before=before,
        after={"follow-up": one.label, **(after or {})}, why=why,
    )  # fmt: skip


def _out_of_time(slas: dict[tuple[str, str], int], after: int) -> list[int]:
    """The next proposals with a follow-up that is due by another SLA than the one in force."""
    other = Q(pk__in=[])
    for (slug, kind), minutes in slas.items():
        other |= Q(contract__slug=slug, kind=kind) & ~Q(within=minutes)
    rows = FollowUp.objects.open().filter(other, proposal__gt=after).order_by("proposal")
    return list(rows.values_list("proposal", flat=True).distinct()[:BATCH])


@transaction.atomic
def _retime(ids: list[int], at: datetime) -> int:
    rows = Proposal.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=ids)
    proposals = list(rows.select_related("owner__team", "stands_in_for__team").order_by("pk"))
    promising.promise(retelling.as_they_stand(proposals), at=at)
    return len(proposals)
