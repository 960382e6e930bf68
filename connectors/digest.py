"""Digesting: stored messages become signals, in batches under a lease.

What once took a worker down with it is tried again alone; what cannot be read is quarantined with
a ticket, never dropped.
"""

import itertools
import logging
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from connectors import base, crosswalk, echoes, inbox, indexing, mappings, registry, twins
from connectors.as_then import AS_NOW, Reading
from connectors.base import Ignored, Told
from connectors.crosswalk import NotYet
from connectors.inbox import INBOX, shown
from connectors.mapping import NOTHING_MAPPED, Mapped
from connectors.models import Message, RecordLink
from connectors.parsing import Unreadable
from exceptions import troubles
from meshline import bulk, instant, logs
from meshline.audit.actors import Actor
from meshline.web import words
from proposals import intake
from proposals.models import Signal
from proposals.signals import Incoming, Receipted
from proposals.tiers import Tier

log = logging.getLogger(__name__)

CRASHES_UNTIL_QUARANTINE = 3
FAILURES_UNTIL_QUARANTINE = 5

_RESULT = [
    "status", "why", "signal_id", "record", "digested_at", "next_attempt_at",
    "lease_owner", "lease_until", "words", "is_synthetic",
]  # fmt: skip


class LeaseLost(Exception):
    """Somebody else has these messages by now: nothing of ours is kept."""


# What may be digested now.
DUE = """
    FROM connectors_message m
    JOIN connectors_connection c ON c.id = m.connection_id AND c.status = 'active'
    WHERE m.status = 'accepted' AND m.next_attempt_at <= clock_timestamp()
      AND (m.lease_until IS NULL OR m.lease_until < clock_timestamp())
"""
# What was never in trouble, by its deadline: a slow tier's event counts as due that much later, so
# that a burst of them stands in nobody's way. Until then it is patient, and taken when asked for;
# afterwards it has its place before whatever came since, so that none waits for ever. The patient
# are never taken together with others, which would wait for them.
_FRESH = """
    SELECT id FROM (
        SELECT m.id, c.is_patient, m.next_attempt_at + c.patience AS deadline,
            first_value(c.is_patient) OVER (ORDER BY m.next_attempt_at + c.patience, m.id) AS leads
        FROM (
            SELECT id, tier IN ('hours', 'daily') AS is_patient,
                CASE tier WHEN 'seconds' THEN 0 WHEN 'minutes' THEN 30
                          WHEN 'hours' THEN 600 ELSE 3600 END * interval '1 second' AS patience
            FROM connectors_connection WHERE status = 'active'
        ) c CROSS JOIN LATERAL (
            SELECT id, next_attempt_at FROM connectors_message
            WHERE connection_id = c.id AND status = 'accepted'
              AND next_attempt_at <= clock_timestamp() AND lease_until IS NULL AND crashes = 0
              AND (%(patient)s OR NOT c.is_patient
                   OR next_attempt_at + c.patience <= clock_timestamp())
            ORDER BY next_attempt_at, id
            LIMIT CASE WHEN c.is_patient THEN least(%(most)s, %(few)s) ELSE %(most)s END
            FOR UPDATE SKIP LOCKED
        ) m
    ) found
    WHERE is_patient = leads ORDER BY deadline, id LIMIT %(most)s
"""
# What failed or lapsed before, one at a time.
_ALONE = f"""
    SELECT m.id {DUE} AND (m.lease_until IS NOT NULL OR m.crashes > 0)
    ORDER BY m.next_attempt_at, m.id LIMIT 1 FOR UPDATE OF m SKIP LOCKED
"""
_CLAIM = """
WITH due AS MATERIALIZED ({due})
UPDATE connectors_message m SET
    lease_owner = %(lease)s, lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    attempts = attempts + 1, crashes = crashes + (lease_until IS NOT NULL)::int
FROM due WHERE m.id = due.id
RETURNING m.id
"""
_CLAIM_FRESH, _CLAIM_ALONE = _CLAIM.format(due=_FRESH), _CLAIM.format(due=_ALONE)
# So many of the patient are taken at a time: whoever comes next waits for the whole batch.
PATIENT_MOST = 4
# Of so many batches one looks first for what was in trouble, however much fresh there is.
_TROUBLED_EVERY = 10
_batches = itertools.count(1)


