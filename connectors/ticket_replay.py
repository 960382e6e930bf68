"""Replaying a ticket: first what becomes of everything that hangs on it, then exactly that.

The preview really does it, in a transaction that is rolled back. Doing it carries the fingerprint
of what was shown: where anything has changed meanwhile, nothing at all is done.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from connectors import as_then, judging, replay_facts, replaying, rereading
from connectors.as_then import Reading
from connectors.models import Message
from connectors.replay_words import Line, Plan, Start, Verdict, Versions, Way
from connectors.replaying import Account, ForNothing, Moved
from exceptions import remedying, troubles
from exceptions.models import Ticket
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from proposals import authority, outbox
from proposals.models import Outcome, Proposal, Signal

# Of a ticket with more the first ones are replayed at a time: a person waits for it.
MOST = 100


@dataclass
class _Hanging:
    """What is gone through: messages, then outcomes, each by their ids; and what is neither."""

    messages: list[int]
    outcomes: list[int]
    beside: list[str]
    left: int


def preview(*, ticket_id: int, way: Way, by: User, at: datetime) -> Plan:
    """What a replay would do; nothing of it is kept. Raises what `carry_out` raises."""
    with transaction.atomic():
        _, plan = _go(ticket_id, way, by, at)
        transaction.set_rollback(True)
    return plan


@transaction.atomic
def carry_out(*, ticket_id: int, way: Way, shown: str, by: User, at: datetime) -> Plan:
    """Do what the preview with this fingerprint showed.

    Raises Moved when it would be something else by now, ForNothing when nothing would come of it;
    Ticket.DoesNotExist, MoveError, NotAllowed.
    """
    ticket, plan = _go(ticket_id, way, by, at)
    if plan.fingerprint != shown:
        raise Moved
    if plan.why_not:
        raise ForNothing(plan.why_not)
    remedying.tell(ticket, str(plan), by=by, at=at)
    return plan


def _go(ticket_id: int, way: Way, by: User, at: datetime) -> tuple[Ticket, Plan]:
    """All of it, in the caller's transaction."""
    # Before any row is locked, as for everything that is told: messages are among it.
    authority.steady()
    ticket = remedying.begin(ticket_id, by=by)
    permissions.check(by, Permission.REPLAY_MESSAGE, owner=ticket.whose)
    hanging = _hanging(ticket, way.start)
    _lock(hanging.outcomes)
    lines = [_message(pk, way.versions, by, at) for pk in hanging.messages]
    fired: set[int] = set()
    # As the messages left them: what they told may have called some of them off.
    outcomes = _outcomes(hanging.outcomes)
    facts = replay_facts.of(outcomes)
    for outcome in outcomes:
        line = judging.replay(outcome, way.versions, facts, fired, by=by, at=at)
        lines.append(line)
        if line.verdict is Verdict.FIRES:
            fired.add(outcome.pk)
    return ticket, Plan(way, lines, hanging.beside, hanging.left)


# --- What hangs on it -----------------------------------------------------------------------------
def _hanging(ticket: Ticket, start: Start) -> _Hanging:
    subjects = troubles.unsettled(ticket)
    now, later = subjects[:MOST], subjects[MOST:]
    messages = set(rereading.messages_in(now))
    outcomes = set(_ids(now, "outcome"))
    if start is Start.START:
        signals = _signals(messages, outcomes)
        messages |= set(rereading.messages_in(signals.values()))
        led_to = Outcome.objects.filter(signal__in=signals, undo_of=None)
        outcomes |= set(led_to.values_list("pk", flat=True))
    gone_through = {f"message:{pk}" for pk in messages} | {f"outcome:{pk}" for pk in outcomes}
    beside = [one for one in now if one not in gone_through]
    known = Message.objects.filter(pk__in=messages).order_by("pk").values_list("pk", flat=True)
    return _Hanging(list(known), sorted(outcomes), beside, len(later))


def _signals(messages: Iterable[int], outcomes: Iterable[int]) -> dict[int, str]:
    """The signals these came by or from, each with what brought it."""
    brought = Signal.objects.filter(origin__in=[f"message:{pk}" for pk in messages])
    asked = Signal.objects.filter(outcomes__in=list(outcomes))
    return dict((brought | asked).distinct().values_list("pk", "origin"))


def _lock(ids: list[int]) -> None:
    """These outcomes, and their proposals before them."""
    outcomes = Outcome.objects.filter(pk__in=ids)
    outbox.lock(Proposal.objects.filter(pk__in=outcomes.values("proposal")), outcomes)


def _outcomes(ids: list[int]) -> list[Outcome]:
    rows = Outcome.objects.filter(pk__in=ids).order_by("pk")
    return list(rows.select_related("contract", "proposal__owner__team"))


def _ids(subjects: Iterable[str], kind: str) -> list[int]:
    parts = [subject.partition(":") for subject in subjects]
    return [int(pk) for named, _, pk in parts if named == kind and pk.isdecimal()]


# --- One message ----------------------------------------------------------------------------------
def _message(pk: int, versions: Versions, by: User, at: datetime) -> Line:
    """Read one message again, as far as there is something to read."""
    held = Message.objects.select_for_update(of=("self",)).select_related("connection")
    message = held.get(pk=pk)
    then = versions is Versions.THEN
    reading = as_then.of_then(message) if then else as_then.of_now(message)
    told, changed = tuple(replaying.already(message)), tuple(replaying.changed(message))
    name = f"Message {pk} from {message.connection.name}"
    if message.status == Message.Status.ACCEPTED:
        why = "It is about to be read anyway."
        return Line(message.ref, name, Verdict.SUPPRESSED, why, changed=changed)
    account, is_done = _account(message, reading, then, by, at)
    verdict, why = _verdict(account, bool(told), is_done)
    return Line(
        message.ref, name, verdict, why, tuple(account.effects), reading.words, changed, told,
        tuple(account.blocked), is_done, mark=account.status,
    )  # fmt: skip


def _account(
    message: Message, reading: Reading, then: bool, by: User, at: datetime
) -> tuple[Account, bool]:
    """What comes of reading it, and whether that is kept: not where it cannot be read again. What
    waits for a worker is read by the versions of that day: by those of then it is not left to
    one."""
    held = message.status == Message.Status.QUARANTINED
    verb = rereading.release if held else rereading.reread
    with transaction.atomic():
        account = replaying.account_of(verb, message.pk, by, at, reading)
        is_read = account.status != Message.Status.QUARANTINED
        is_done = is_read and not (then and account.waits)
        transaction.set_rollback(not is_done)
    return account, is_done


def _verdict(account: Account, is_known: bool, is_done: bool) -> tuple[Verdict, str]:
    if account.status == Message.Status.QUARANTINED:
        return Verdict.BLOCKED, f"It cannot be read: {account.why}"
    if account.waits and not is_done:
        return Verdict.BLOCKED, f"{account.waits} By the versions of then it is not read later."
    if account.waits:
        return Verdict.BLOCKED, account.waits
    if account.effects:
        return Verdict.FIRES, account.why
    if is_known:
        return Verdict.SUPPRESSED, "What it told is known under its key: nothing is done twice."
    return Verdict.SUPPRESSED, account.why or "It tells nothing that has an effect."
