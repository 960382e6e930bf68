"""Coming in: raw bytes are stored once per idempotency key, and digested apart from that.

Storing is one statement, and nothing else happens before the answer.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.urls import reverse
from psycopg.types.json import Jsonb

from connectors import marks, registry
from connectors.base import Post, Refused
from connectors.elements import Element
from connectors.models import Connection, Message, Receipt, RejectedReceipt
from connectors.parsing import Unreadable
from exceptions import troubles
from meshline import instant, prepared, vault
from meshline.audit.actors import part

INBOX = part("inbox", "The inbox")
REJECTED_MOST = 10_000
REJECTED_BODY = 64 * 1024
REJECTED_LASTS = timedelta(days=7)
# The cap holds at any moment, up to this many more: an unsigned sender has no hour to fill a disk.
_CAPPED_EVERY = 100
# What begins the key of a post that could not be cut into events.
_KEY_LENGTH = 300
# An open door is remembered for so long, by each process.
REMEMBERED_SECONDS = 1.0
_doors: dict[str, tuple["Door", float]] = {}
_UNSPLIT = "sha256:"


@dataclass(frozen=True)
class Door:
    """A connection as intake needs it: who it is, whether it is open, what proves a sender."""

    id: int
    slug: str
    name: str
    system: str
    status: str
    at: datetime
    signing_secrets: tuple[bytes, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    # Looked at a moment ago: what was changed since then is not in it.
    is_remembered: bool = False


@dataclass(frozen=True)
class Stored:
    """What became of one event of a POST."""

    message: int
    status: str  # accepted, duplicate, ignored, conflict


class NotSigned(Exception):
    """A POST without proof of its sender: 401."""


_DOOR = """
SELECT c.id, c.slug, c.name, c.system, c.status, clock_timestamp(), (
    SELECT array_agg(s.sealed ORDER BY s.created_at DESC, s.id DESC) FROM connectors_secret s
    WHERE s.connection_id = c.id AND s.purpose = 'signing'
      AND (s.ends_at IS NULL OR s.ends_at > clock_timestamp())
), c.options
FROM connectors_connection c WHERE c.slug = %(slug)s
"""


def door(slug: str, *, anew: bool = False) -> Door | None:
    """The connection with this slug, with the database's time, in one look.

    An open one is remembered for a second. Whoever is about to refuse looks `anew`: what was closed
    or replaced may count for a second more, what was opened counts at once.
    """
    known, looked_at = _doors.get(slug, (None, 0.0))
    age = time.monotonic() - looked_at
    if known and settings.REMEMBER_DOORS and not anew and age < REMEMBERED_SECONDS:
        return replace(known, at=known.at + timedelta(seconds=age), is_remembered=True)
    found = _look(slug)
    if found and found.status == Connection.Status.ACTIVE:
        _doors[slug] = found, time.monotonic()
    else:
        _doors.pop(slug, None)
    return found


def _look(slug: str) -> Door | None:
    rows = prepared.rows(_DOOR, {"slug": slug})
    if not rows:
        return None
    pk, slug, name, system, status, at, sealed, options = rows[0]
    secrets = tuple(bytes(one) for one in sealed or ())
    return Door(pk, slug, name, system, status, at, secrets, json.loads(options))


def accept(at_door: Door, post: Post, *, sender: str | None) -> list[Stored]:
    """Prove, split and store one POST. Raises NotSigned with the reason.

    Committed when this returns: the caller may answer 2xx.
    """
    emitter = registry.system(at_door.system).emitter
    if emitter is None:
        raise NotSigned(f"{at_door.name} sends no signals.")
    if not at_door.signing_secrets:
        raise NotSigned(f"{at_door.name} has no signing secret yet.")
    secrets = [vault.unseal(sealed) for sealed in at_door.signing_secrets]
    try:
        verdict = emitter.verify(post, secrets)
    except Refused as error:
        raise NotSigned(str(error)) from None
    try:
        found = emitter.split(post)
    except Unreadable:
        # Kept as one message under the hash of its bytes; digesting it says what is wrong.
        found = [Element(key=f"{_UNSPLIT}{_hash(post.body).hex()}", payload=post.body)]
    return _store(at_door, post, found, verdict, sender)


def take_found(at_door: Door, *, raw: bytes, elements: list[Element], verdict: str) -> list[Stored]:
    """Store what was found by looking: the same door, without a sender to prove.

    In the caller's transaction, which says how far was looked.
    """
    post = Post(body=raw, headers={}, query={}, at=at_door.at)
    return _store_all(at_door, _facts(at_door, post, verdict, None, in_batch=True), elements)


def reject(
    at_door: Door, *, status_code: int, reason: str, headers: dict[str, str], body: bytes,
    sender: str | None,
) -> None:  # fmt: skip
    """Keep a refused POST for a week, so that "we refused it" can be told from "it never came".

    Of a canary's its own row says so.
    """
    if marks.is_ours(headers, body):
        return
    made = RejectedReceipt.objects.create(
        connection_id=at_door.id, status_code=status_code, reason=reason[:300],
        headers=headers, body=body[:REJECTED_BODY], sender=sender,
    )  # fmt: skip
    if made.pk % _CAPPED_EVERY == 0:
        _cap_rejected()


def tidy_rejected(*, at: datetime) -> None:
    """Drop refused posts after a week, and the oldest beyond the cap of each connection."""
    RejectedReceipt.objects.filter(at__lt=at - REJECTED_LASTS).delete()
    _cap_rejected()


def is_unsplit(key: str) -> bool:
    """Whether a message is a whole post that could not be cut into events."""
    return key.startswith(_UNSPLIT)


def post_of(receipt: Receipt) -> Post:
    """A stored POST as it came, but for its query, which is never kept."""
    return Post(body=bytes(receipt.body), headers=receipt.headers, query={}, at=receipt.received_at)


def _cap_rejected() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM connectors_rejectedreceipt WHERE id IN (
                SELECT id FROM (
                    SELECT id, row_number() OVER (PARTITION BY connection_id ORDER BY id DESC) AS n
                    FROM connectors_rejectedreceipt
                ) numbered WHERE n > %s
            )
            """,
            [REJECTED_MOST],
        )