def digest_batch(*, most: int = 100, patient: bool = True) -> int:
    """Digest what is due, up to `most` messages in one transaction; how many were taken.

    What failed or lapsed before is taken alone, so that it harms nobody else. Unless `patient`,
    what can still wait in the hours and daily tiers is left where it is.
    """
    messages = _next(most, patient)
    if not messages:
        return 0
    at = instant.now()
    # Digesting takes the lease off the rows in hand, also when it is undone afterwards.
    lease = messages[0].lease_owner
    if len(messages) == 1:
        _digest_alone(messages[0], lease, at)
        return 1
    try:
        _digest(messages, at)
    except Exception:
        with logs.about(messages=[message.pk for message in messages]):
            log.exception("A batch of %d messages failed; each is tried alone", len(messages))
        for message in _leased(lease):
            _digest_alone(message, lease, at)
    return len(messages)


def _next(most: int, patient: bool) -> list[Message]:
    if next(_batches) % _TROUBLED_EVERY == 0:
        return _claim_alone() or _claim_fresh(most, patient=patient)
    return _claim_fresh(most, patient=patient) or _claim_alone()


def something_is_due() -> bool:
    """Whether the drain should be woken: a message due, or one whose lease lapsed."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 {DUE})")
        return bool(cursor.fetchone()[0])


def free_lapsed(*, after: float) -> int:
    """Take lapsed leases off their messages `after` so many seconds; how many there were.

    The next claim would do it by itself; but behind a pause or fresh events it may be long in
    coming. The crash stays counted, so each is read alone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE connectors_message SET
                lease_owner = NULL, lease_until = NULL, crashes = crashes + 1
            WHERE status = 'accepted'
              AND lease_until < clock_timestamp() - %s * interval '1 second'
            """,
            [after],
        )
        return cursor.rowcount


@transaction.atomic
def digest_here(message: Message, *, at: datetime, reading: Reading = AS_NOW) -> None:
    """Digest one message that is to be read again, in the caller's transaction.

    Raises whatever it fails with; then it is left as it was, for a worker to try.
    """
    message.attempts = 1
    message.save(update_fields=["attempts"])
    _digest([message], at, reading)


def _claim_fresh(most: int, *, patient: bool = True) -> list[Message]:
    return _claim(_CLAIM_FRESH, most=most, patient=patient, few=PATIENT_MOST)


def _claim_alone() -> list[Message]:
    return _claim(_CLAIM_ALONE)


def _claim(statement: str, **limits: int) -> list[Message]:
    lease = uuid.uuid4()
    facts: dict[str, Any] = {"lease": lease, "seconds": settings.LEASE_SECONDS, **limits}
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        ids = [row[0] for row in cursor.fetchall()]
    return _leased(lease) if ids else []


def _leased(lease: uuid.UUID | None) -> list[Message]:
    """What is held under this lease by now, as it stands in the database."""
    held = Message.everything.filter(lease_owner=lease, status=Message.Status.ACCEPTED)
    return list(held.select_related("connection").order_by("pk"))


@transaction.atomic
def _digest(messages: list[Message], at: datetime, reading: Reading = AS_NOW) -> None:
    """Translate and take in a batch; every message leaves with its status, or none does."""
    real = echoes.put_aside(messages)
    taken = _without_repeats(_placed(_read(real, at, reading), at))
    incoming = [_incoming(message, told, reading) for message, told in taken]
    receipts = intake.receive_all(incoming, at=at) if taken else []
    for (message, _), receipted in zip(taken, receipts, strict=True):
        _note_result(message, receipted)
    _link(taken, receipts, at)
    _finish(messages, at)
    echoes.mark_receipts(messages)
    _settle(messages, at)


def _read(messages: list[Message], at: datetime, reading: Reading) -> list[tuple[Message, Told]]:
    """What can be read, in our words; the rest is ignored or put into quarantine."""
    told: list[tuple[Message, Told]] = []
    mapped = mappings.in_force(message.connection_id for message in messages)
    for message in messages:
        if message.crashes >= CRASHES_UNTIL_QUARANTINE:
            _quarantine(message, "processing-failed", "It took down what digested it.", at)
            continue
        try:
            with logs.about(message=message.pk):
                by = reading.mapped
                if by is None:
                    by = mapped.get(message.connection_id, NOTHING_MAPPED)
                told.append((message, translated_by(message, by)))
        except Ignored as error:
            message.status, message.why = Message.Status.IGNORED, str(error)
        except Unreadable as error:
            _quarantine(message, "message-unreadable", str(error), at, error=error)
    return told


def _placed(read: list[tuple[Message, Told]], at: datetime) -> list[tuple[Message, Told]]:
    """Each with the document it is about; what is about nothing known yet waits."""
    known = crosswalk.look_up(read)
    placed: list[tuple[Message, Told]] = []
    for message, told in read:
        try:
            placed.append((message, known.placed(message, told)))
        except NotYet as error:
            message.why, message.next_attempt_at = str(error), at + crosswalk.LOOKS_EVERY
        except Ignored as error:
            message.status, message.why = Message.Status.IGNORED, str(error)
        except Unreadable as error:
            _quarantine(message, "message-unreadable", str(error), at, error=error)
    return placed


def _without_repeats(placed: list[tuple[Message, Told]]) -> list[tuple[Message, Told]]:
    """Those that say what nobody said before; what came the other way already is a repeat of it."""
    known = twins.find(placed)
    # In one order, so that two batches never wait for each other in a ring.
    for place, first in sorted(known.items(), key=lambda one: one[1]):
        message = placed[place][0]
        message.status = Message.Status.IGNORED
        message.why = f"The same event came before, as message {first}: {_other_way(message)}."
        inbox.repeated(first)
    return [pair for place, pair in enumerate(placed) if place not in known]


def _other_way(message: Message) -> str:
    return "its webhook told it" if message.late else "it was found by looking"


def translated(message: Message) -> Told:
    """What a message says in our words, as it is read today. Raises Unreadable or Ignored."""
    return translated_by(message, mappings.of(message.connection))


def translated_by(message: Message, mapped: Mapped) -> Told:
    """What it says where its connection maps this. Raises Unreadable or Ignored."""
    emitter = registry.system(message.connection.system).emitter
    if emitter is None:
        raise Unreadable(f"{message.connection.name} sends no signals.")
    if inbox.is_unsplit(message.key):
        # What made it one message when it came says why it cannot be read.
        emitter.split(inbox.post_of(message.receipt))
    return emitter.tell(bytes(message.payload), message.connection.options, mapped)


def _incoming(message: Message, told: Told, reading: Reading) -> Incoming:
    return base.incoming(
        told,
        origin=message.ref,
        source=message.connection.slug,
        tier=Tier(message.connection.tier),
        received_at=message.received_at,
        tiebreak=message.key,
        by=_sender(message),
        under=reading.under,
        aside=_aside(message),
        is_synthetic=message.is_synthetic,
    )


def _aside(message: Message) -> str:
    """How it came, where that is worth a word."""
    if message.late_by is None:
        return ""
    return f"Found by looking, {words.span(message.late_by)} late."


def _sender(message: Message) -> Actor:
    sender = message.connection
    return Actor(sender.actor_kind, sender.actor_id, sender.actor_label)


def _note_result(message: Message, receipted: Receipted) -> None:
    superseded = receipted.result == Signal.Result.SUPERSEDED
    message.status = Message.Status.SUPERSEDED if superseded else Message.Status.DIGESTED
    message.signal_id, message.record = receipted.signal_id, receipted.record
    message.why = receipted.why


def _link(taken: list[tuple[Message, Told]], receipts: list[Receipted], at: datetime) -> None:
    """Keep what the messages show to belong together, each pair once."""
    found = {
        (link.connection_id, link.kind, link.external_id): link
        for (message, told), receipted in zip(taken, receipts, strict=True)
        for link in crosswalk.links(
            message, told, receipted.record, external_id=told.external_id, at=at
        )
    }
    RecordLink.objects.bulk_create(found.values(), ignore_conflicts=True)


def _finish(messages: Iterable[Message], at: datetime) -> None:
    """Write the results, if the lease on every one of them is still ours."""
    messages = list(messages)
    lease = messages[0].lease_owner
    held = Message.everything.filter(pk__in=[m.pk for m in messages], lease_owner=lease)
    if len(held.select_for_update().order_by("pk").values_list("pk")) != len(messages):
        raise LeaseLost("Somebody else digests these messages by now.")
    for message in messages:
        message.lease_owner = message.lease_until = None
        message.digested_at = None if message.status == Message.Status.ACCEPTED else at
        message.words = indexing.words_of(message)
    bulk.update(messages, _RESULT)


def _settle(messages: list[Message], at: datetime) -> None:
    """What is read by now comes right on the tickets it hangs on, whatever put it there."""
    still = (Message.Status.QUARANTINED, Message.Status.ACCEPTED)
    read = [one.ref for one in messages if one.status not in still]
    for subject in troubles.hanging(read):
        troubles.settle(subject=subject, because="It was digested.", by=INBOX, at=at)


def _digest_alone(message: Message, lease: uuid.UUID | None, at: datetime) -> None:
    with logs.about(message=message.pk):
        try:
            _digest([message], at)
        except LeaseLost:
            log.warning("%s is digested by somebody else by now", message.ref)
        except Exception as error:
            log.exception("%s could not be digested", message.ref)
            _postpone(message.pk, lease, error, at)


@transaction.atomic
def _postpone(pk: int, lease: uuid.UUID | None, error: Exception, at: datetime) -> None:
    """Our own fault: try again later, alone; after five failures a person looks at it.

    Whoever has the message by now, under a lease of their own, is not disturbed.
    """
    held = Message.everything.select_for_update(of=("self",)).select_related("connection")
    message = held.filter(pk=pk, lease_owner=lease).first()
    if message is None:
        return
    message.why = f"{type(error).__name__}: {error}"[:2000].replace("\0", "")
    message.crashes, message.failures = max(message.crashes, 1), message.failures + 1
    if message.failures >= FAILURES_UNTIL_QUARANTINE:
        _quarantine(message, "processing-failed", message.why, at)
    message.lease_owner = message.lease_until = None
    message.next_attempt_at = at + timedelta(seconds=2**message.failures)
    message.save()


def _quarantine(
    message: Message, kind: str, reason: str, at: datetime, *, error: Unreadable | None = None
) -> None:
    """Kept, not discarded: a ticket holds it until somebody has put the cause right."""
    cause = error.cause if error else reason
    message.status, message.why = Message.Status.QUARANTINED, reason
    if message.is_synthetic:
        # Its canary tells, with a ticket of its own.
        return
    troubles.open_ticket(
        troubles.Trouble(
            kind=kind,
            cause=f"{kind}:{message.connection.slug}:{cause[:120]}",
            failure=kind,
            field_name=error.field[:80] if error else "",
            title=f"{message.connection.name}: a message could not be read",
            reason=reason,
            subject=message.ref,
            evidence={
                "message": message.pk,
                "key": message.key,
                "payload": shown(bytes(message.payload)),
                "page": reverse("connectors:message", args=[message.pk]),
            },
            record=message.record,
            connection=message.connection.slug,
            remedies=_remedies(message, kind),
            led_from=message.ref,
        ),
        by=INBOX,
        at=at,
    )


def _remedies(message: Message, kind: str) -> list[dict[str, Any]]:
    release = {
        "label": "Release",
        "explains": "Reads the quarantined messages on this ticket again, in order.",
        "url_name": "connectors:release-ticket",
        "args": ["ticket"],
    }
    if kind != "message-unreadable" or mappings.emitter_of(message.connection) is None:
        return [release]
    return [
        release,
        {
            "label": "Fix the mapping",
            "explains": "Says what a word of theirs means here, or where a field stands.",
            "url_name": "connectors:mapping",
            "args": [message.connection.slug],
            "is_page": True,
        },
    ]
