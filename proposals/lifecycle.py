"""What people do to a proposal: move it, give it to somebody, say what counts of it."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from exceptions import troubles
from meshline import bell
from meshline.audit import trail
from meshline.audit.actors import Actor
from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission
from meshline.people.roll import why_gone
from proposals import authority, concerns, holds, retelling, standing_in, states
from proposals.authority import PEOPLE
from proposals.contracts import promising, versions
from proposals.models import Proposal, Signal
from proposals.routing import turns
from proposals.routing.assigning import Router
from proposals.signals import Incoming
from proposals.states import State


class Conflict(Exception):
    """Somebody else changed the proposal in between; the sentence names who and when."""


@transaction.atomic
def move(
    *, proposal_id: int, to: State, version: int, reason: str, by: User, at: datetime
) -> Proposal:
    """A person moves a proposal: along the table where the move is theirs, else as an override.

    `version` is the one they saw; raises Conflict when it has moved on since. Overriding a move
    that belongs to a system, or that the table does not have, takes the right and a reason.
    """
    authority.steady()
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    permissions.check(by, Permission.MOVE_PROPOSAL, owner=proposal.owner)
    refuse_stale(proposal, version, at)
    here = State(proposal.state)
    if here is to:
        raise states.MoveError(f"This proposal is {to.label.lower()} already.")
    theirs = authority.load().of(to, source=proposal.source) == PEOPLE
    forced = not (theirs and states.is_move(here, to))
    if forced:
        _check_override(proposal, to, reason, by)
    take_in(proposal, _said_by(by, proposal, to, reason, forced, at), by=by, at=at)
    return proposal


@transaction.atomic
def assign(
    *, proposal_id: int, owner: User, version: int, reason: str, by: User, at: datetime
) -> Proposal:
    """A person gives a proposal to somebody. From then on the source's word on it is only noted."""
    authority.steady()
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    permissions.check(by, Permission.REASSIGN_PROPOSAL, owner=proposal.owner)
    permissions.check(by, Permission.REASSIGN_PROPOSAL, owner=owner)
    refuse_stale(proposal, version, at)
    if not owner.can_be_given_work:
        raise states.MoveError(f"{owner.name} {why_gone(owner)}; choose somebody else.")
    if not reason.strip():
        raise ValueError("Say why the owner changes.")
    before = {"owner": proposal.owner}
    if owner != proposal.owner:
        turns.give_back(proposal.record, owner=proposal.owner)
    proposal.owner, proposal.owner_pinned, proposal.owner_is_temporary = owner, True, False
    proposal.owner_why = f"{by.name} chose {owner.name}: {reason.strip()}"[:300]
    proposal.stands_in_for = None
    standing_in.settle(proposal, availability.roll_at(at), at=at)
    proposal.version, proposal.changed_at = proposal.version + 1, at
    proposal.save()
    retelling.transition(proposal, proposal.state, None, by, at, at, proposal.owner_why).save()
    trail.record(
        "proposal.assigned", subject=proposal, record=proposal.record, by=by, at=at,
        before=before, after=standing_in.facts(proposal), why=reason.strip(),
    )  # fmt: skip
    # Its outcomes before its ticket, as everybody locks them.
    promising.promise(retelling.as_they_stand([proposal]), at=at, by=by)
    troubles.settle(
        subject=proposal.record, kinds=concerns.OWNERLESS, by=by, at=at,
        because=f"{by.name} gave the proposal to {owner.name}.",
    )  # fmt: skip
    bell.ring("outbox")
    return proposal


def take_in(proposal: Proposal, incoming: Incoming, *, by: User, at: datetime) -> None:
    """Take in what a person says of a locked proposal, with all that follows from it."""
    signal = Signal.objects.create(
        origin=incoming.origin, kind=incoming.kind, source=incoming.source, tier=incoming.tier,
        external_id=incoming.external_id, occurred_at=incoming.occurred_at,
        received_at=incoming.received_at, tiebreak=incoming.tiebreak, target=incoming.target or "",
        fields=incoming.fields, forced=incoming.forced, proposal=proposal, under=versions.newest(),
    )  # fmt: skip
    router = Router([incoming.fields.get("owner_email", "")], at=at)
    stories = retelling.retell([proposal], [signal], [incoming], router, authority.load(), at=at)
    holds.judge(stories, at=at)
    promising.promise(stories, at=at, by=by)
    bell.ring("outbox")


def refuse_stale(proposal: Proposal, version: int, at: datetime) -> None:
    if proposal.version == version:
        return
    last = proposal.transitions.order_by("-version").first()
    who = last.by_label if last else "Somebody"
    seconds = int((at - proposal.changed_at).total_seconds())
    ago = f"{max(seconds, 0)} s" if seconds < 60 else f"{seconds // 60} min"
    raise Conflict(f"{who} changed this proposal {ago} ago; look at it again before you decide.")


def _said_by(
    by: User, proposal: Proposal, to: State, reason: str, forced: bool, at: datetime
) -> Incoming:
    return Incoming(
        origin=f"person:{by.pk}:{uuid.uuid4()}",
        kind=f"proposal.{to}",
        source=PEOPLE,
        record_source=proposal.source,
        external_id=proposal.external_id,
        # A person acts on what they see: after everything known so far, also by a vendor's clock
        # that runs ahead of ours.
        occurred_at=_after_everything(proposal, at),
        received_at=at,
        by=Actor(by.actor_kind, by.actor_id, by.actor_label),
        target=to,
        tiebreak="~person",
        forced=forced,
        fields={},
        note=reason.strip(),
    )


def _after_everything(proposal: Proposal, at: datetime) -> datetime:
    latest = proposal.signals.exclude(target="").order_by("-occurred_at").first()
    return max(at, latest.occurred_at + timedelta(microseconds=1)) if latest else at


def _check_override(proposal: Proposal, to: State, reason: str, by: User) -> None:
    permissions.check(by, Permission.OVERRIDE_PROPOSAL, owner=proposal.owner)
    if not reason.strip():
        raise ValueError("Say why you override the rule; it stands in the trail.")
    if to is State.DRAFT and proposal.state != State.CLOSED_LOST:
        raise NotAllowed("A proposal goes back to draft in the quoting tool.")