# One statement, whichever it is. The message is stored unless its key is taken, its receipt with
# it, once a post: no receipt is written for what is not stored. A key that is taken by the same
# content is a repeat, and only counted; by other content, nothing comes back. Two identical posts
# at once meet in the unique index: the second waits for the first's commit. (`xmax` is 0 on a
# fresh row.)
# A repeat in a post of its own need not wait for the disk: a crash may forget the count, never an
# event. In a batch it would take the events beside it along.
_STORE = """
WITH kept AS (
    INSERT INTO connectors_message AS m (
        connection_id, receipt_id, position, key, body_hash, payload, type, received_at, status,
        why, duplicates, attempts, crashes, next_attempt_at, record, is_synthetic
    ) VALUES (
        %(connection)s, coalesce(%(receipt)s::bigint, nextval('connectors_receipt_id_seq')),
        %(position)s, %(key)s, %(hash)s, %(payload)s, %(type)s, %(at)s, %(status)s,
        '', 0, 0, 0, %(at)s, '', %(synthetic)s
    )
    ON CONFLICT (connection_id, key) DO UPDATE
        SET duplicates = m.duplicates + 1, last_duplicate_at = clock_timestamp()
        WHERE m.body_hash = EXCLUDED.body_hash
    RETURNING m.id, m.receipt_id, m.xmax = 0 AS is_fresh
), receipt AS (
    INSERT INTO connectors_receipt (
        id, connection_id, received_at, body, headers, verdict, sender, is_synthetic
    )
    SELECT receipt_id, %(connection)s, %(at)s, %(body)s, %(headers)s, %(verdict)s,
        %(sender)s::inet, %(synthetic)s
    FROM kept WHERE is_fresh AND %(receipt)s::bigint IS NULL
)
SELECT id, receipt_id, is_fresh,
       CASE WHEN NOT is_fresh AND NOT %(in_batch)s
            THEN set_config('synchronous_commit', 'off', true) END
FROM kept
"""


