"""Reading one message again: first what that would do, then exactly that.

The preview really digests the message, in a transaction that is rolled back: nothing of it is
kept, no bell is rung, nobody is told.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from connectors import digest, holding, rereading, showing
from connectors.as_then import AS_NOW, Reading
from connectors.base import Ignored
from connectors.models import Message
from connectors.parsing import Unreadable
from exceptions.models import Ticket
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.policy import called
from proposals.models import Contract, Outcome, Proposal, Signal, Transition


class Act(StrEnum):
    REPLAY = "replay"
    RELEASE = "release"


_VERBS = {Act.REPLAY: rereading.replay, Act.RELEASE: rereading.release}
# So many contracts that changed are named one by one.
_NAMED = 3
_SAID = {
    "proposal.moved": "The proposal moves.",
    "proposal.changed": "The proposal's fields change.",
    "signal.noted": "It is noted; nothing changes.",
    "signal.superseded": "It is kept as superseded; nothing changes.",
    "signal.refused": "It is refused: its sender is not the authority.",
}


class Moved(Exception):
    """It would do something else by now than what was shown."""

    def __init__(self) -> None:
        super().__init__("Something changed since you looked; this is what it would do now.")


class ForNothing(Exception):
    """It was shown, and nothing would come of it."""


@dataclass(frozen=True)
class Effect:
    """One thing that happens, in words; `mark` is the same whenever the same thing happens."""

    sentence: str
    mark: str
    change: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """What came of reading a message again: how it stands then, and all that happens by it."""

    status: str
    why: str
    effects: list[Effect]
    # Why nothing of it happens at once.
    waits: str = ""
    blocked: list[str] = field(default_factory=list)
    # How it stood before.
    was: str = ""

    @property
    def why_not(self) -> str:
        """Why it is not carried out: nothing would come of it. Empty where something does."""
        if self.status == Message.Status.QUARANTINED:
            return f"It cannot be read, so nothing would come of it: {self.why}"
        if self.effects or self.status != self.was:
            return ""
        return "What it tells is known already: nothing new would happen."

    @property
    def fingerprint(self) -> str:
        """Equal for two accounts of the same."""
        told = [self.status, self.waits, sorted(one.mark for one in self.effects)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Preview:
    """What reading it again would do, what was done already, and what changed meanwhile."""

    account: Account
    already: list[str]
    changed: list[str]


def preview(*, act: Act, message_id: int, by: User, at: datetime) -> Preview:
    """What the act would do; nothing of it is kept. Raises what the act raises."""
    with transaction.atomic():
        message = Message.objects.select_related("connection").get(pk=message_id)
        told, differs = already(message), changed(message)
        account = account_of(_VERBS[act], message_id, by, at)
        transaction.set_rollback(True)
    return Preview(account, told, differs)


@transaction.atomic
def carry_out(*, act: Act, message_id: int, shown: str, by: User, at: datetime) -> Account:
    """Do what the preview with this fingerprint showed. Raises Moved when it would be another, and
    ForNothing when that is nothing at all."""
    account = account_of(_VERBS[act], message_id, by, at)
    if account.fingerprint != shown:
        raise Moved
    if account.why_not:
        raise ForNothing(account.why_not)
    return account


def account_of(
    verb: Callable[..., Message], message_id: int, by: User, at: datetime,
    reading: Reading = AS_NOW,
) -> Account:  # fmt: skip
    """The act and the digest that follows it, in one go; what waits is only looked ahead to.

    In the caller's transaction, who keeps it or takes it back.
    """
    crashes, was = Message.objects.values_list("crashes", "status").get(pk=message_id)
    last = TrailLine.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    message = verb(message_id=message_id, by=by, at=at)
    if crashes >= digest.CRASHES_UNTIL_QUARANTINE:
        waits = "It took down what digested it, so it is not tried here: a worker reads it, alone."
        return Account(message.status, "", [], waits, was=was)
    waits = "" if message.connection.is_active else _held(message)
    try:
        with transaction.atomic():
            digest.digest_here(message, at=at, reading=reading)
            account = replace(_account(message, last, waits, at), was=was)
            transaction.set_rollback(bool(waits))
    except Exception as error:
        failed = f"Reading it fails ({type(error).__name__}: {error}); a worker tries it again."
        return Account(Message.Status.ACCEPTED, "", [], failed[:500], was=was)
    return account


def _held(message: Message) -> str:
    sender = message.connection
    return f"{sender.name} is {sender.status}: it waits until that runs, and then does this."


def _account(message: Message, last: int, waits: str, at: datetime) -> Account:
    """Told by the trail: every verb writes its line, so nothing happens beside it."""
    lines = list(
        TrailLine.objects.filter(pk__gt=last, at=at).exclude(subject_kind="message").order_by("pk")
    )
    outcomes = Outcome.objects.in_bulk(_ids(lines, "outcome"))
    tickets = Ticket.objects.in_bulk(_ids(lines, "ticket"))
    entries = timeline.read(lines, masked=False, opens=lambda url: False)
    held = holding.reasons(outcomes.values(), at=at)
    return Account(
        message.status,
        message.why,
        [_effect(entry, outcomes, tickets) for entry in entries],
        waits,
        [
            f"{showing.says(outcomes[pk].kind)} is held. {one.why}"
            for pk, one in held.items()
            # What only has its turn after another one of these follows by itself.
            if one.behind not in outcomes or one.behind in held
        ],
    )


def _ids(lines: list[TrailLine], kind: str) -> list[int]:
    return [int(line.subject_id) for line in lines if line.subject_kind == kind]


def _effect(
    entry: timeline.Entry, outcomes: dict[int, Outcome], tickets: dict[int, Ticket]
) -> Effect:
    line = entry.line
    if line.subject_kind == "outcome":
        return _of_outcome(entry, outcomes[int(line.subject_id)])
    if line.subject_kind == "ticket":
        ticket = tickets[int(line.subject_id)]
        # A record that comes with it has another number each time one looks ahead.
        cause = ticket.cause.replace(ticket.record, "its record") if ticket.record else ticket.cause
        return Effect(f"{entry.words}: {ticket.title}", f"{line.what} {cause}")
    change = {"before": entry.before, "after": entry.after}
    told = ",".join(sorted({*line.before, *line.after}))
    moves = f"{line.before.get('state', '')}>{line.after.get('state', '')}"
    sentence = _SAID.get(line.what, entry.words)
    is_change = line.subject_kind == "proposal"
    return Effect(sentence, f"{line.what} {told} {moves}", change if is_change else {})


def _of_outcome(entry: timeline.Entry, outcome: Outcome) -> Effect:
    where = f" in {called.of(outcome.connection)}" if outcome.connection else ""
    did = entry.words.removeprefix("Outcome ").capitalize()
    sentence = f"{did}: {showing.says(outcome.kind).lower()}{where} ({outcome.key})"
    return Effect(sentence, f"{entry.line.what} {outcome.key}")


# --- What was done already, and what changed since ---------------------------------------------
def already(message: Message) -> list[str]:
    """What stands under the same key and is therefore not done again."""
    signal = Signal.objects.filter(origin=message.ref).first()
    if signal is None:
        return []
    told = [f"Its signal {signal.pk} ({signal.kind}) was {signal.get_result_display().lower()}."]
    for step in Transition.objects.filter(signal=signal).order_by("pk"):
        told.append(f"The proposal came to version {step.version}: {step.to_state}.")
    for made in Outcome.objects.filter(signal=signal).order_by("pk"):
        told.append(
            f"{showing.says(made.kind)} ({made.key}): {made.get_state_display().lower()}, "
            f"{made.attempts} {'attempt' if made.attempts == 1 else 'attempts'}."
        )
    return told


def changed(message: Message) -> list[str]:
    """What is otherwise than when it was read last."""
    since = message.digested_at
    if since is None:
        return []
    told = []
    if message.connection.changed_at > since:
        told.append(f"{message.connection.name} is at version {message.connection.version} since.")
    for mapped in message.connection.mappings.live().filter(published_at__gt=since):
        told.append(f"Its mapping is at version {mapped.number} since.")
    return [
        *told,
        *_contracts_since(since),
        *moved_on(message.record, message.signal_id),
        *_read_otherwise(message),
    ]


def _contracts_since(since: datetime) -> list[str]:
    """The contracts that changed; many of them, as in a back-dated life, in one line."""
    changed = list(Contract.objects.live().filter(published_at__gt=since).order_by("slug"))
    if len(changed) > _NAMED:
        return [f"{len(changed)} contracts were published after this message was read."]
    return [f"The contract “{one.name}” is at version {one.version} since." for one in changed]


def moved_on(record: str, signal_id: int | None) -> list[str]:
    """That the record is another by now than this signal left it."""
    kind, _, pk = record.partition(":")
    if kind != "proposal":
        return []
    proposal = Proposal.objects.filter(pk=pk).first()
    mine = Transition.objects.filter(signal=signal_id).order_by("-version").first()
    return moved(mine.version, proposal.version) if proposal and mine else []


def moved(left_at: int, now: int) -> list[str]:
    """The same in words, where it is so."""
    if left_at == now:
        return []
    return [f"The proposal moved on from version {left_at} to {now}."]


def _read_otherwise(message: Message) -> list[str]:
    """Where today's mapping reads another value than the one that was told."""
    signal = Signal.objects.filter(origin=message.ref).first()
    if signal is None:
        return []
    try:
        told = digest.translated(message)
    except (Unreadable, Ignored) as error:
        return [f"Today it reads otherwise: {error}"]
    names = [
        n for n in {**signal.fields, **told.fields} if signal.fields.get(n) != told.fields.get(n)
    ]
    return [
        f"Today its {name.replace('_', ' ')} reads {told.fields.get(name) or 'nothing'}; "
        f"under the same key {signal.fields.get(name) or 'nothing'} stays."
        for name in names
    ]
