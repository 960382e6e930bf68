"""The proposal's life: its state and fields are told anew from all its signals, then written down.

Versions count the changes: each has one Transition and one trail line, in the same transaction.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from exceptions import desk
from meshline import bell, bulk
from meshline.audit import trail
from meshline.audit.actors import Actor, Someone
from meshline.audit.models import TrailLine
from meshline.audit.trail import Personal
from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission
from proposals import (
    authority,
    billing,
    concerns,
    contracts,
    history,
    routing,
    standing_in,
    states,
    turns,
    versions,
)
from proposals.authority import PEOPLE
from proposals.billing import Billed
from proposals.history import Event, History
from proposals.models import Proposal, Signal, Transition
from proposals.routing import Assignment, Router
from proposals.signals import Incoming
from proposals.states import State
from proposals.story import Story

_COLUMNS = [
    "title", "state", "since", "amount", "currency", "contact_name", "contact_email",
    "owner", "owner_why", "owner_named", "owner_is_temporary", "owner_basis", "stands_in_for",
    "version", "changed_at",
    "invoice_id", "invoice_number", "invoice_status", "invoice_url", "invoiced",
    "invoiced_currency",
]  # fmt: skip


class Conflict(Exception):
    """Somebody else changed the proposal in between; the sentence names who and when."""


def retell(
    proposals: list[Proposal], signals: list[Signal], fresh: list[Incoming], router: Router,
    *, at: datetime,
) -> list[Story]:  # fmt: skip
    """Tell each locked proposal's story with its new signals, and write what changed."""
    by_proposal: dict[int, list[tuple[Signal, Incoming]]] = defaultdict(list)
    for signal, incoming in zip(signals, fresh, strict=True):
        by_proposal[signal.proposal_id].append((signal, incoming))
    events = _events(by_proposal, {signal.pk for signal in signals})
    router.roster.meet(_named_in(events))
    stories = [
        _tell(proposal, events[proposal.pk], by_proposal[proposal.pk], router, at)
        for proposal in proposals
    ]
    _write(stories, signals, router)
    for story in stories:
        concerns.raise_and_settle(story, at=at)
    return stories


@transaction.atomic
def move(
    *, proposal_id: int, to: State, version: int, reason: str, by: User, at: datetime
) -> Proposal:
    """A person moves a proposal: along the table where the move is theirs, else as an override.

    `version` is the one they saw; raises Conflict when it has moved on since. Overriding a move
    that belongs to a system, or that the table does not have, takes the right and a reason.
    """
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
    _take_in(proposal, _said_by(by, proposal, to, reason, forced, at), at)
    return proposal


@transaction.atomic
def assign(
    *, proposal_id: int, owner: User, version: int, reason: str, by: User, at: datetime
) -> Proposal:
    """A person gives a proposal to somebody. From then on the source's word on it is only noted."""
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    permissions.check(by, Permission.REASSIGN_PROPOSAL, owner=proposal.owner)
    permissions.check(by, Permission.REASSIGN_PROPOSAL, owner=owner)
    refuse_stale(proposal, version, at)
    if not owner.is_active:
        raise states.MoveError(f"{owner.name} no longer works here; choose somebody who does.")
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
    transition(proposal, proposal.state, None, by, at, at, proposal.owner_why).save()
    trail.record(
        "proposal.assigned", subject=proposal, record=proposal.record, by=by, at=at,
        before=before, after=standing_in.facts(proposal), why=reason.strip(),
    )  # fmt: skip
    desk.settle(
        subject=proposal.record, kinds=concerns.OWNERLESS, by=by, at=at,
        because=f"{by.name} gave the proposal to {owner.name}.",
    )  # fmt: skip
    contracts.promise(as_they_stand([proposal]), at=at, by=by)
    bell.ring("outbox")
    return proposal


def as_they_stand(proposals: list[Proposal]) -> list[Story]:
    """The history of each as it stands, without anything new."""
    events = _events([proposal.pk for proposal in proposals], set())
    return [
        Story(one, history.tell(events[one.pk]), [], one.owner_is_temporary) for one in proposals
    ]