def _store(
    at_door: Door, post: Post, found: list[Element], verdict: str, sender: str | None
) -> list[Stored]:
    facts = _facts(at_door, post, verdict, sender, in_batch=len(found) > 1)
    if len(found) == 1:
        # One statement commits by itself.
        return _store_all(at_door, facts, found)
    with transaction.atomic():
        return _store_all(at_door, facts, found)


def _facts(
    at_door: Door, post: Post, verdict: str, sender: str | None, *, in_batch: bool
) -> dict[str, Any]:
    return {
        "connection": at_door.id,
        "receipt": None,
        "in_batch": in_batch,
        "at": post.at,
        "body": post.body,
        "headers": Jsonb(dict(post.headers)),
        "verdict": verdict,
        "sender": sender,
        "synthetic": marks.is_ours(post.headers, post.body),
    }


def _store_all(at_door: Door, facts: dict[str, Any], found: list[Element]) -> list[Stored]:
    return [_store_one(at_door, element, place, facts) for place, element in enumerate(found)]


def _store_one(at_door: Door, element: Element, place: int, facts: dict[str, Any]) -> Stored:
    """Store one event of a post; `facts` remember the receipt for the events after it."""
    status = Message.Status.ACCEPTED if element.known else Message.Status.IGNORED
    own = {
        "position": place,
        "key": element.key,
        "hash": _hash(element.stable or element.payload),
        "payload": element.payload,
        "type": element.type,
        "status": status.value,
    }
    kept = prepared.rows(_STORE, facts | own)
    if kept:
        message, receipt, is_fresh, _ = kept[0]
        if not is_fresh:
            return Stored(message, "duplicate")
        facts["receipt"] = receipt
        return Stored(message, status.value)
    return _conflict(at_door, element, facts | own)


def repeated(message: int) -> None:
    """Count one more that says the same as this message."""
    Message.objects.filter(pk=message).update(
        duplicates=F("duplicates") + 1, last_duplicate_at=instant.now()
    )


def _hash(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


@transaction.atomic
def _conflict(at_door: Door, element: Element, facts: dict[str, Any]) -> Stored:
    """The same key with other content: the first stays, and a ticket shows both.

    The new bytes are kept whole, as a message under a key of its own that nothing is made of.
    """
    first = Message.everything.get(connection=at_door.id, key=element.key)
    if first.late:
        # What was found by looking may be worded otherwise than what its sender posts.
        repeated(first.pk)
        return Stored(first.pk, "duplicate")
    key = f"conflict:{facts['hash'].hex()[:16]}:{element.key}"[:_KEY_LENGTH]
    ignored = {"key": key, "status": Message.Status.IGNORED.value}
    second = prepared.rows(_STORE, facts | ignored)[0][0]
    why = f"Its key came before with other content, which counts: message {first.pk}."
    Message.objects.filter(pk=second).update(why=why)
    troubles.open_ticket(
        troubles.Trouble(
            kind="message-conflict",
            cause=f"conflict:{at_door.slug}:{element.key}",
            title=f"{at_door.name} used the key {element.key[:80]} for two contents",
            reason="The same event id came with other content. The first content counts.",
            subject=f"{first.ref}:{_hash(element.payload).hex()[:16]}",
            evidence={
                "message": first.pk,
                "first": shown(bytes(first.payload)),
                "second": shown(element.payload),
                "page": reverse("connectors:message", args=[first.pk]),
                "second page": reverse("connectors:message", args=[second]),
            },
            record=first.record,
            connection=at_door.slug,
            led_from=first.ref,
        ),
        by=INBOX,
        at=at_door.at,
    )
    return Stored(first.pk, "conflict")


def shown(payload: bytes) -> str:
    """The beginning of a payload as text that every column takes."""
    return payload[:4000].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
