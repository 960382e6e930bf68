"""A proposal's story is told anew from all its signals, and what is different is written down.

Versions count the changes: each has one Transition and one trail line, in the same transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.audit.models import TrailLine
from meshline.audit.trail import Personal
from meshline.policy.truth import Truth
from proposals import authority, billing, concerns, fields, history, standing_in
from proposals.authority import Authorities
from proposals.billing import Billed
from proposals.fields import OWNER
from proposals.history import Event, History
from proposals.models import Proposal, Signal, Transition
from proposals.routing import assigning
from proposals.routing.assigning import Assignment, Router
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


def retell(
    proposals: list[Proposal], signals: list[Signal], fresh: list[Incoming], router: Router,
    authorities: Authorities, *, at: datetime,
) -> list[Story]:  # fmt: skip
    """Tell each locked proposal's story with its new signals, and write what changed."""
    by_proposal: dict[int, list[tuple[Signal, Incoming]]] = defaultdict(list)
    for signal, incoming in zip(signals, fresh, strict=True):
        by_proposal[signal.proposal_id].append((signal, incoming))
    events = events_of(by_proposal, {signal.pk for signal in signals})
    router.roster.meet(named_in(events.values()))
    stories = [
        _tell(proposal, events[proposal.pk], by_proposal[proposal.pk], router, authorities, at)
        for proposal in proposals
    ]
    write(stories, signals, router)
    for story in stories:
        if not story.proposal.is_synthetic:
            concerns.raise_and_settle(story, at=at)
    return stories


def as_they_stand(proposals: list[Proposal]) -> list[Story]:
    """The history of each as it stands, without anything new."""
    events, now = events_of([proposal.pk for proposal in proposals]), authority.load()
    return [
        Story(
            one, history.tell(events[one.pk], now.truths(source=one.source)), [],
            one.owner_is_temporary,
        )
        for one in proposals
    ]  # fmt: skip


def events_of(by_proposal: Iterable[int], fresh: Collection[int] = ()) -> dict[int, list[Event]]:
    """What was known before, per proposal: every signal but the refused and the fresh ones."""
    known = (
        Signal.everything.filter(proposal__in=list(by_proposal))
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
        source=signal.source,
    )


def named_in(stories: Iterable[list[Event]]) -> set[str]:
    """Everybody these stories ever named as owner."""
    told = (event.fields.get(OWNER, "") for events in stories for event in events)
    return {email for email in told if isinstance(email, str) and email}


def _tell(
    proposal: Proposal, events: list[Event], fresh: list[tuple[Signal, Incoming]], router: Router,
    authorities: Authorities, at: datetime,
) -> Story:  # fmt: skip
    """Tell the story once per new signal, so that each change has a version and line of its own."""
    had_temporary_owner = proposal.version > 0 and proposal.owner_is_temporary
    truths = authorities.truths(source=proposal.source)
    story = Story(proposal, history.tell(events, truths), fresh, had_temporary_owner)
    for signal, incoming in fresh:
        if signal.result == Signal.Result.REFUSED:
            story.lines.append(_noted(story, signal, incoming, at))
            continue
        events.append(event_of(signal))
        story.told = history.tell(events, truths)
        if _apply(story, signal, incoming, router, at):
            signal.result = _result(story.told, signal)
        else:
            signal.result, why = _why_not(story.told, signal, truths, authorities)
            signal.why = _with_aside(incoming.note or why, incoming)[:300]
            story.lines.append(_noted(story, signal, incoming, at))
    return story


def _apply(story: Story, signal: Signal, incoming: Incoming, router: Router, at: datetime) -> bool:
    """What a signal changes; False when nothing did."""
    return bring_in_line(
        story, router, signal, by=incoming.by, at=at, occurred_at=incoming.occurred_at,
        why=_with_aside(incoming.note or _why(incoming, signal), incoming), cause=incoming.origin,
    )  # fmt: skip


def bring_in_line(
    story: Story, router: Router, signal: Signal | None, *, by: Someone, at: datetime,
    occurred_at: datetime, why: str, cause: str,
) -> bool:  # fmt: skip
    """Bring the row in line with the story; False when nothing changed."""
    proposal = story.proposal
    before, from_state = _facts(proposal), proposal.state
    if not proposal.version:
        # Nobody had it before: the row was only just made.
        before["owner"] = ""
    fill_in(proposal, story.told)
    made = assigning.own(proposal, story.told.naming, router)
    if made:
        story.decided.append((signal, made))
    standing_in.settle(proposal, router.roster.roll, at=at)
    after = _facts(proposal)
    if after == before and proposal.version:
        return False
    proposal.version, proposal.changed_at = proposal.version + 1, at
    story.transitions.append(transition(proposal, from_state, signal, by, at, occurred_at, why))
    moved = from_state != proposal.state
    story.lines.append(
        trail.line(
            "proposal.moved" if moved else "proposal.changed",
            subject=proposal,
            record=proposal.record,
            by=by,
            at=at,
            before=_changed(before, after),
            after=_changed(after, before) | _by_rule(made, before, after),
            why=why,
            cause=cause,
        )
    )
    return True


def fill_in(proposal: Proposal, told: History) -> None:
    """Bring the row's state and fields in line with what is told; nothing is saved."""
    proposal.state, proposal.since = told.state, told.since
    counts = told.fields
    proposal.title = counts.get("title", "")
    proposal.amount = Decimal(counts["amount"]) if counts.get("amount") else None
    proposal.currency = counts.get("currency", "") if proposal.amount is not None else ""
    proposal.contact_name = counts.get("contact_name", "")
    proposal.contact_email = counts.get("contact_email", "")
    _set_invoice(proposal, billing.billed(counts))


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


def _with_aside(why: str, incoming: Incoming) -> str:
    return f"{why} {incoming.aside}" if incoming.aside else why


def _why(incoming: Incoming, signal: Signal) -> str:
    if not signal.target:
        return f"{incoming.by} told its fields."
    said = State(signal.target).label.lower()
    return f"{incoming.by}, the authority for it, said {said}."


def _result(told: History, signal: Signal) -> str:
    is_current = signal.pk in told.current.events or not signal.target
    return Signal.Result.APPLIED if is_current else Signal.Result.SUPERSEDED


def _why_not(
    told: History, signal: Signal, truths: Mapping[str, Truth], authorities: Authorities
) -> tuple[str, str]:
    """What became of a signal that changed nothing, and why."""
    if signal.pk in told.current.events or not signal.target:
        names = authorities.called if truths else {}
        beaten = fields.beaten(signal.fields, told.fields, truths, names)
        return Signal.Result.NOTED, beaten or "It told nothing that was not known."
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


def write(stories: list[Story], signals: list[Signal], router: Router) -> None:
    """Write what these stories changed, set-based, with their lines on the trail."""
    changed = [story.proposal for story in stories if story.transitions or story.decided]
    if changed:
        bulk.update(changed, _COLUMNS)
        bulk.insert([t for story in stories for t in story.transitions])
    # What is synthetic leaves nothing to be read back, and nothing on the trail.
    real = [story for story in stories if not story.proposal.is_synthetic]
    bulk.insert(
        [
            router.decision(story.proposal, signal, made)
            for story in real
            for signal, made in story.decided
        ]
    )
    router.write()
    if signals:
        bulk.update(signals, ["result", "why"])
    trail.record_all(line for story in real for line in story.lines)