def _take_in(proposal: Proposal, incoming: Incoming, at: datetime) -> None:
    signal = Signal.objects.create(
        origin=incoming.origin, kind=incoming.kind, source=incoming.source, tier=incoming.tier,
        external_id=incoming.external_id, occurred_at=incoming.occurred_at,
        received_at=incoming.received_at, tiebreak=incoming.tiebreak, target=incoming.target or "",
        forced=incoming.forced, proposal=proposal, under=versions.newest(),
    )  # fmt: skip
    stories = retell([proposal], [signal], [incoming], Router([], at=at), at=at)
    contracts.promise(stories, at=at)
    bell.ring("outbox")


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


def refuse_stale(proposal: Proposal, version: int, at: datetime) -> None:
    if proposal.version == version:
        return
    last = proposal.transitions.order_by("-version").first()
    who = last.by_label if last else "Somebody"
    seconds = int((at - proposal.changed_at).total_seconds())
    ago = f"{max(seconds, 0)} s" if seconds < 60 else f"{seconds // 60} min"
    raise Conflict(f"{who} changed this proposal {ago} ago; look at it again before you decide.")


def _events(by_proposal: Iterable[int], fresh: set[int]) -> dict[int, list[Event]]:
    """What was known before, per proposal: every signal but the refused and the fresh ones."""
    known = (
        Signal.objects.filter(proposal__in=list(by_proposal))
        .exclude(result=Signal.Result.REFUSED)
        .exclude(pk__in=fresh)
    )
    events: dict[int, list[Event]] = {proposal: [] for proposal in by_proposal}
    for signal in known:
        events[signal.proposal_id].append(event_of(signal))
    return events


def event_of(signal: Signal) -> Event:
    """A signal as the story is told of it."""
    return Event(
        id=signal.pk,
        target=State(signal.target) if signal.target else None,
        occurred_at=signal.occurred_at,
        stage=signal.stage,
        tiebreak=signal.tiebreak,
        fields=signal.fields,
        forced=signal.forced,
        tier=signal.tier,
        under=signal.under,
    )


def _named_in(events: dict[int, list[Event]]) -> set[str]:
    """Everybody these stories ever named as owner."""
    told = (event.fields.get(history.OWNER, "") for one in events.values() for event in one)
    return {email for email in told if isinstance(email, str) and email}


def _tell(
    proposal: Proposal, events: list[Event], fresh: list[tuple[Signal, Incoming]], router: Router,
    at: datetime,
) -> Story:  # fmt: skip
    """Tell the story once per new signal, so that each change has a version and line of its own."""
    had_temporary_owner = proposal.version > 0 and proposal.owner_is_temporary
    story = Story(proposal, history.tell(events), fresh, had_temporary_owner)
    for signal, incoming in fresh:
        if signal.result == Signal.Result.REFUSED:
            story.lines.append(_noted(story, signal, incoming, at))
            continue
        events.append(event_of(signal))
        story.told = history.tell(events)
        if _apply(story, signal, incoming, router, at):
            signal.result = _result(story.told, signal)
        else:
            signal.result, signal.why = _why_not(story.told, signal)
            story.lines.append(_noted(story, signal, incoming, at))
    return story


def _apply(story: Story, signal: Signal, incoming: Incoming, router: Router, at: datetime) -> bool:
    """Bring the row in line with the story; False when nothing changed."""
    proposal = story.proposal
    before, from_state = _facts(proposal), proposal.state
    if not proposal.version:
        # Nobody had it before: the row was only just made.
        before["owner"] = ""
    fill_in(proposal, story.told)
    made = routing.own(proposal, story.told.naming, router)
    if made:
        story.decided.append((signal, made))
    standing_in.settle(proposal, router.roster.roll, at=at)
    after = _facts(proposal)
    if after == before and proposal.version:
        return False
    proposal.version, proposal.changed_at = proposal.version + 1, at
    why = incoming.note or _why(incoming, signal)
    story.transitions.append(
        transition(proposal, from_state, signal, incoming.by, at, incoming.occurred_at, why)
    )
    moved = from_state != proposal.state
    story.lines.append(
        trail.line(
            "proposal.moved" if moved else "proposal.changed",
            subject=proposal,
            record=proposal.record,
            by=incoming.by,
            at=at,
            before=_changed(before, after),
            after=_changed(after, before) | _by_rule(made, before, after),
            why=why,
            cause=incoming.origin,
        )
    )
    return True


