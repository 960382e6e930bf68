"""A new effect is forced: done anew under a key of its own, although the old one may have worked.

Nobody does that alone. One manager asks, with a reason; another one sees what it would do and lets
it go, or does not. The old outcome gives its place on the ticket to the new one.
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse

from exceptions import merging, remedying, troubles
from exceptions.models import Ticket
from meshline import bell
from meshline.audit import trail
from meshline.notices import kinds, notices
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed, Permission
from meshline.policy import calendars
from proposals import budgets, holds
from proposals.contracts import approvals, sentences
from proposals.contracts.catalogue import MOVE_TASK
from proposals.models import ForcedEffect, Outcome, Proposal
from proposals.models.outcome import OPEN, State
from proposals.tiers import Tier

LONGEST_REASON = 1000
# Done in its own transaction, or done by setting what is so already: nothing to be done anew.
_NEVER = ("ticket.open", MOVE_TASK)


class CannotForce(Exception):
    """Why no new effect can be asked for or let go, as a sentence."""


# --- Asking ---------------------------------------------------------------------------------------
@transaction.atomic
def ask(*, ticket_id: int, outcome_id: int, reason: str, by: User, at: datetime) -> ForcedEffect:
    """Ask for it, on a ticket on which the outcome hangs. Others who may decide are told.

    Raises CannotForce, NotAllowed, MoveError, ValueError on a reason that is none.
    """
    ticket = remedying.begin(ticket_id, by=by)
    permissions.check(by, Permission.FORCE_EFFECT)
    reason = _readable(reason)
    if not reason:
        raise ValueError("Say why it has to be done anew; the second person reads it.")
    outcome = Outcome.objects.select_related("proposal", "contract").filter(pk=outcome_id).first()
    if outcome is None or not ticket.all_occurrences.filter(subject=outcome.ref).exists():
        raise CannotForce("This outcome does not hang on this ticket.")
    if why := refusal(outcome):
        raise CannotForce(why)
    if why := lacks_a_second(by):
        raise CannotForce(why)
    asked = _kept(ticket, outcome, reason, by, at)
    _record("outcome.new-effect-asked", outcome, by, at, why=reason)
    remedying.tell(ticket, f"Asked for a new effect: {says(outcome)}.", by=by, at=at, why=reason)
    _tell(asked, at)
    return asked


def lacks_a_second(by: User) -> str:
    """Why nobody could let it go, where they ask for it; empty where somebody could."""
    if deciders(but=by):
        return ""
    return "Nobody else here may let it go: it takes a second RevOps manager."


def refusal(outcome: Outcome) -> str:
    """Why this one cannot be done anew; empty when it can."""
    if outcome.kind in _NEVER or outcome.undo_of_id:
        return "Of this there is nothing that could be done anew."
    if why := _moved_on(outcome):
        return why
    if ForcedEffect.objects.waiting().filter(outcome=outcome).exists():
        return "It is asked for already and waits for a second person."
    return ""


def of_ticket(ticket: Ticket) -> list[Outcome]:
    """The outcomes that hang on it, settled or not: what may have worked, may be proven."""
    subjects = ticket.all_occurrences.filter(subject__startswith="outcome:")
    ids = [one.partition(":")[2] for one in subjects.values_list("subject", flat=True)[:200]]
    rows = Outcome.objects.filter(pk__in=[int(pk) for pk in ids if pk.isdecimal()])
    return list(rows.select_related("proposal", "contract").order_by("pk"))


# --- Who decides ----------------------------------------------------------------------------------
def deciders(*, but: User) -> list[User]:
    """Everybody who may let go what this person asks for."""
    people = User.objects.filter(is_active=True).exclude(pk=but.pk).order_by("name", "pk")
    return [one for one in people if permissions.may(one, Permission.FORCE_EFFECT)]


def refusal_for(asked: ForcedEffect, user: User) -> str:
    """Why this person does not decide on it; empty when they do."""
    if why := permissions.refusal_for(user, Permission.FORCE_EFFECT):
        return why
    if asked.asked_by_id == user.pk:
        return "You asked for it, so a second person decides."
    return ""


def waiting_for(user: User) -> list[ForcedEffect]:
    """What waits for this person, the oldest first."""
    return [one for one in seen_by(user) if not refusal_for(one, user)]


def seen_by(user: User) -> list[ForcedEffect]:
    """What waits for a second person, as far as this one may have a say in it."""
    if not permissions.may(user, Permission.FORCE_EFFECT):
        return []
    rows = ForcedEffect.objects.waiting().order_by("asked_at", "pk")
    related = ("outcome__proposal__owner", "outcome__contract", "asked_by", "ticket")
    return list(rows.select_related(*related))


# --- Deciding -------------------------------------------------------------------------------------
@transaction.atomic
def approve(*, asked_id: int, comment: str = "", by: User, at: datetime) -> ForcedEffect:
    """Let it go: a new outcome under a new key, due now. Raises CannotForce, NotAllowed."""
    asked = decided(asked_id, True, _readable(comment), by, at)
    old = asked.outcome
    if why := _moved_on(old):
        raise CannotForce(why)
    asked.made = made = _anew(asked, at)
    asked.save()
    after = {"outcome": old.kind, "in place of": old.key, "key": made.key}
    trail.record(
        "outcome.promised", subject=made, record=made.record, by=by, at=at, after=after,
        why=asked.reason, cause=f"signal:{made.signal_id}",
    )  # fmt: skip
    _give_place(asked, made, by, at)
    bell.ring("outbox")
    return asked


@transaction.atomic
def reject(*, asked_id: int, reason: str, by: User, at: datetime) -> ForcedEffect:
    """Say no, with a reason; the old one stays as it is. Raises CannotForce, NotAllowed."""
    reason = _readable(reason)
    if not reason:
        raise ValueError("Say why it is not done anew.")
    asked = decided(asked_id, False, reason, by, at)
    asked.save()
    said, ticket = f"{by.name} did not let a new effect go: {says(asked.outcome)}.", _ticket(asked)
    if ticket.is_unresolved:
        remedying.tell(ticket, said, by=by, at=at, why=reason)
    _answer(asked, f"Not done anew: {says(asked.outcome)}. {reason}", at)
    return asked


def decided(asked_id: int, approved: bool, comment: str, by: User, at: datetime) -> ForcedEffect:
    """The request with this decision, held and not yet saved."""
    asked = held(asked_id)
    outcome = asked.outcome
    if not asked.is_waiting and asked.decided_by is not None:
        did = "let it go" if asked.is_approved else "said no"
        raise CannotForce(f"{asked.decided_by.name} {did} already.")
    if why := refusal_for(asked, by):
        raise NotAllowed(why)
    asked.is_approved, asked.decided_by, asked.decided_at = approved, by, at
    asked.comment = comment
    what = "outcome.new-effect-approved" if approved else "outcome.new-effect-rejected"
    _record(what, outcome, by, at, why=comment)
    return asked


def is_replaced(outcome: Outcome) -> bool:
    """Whether a new effect has taken its place."""
    return outcome.pk in replaced([outcome.pk])


def in_place_of(outcome: Outcome) -> Outcome | None:
    """The new effect that has taken its place; None where none has."""
    return Outcome.objects.filter(forced_by__outcome=outcome).first()


def says_replaced(by: Outcome) -> str:
    """What the old one is refused for."""
    return f"A new effect took its place, under the key {by.key}."


def replaced(ids: list[int]) -> set[int]:
    """Those of these outcomes of which a new effect has taken the place."""
    let_go = ForcedEffect.objects.let_go().filter(outcome__in=ids)
    return set(let_go.values_list("outcome", flat=True))


def held(asked_id: int) -> ForcedEffect:
    """The request with its outcome, until the end of the transaction. The proposal is locked
    first, then the outcome, as everybody does."""
    known = ForcedEffect.objects.values_list("outcome", "outcome__proposal").get(pk=asked_id)
    Proposal.objects.select_for_update(no_key=True).get(pk=known[1])
    outcomes = Outcome.objects.select_for_update(of=("self",))
    outcome = outcomes.select_related("proposal", "contract").get(pk=known[0])
    rows = ForcedEffect.objects.select_for_update(of=("self",))
    asked = rows.select_related("ticket", "asked_by", "decided_by").get(pk=asked_id)
    asked.outcome = outcome
    return asked


def says(outcome: Outcome) -> str:
    """What would be done anew, as in "create the invoice for Website relaunch"."""
    return f"{sentences.deed(outcome.kind, outcome.name)} for {outcome.proposal}"


# --- Underneath -----------------------------------------------------------------------------------
def _moved_on(outcome: Outcome) -> str:
    """Why it is no longer to be let go, whatever was so when it was asked for."""
    if outcome.state == State.LEASED:
        return "It is being carried at this moment; wait for what comes of it."
    if is_replaced(outcome):
        return "A new effect has taken its place already."
    if outcome.unwanted_at is not None:
        return f"It is not asked for any more. {outcome.unwanted_why}".strip()
    return ""


def _anew(asked: ForcedEffect, at: datetime) -> Outcome:
    """The same outcome once more, as if it had never been tried."""
    old, proposal = asked.outcome, asked.outcome.proposal
    tier = Tier(old.tier)
    made = Outcome(
        proposal=proposal, contract_id=old.contract_id, name=old.name, kind=old.kind,
        target=old.target, connection=old.connection, signal_id=old.signal_id,
        key=f"{old.key}/anew-1", digest=old.digest, params=old.params, undo=old.undo,
        tier=tier, tier_rank=old.tier_rank, promised_at=at, next_attempt_at=at,
        budget_ends_at=budgets.ends_at(tier, at, calendars.hours_of(proposal.owner.team)),
    )  # fmt: skip
    gate = approvals.gate_of(old)
    made.state = State.HELD if gate else State.DUE
    holds.rest(made, is_on_hold=bool(proposal.hold))
    made.save()
    if gate:
        # What its contract lets go only once somebody approved it, is approved anew.
        causer = approvals.causer_of(old)
        approvals.ask([(made, gate, causer)], asked_by=asked.asked_by, at=at)
    return made


def _give_place(asked: ForcedEffect, made: Outcome, by: User, at: datetime) -> None:
    """The new one stands in the place of the old: in the story, and on the ticket."""
    old, before = asked.outcome, {"state": asked.outcome.state}
    because = f"A new effect takes its place; {by.name} let it go."
    old.unwanted_at, old.unwanted_why = at, because[:300]
    # What was done there stays as it is: only what was not is called off.
    if old.state in OPEN and old.state != State.DELIVERED:
        old.state = State.CANCELLED
    old.save(update_fields=["state", "unwanted_at", "unwanted_why"])
    after = {"outcome": old.kind, "state": old.state, "in its place": made.key}
    trail.record(
        "outcome.replaced", subject=old, record=old.record, by=by, at=at, before=before,
        after=after, why=because, cause=f"signal:{old.signal_id}",
    )  # fmt: skip
    ticket = _ticket(asked)
    if ticket.is_unresolved:
        troubles.replace(ticket, old.ref, made.ref, because=because, by=by, at=at)
        said = f"{by.name} let a new effect go: {says(old)}, under the key {made.key}."
        remedying.tell(ticket, said, by=by, at=at, why=asked.comment)
    troubles.settle(subject=old.ref, because=because, by=by, at=at)
    _answer(asked, f"Done anew: {says(old)}.", at)


def _ticket(asked: ForcedEffect) -> Ticket:
    """The ticket it was asked for on, or the one of which that has become a part."""
    return merging.standing(asked.ticket)


def _kept(ticket: Ticket, outcome: Outcome, reason: str, by: User, at: datetime) -> ForcedEffect:
    try:
        with transaction.atomic():
            return ForcedEffect.objects.create(
                ticket=ticket, outcome=outcome, reason=reason, asked_by=by, asked_at=at
            )
    except IntegrityError:
        # Somebody asked between our look and our insert.
        said = "It is asked for already and waits for a second person."
        raise CannotForce(said) from None


def _tell(asked: ForcedEffect, at: datetime) -> None:
    text = f"{asked.asked_by.name} asks for a new effect: {says(asked.outcome)}. {asked.reason}"
    notices.tell_each(
        deciders(but=asked.asked_by), text, key=f"forced:{asked.pk}:asked",
        url=reverse("connectors:forced-effect", args=[asked.pk]), kind=kinds.REVIEW, at=at,
    )  # fmt: skip


def _answer(asked: ForcedEffect, text: str, at: datetime) -> None:
    notices.tell(
        asked.asked_by, text, key=f"forced:{asked.pk}:decided",
        url=reverse("exceptions:ticket", args=[_ticket(asked).pk]), at=at,
    )  # fmt: skip


def _readable(text: str) -> str:
    text = " ".join(text.replace("\0", "").split())
    if len(text) > LONGEST_REASON:
        raise ValueError(f"Keep it under {LONGEST_REASON:,} characters; this has {len(text):,}.")
    return text


def _record(what: str, outcome: Outcome, by: User, at: datetime, *, why: str) -> None:
    trail.record(
        what, subject=outcome, record=outcome.record, by=by, at=at, why=why,
        after={"outcome": outcome.kind, "key": outcome.key}, cause=f"signal:{outcome.signal_id}",
    )  # fmt: skip