def fill_in(proposal: Proposal, told: History) -> None:
    """Bring the row's state and fields in line with what is told; nothing is saved."""
    proposal.state, proposal.since = told.state, told.since
    fields = told.fields
    proposal.title = fields.get("title", "")
    proposal.amount = Decimal(fields["amount"]) if fields.get("amount") else None
    proposal.currency = fields.get("currency", "") if proposal.amount is not None else ""
    proposal.contact_name = fields.get("contact_name", "")
    proposal.contact_email = fields.get("contact_email", "")
    _set_invoice(proposal, billing.billed(fields))


def _set_invoice(proposal: Proposal, billed: Billed) -> None:
    invoice = billed.invoice
    proposal.invoice_id, proposal.invoice_number = invoice.id, invoice.number
    proposal.invoice_status, proposal.invoice_url = invoice.status, invoice.url
    proposal.invoiced = billed.amount
    proposal.invoiced_currency = invoice.currency if billed.amount is not None else ""


def _by_rule(
    made: Assignment | None, before: dict[str, Any], after: dict[str, Any]
) -> dict[str, str]:
    """Which rule gave it a new owner, for the trail."""
    if made is None or made.rule is None or before["owner"] == after["owner"]:
        return {}
    return {"by the rule": f"{made.rule.name} (version {made.version})"}


def _facts(proposal: Proposal) -> dict[str, Any]:
    contact = f"contact:{proposal.contact_email or proposal.contact_name}"
    return {
        "state": proposal.state,
        "since": proposal.since,
        "title": proposal.title,
        "amount": proposal.amount_words,
        "contact": Personal(contact, proposal.contact_name),
        "contact e-mail": Personal(contact, proposal.contact_email),
        "owner": proposal.owner.email,
        "invoice": proposal.invoice_number or proposal.invoice_id,
        "invoice status": proposal.invoice_status,
        "invoiced": proposal.invoiced_words,
    }


def _changed(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if other[name] != value}


def transition(
    proposal: Proposal, from_state: str, signal: Signal | None, by: Someone, at: datetime,
    occurred_at: datetime, why: str,
) -> Transition:  # fmt: skip
    """The row of one change, for the version that the proposal has now."""
    return Transition(
        proposal=proposal, version=proposal.version, signal=signal,
        from_state=from_state, to_state=proposal.state,
        by_kind=by.actor_kind, by_id=by.actor_id, by_label=by.actor_label,
        at=at, occurred_at=occurred_at, why=why,
    )  # fmt: skip


def _why(incoming: Incoming, signal: Signal) -> str:
    if not signal.target:
        return f"{incoming.source} told its fields."
    said = State(signal.target).label.lower()
    return f"{incoming.source}, the authority for it, said {said}."


def _result(told: History, signal: Signal) -> str:
    is_current = signal.pk in told.current.events or not signal.target
    return Signal.Result.APPLIED if is_current else Signal.Result.SUPERSEDED


def _why_not(told: History, signal: Signal) -> tuple[str, str]:
    """What became of a signal that changed nothing, and why."""
    if signal.pk in told.current.events or not signal.target:
        return Signal.Result.NOTED, "It told nothing that was not known."
    if signal.pk in told.superseded:
        said, state = State(signal.target).label.lower(), told.state.label.lower()
        return Signal.Result.SUPERSEDED, f"It said {said}, which does not follow; it is {state}."
    since = f" since {told.since:%Y-%m-%d %H:%M:%S} UTC" if told.since else ""
    state = told.state.label.lower()
    return Signal.Result.SUPERSEDED, f"It came late: the proposal is {state}{since}."


def _noted(story: Story, signal: Signal, incoming: Incoming, at: datetime) -> TrailLine:
    return trail.line(
        f"signal.{signal.result}", subject=signal, record=story.proposal.record,
        by=incoming.by, at=at, after={"said": signal.kind}, why=signal.why, cause=incoming.origin,
    )  # fmt: skip


def _write(stories: list[Story], signals: list[Signal], router: Router) -> None:
    changed = [story.proposal for story in stories if story.transitions or story.decided]
    if changed:
        bulk.update(changed, _COLUMNS)
        bulk.insert([t for story in stories for t in story.transitions])
    bulk.insert(
        [
            router.decision(story.proposal, signal, made)
            for story in stories
            for signal, made in story.decided
        ]
    )
    router.write()
    bulk.update(signals, ["result", "why"])
    trail.record_all(line for story in stories for line in story.lines)
