"""Coming in: raw bytes are stored once per idempotency key, and digested apart from that.

Storing is one statement, and nothing else happens before the answer.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.urls import reverse
from psycopg.types.json import Jsonb

from connectors import registry
from connectors.base import Element, Post, Refused
from connectors.models import Message, RejectedReceipt
from connectors.parsing import Unreadable
from exceptions import desk
from meshline import prepared, vault
from meshline.audit.actors import part

INBOX = part("inbox", "The inbox")
REJECTED_MOST = 10_000
REJECTED_BODY = 64 * 1024
REJECTED_LASTS = timedelta(days=7)


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
)
FROM connectors_connection c WHERE c.slug = %(slug)s
"""


def door(slug: str) -> Door | None:
    """The connection with this slug, with the database's time, in one look."""
    rows = prepared.rows(_DOOR, {"slug": slug})
    if not rows:
        return None
    pk, slug, name, system, status, at, sealed = rows[0]
    secrets = tuple(bytes(one) for one in sealed or ())
    return Door(pk, slug, name, system, status, at, secrets)


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
        found = [Element(key=f"sha256:{_hash(post.body).hex()}", payload=post.body)]
    return _store(at_door, post, found, verdict, sender)


def reject(
    at_door: Door, *, status_code: int, reason: str, headers: dict[str, str], body: bytes,
    sender: str | None,
) -> None:  # fmt: skip
    """Keep a refused POST for a week, so that "we refused it" can be told from "it never came"."""
    RejectedReceipt.objects.create(
        connection_id=at_door.id, status_code=status_code, reason=reason[:300],
        headers=headers, body=body[:REJECTED_BODY], sender=sender,
    )  # fmt: skip


def tidy_rejected(*, at: datetime) -> None:
    """Drop refused posts after a week, and the oldest beyond the cap of each connection."""
    RejectedReceipt.objects.filter(at__lt=at - REJECTED_LASTS).delete()
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


# 1. What is known already under the same key with the same content is only counted.
# 2. The rest is stored: the receipt once, then its messages; a key that is taken is left alone.
# Two identical posts at once meet in the unique index: the second waits for the first's commit,
# stores nothing, and the next look finds the first.
_STORE = """
WITH given AS (
    SELECT * FROM unnest(%(positions)s::int[], %(keys)s::text[], %(hashes)s::bytea[],
                         %(payloads)s::bytea[], %(types)s::text[], %(statuses)s::text[])
        AS g(position, key, body_hash, payload, type, status)
), repeated AS (
    UPDATE connectors_message m
    SET duplicates = m.duplicates + 1, last_duplicate_at = clock_timestamp()
    FROM given g
    WHERE m.connection_id = %(connection)s AND m.key = g.key AND m.body_hash = g.body_hash
    RETURNING m.id, m.key
), receipt AS (
    INSERT INTO connectors_receipt (connection_id, received_at, body, headers, verdict, sender)
    SELECT %(connection)s, %(at)s::timestamptz, %(body)s::bytea, %(headers)s::jsonb,
           %(verdict)s, %(sender)s::inet
    WHERE EXISTS (SELECT 1 FROM given WHERE key NOT IN (SELECT key FROM repeated))
    RETURNING id
), fresh AS (
    INSERT INTO connectors_message (
        connection_id, receipt_id, position, key, body_hash, payload, type, received_at, status,
        why, duplicates, attempts, crashes, next_attempt_at, record
    )
    SELECT %(connection)s, receipt.id, g.position, g.key, g.body_hash, g.payload, g.type,
           %(at)s::timestamptz, g.status, '', 0, 0, 0, %(at)s::timestamptz, ''
    FROM given g, receipt WHERE g.key NOT IN (SELECT key FROM repeated)
    ON CONFLICT (connection_id, key) DO NOTHING
    RETURNING id, key, status
)
SELECT key, id, status FROM fresh UNION ALL SELECT key, id, 'duplicate' FROM repeated
"""


def _store(
    at_door: Door, post: Post, found: list[Element], verdict: str, sender: str | None
) -> list[Stored]:
    answers: dict[str, Stored] = {}
    left = list(enumerate(found))
    # The second round finds what somebody else was storing during the first.
    for _ in range(2):
        facts = _facts(at_door, post, left, verdict, sender)
        for key, message, status in prepared.rows(_STORE, facts):
            answers[key] = Stored(message, status)
        left = [(place, element) for place, element in left if element.key not in answers]
        if not left:
            break
    for _, element in left:
        answers[element.key] = _conflict(at_door, element)
    return [answers[element.key] for element in found]


def _facts(
    at_door: Door, post: Post, left: list[tuple[int, Element]], verdict: str, sender: str | None
) -> dict[str, Any]:
    elements = [element for _, element in left]
    known = Message.Status.ACCEPTED.value, Message.Status.IGNORED.value
    return {
        "connection": at_door.id,
        "at": post.at,
        "body": post.body,
        "headers": Jsonb(dict(post.headers)),
        "verdict": verdict,
        "sender": sender,
        "positions": [place for place, _ in left],
        "keys": [element.key for element in elements],
        "hashes": [_hash(element.stable or element.payload) for element in elements],
        "payloads": [element.payload for element in elements],
        "types": [element.type for element in elements],
        "statuses": [known[0] if element.known else known[1] for element in elements],
    }


def _hash(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


@transaction.atomic
def _conflict(at_door: Door, element: Element) -> Stored:
    """The same key with other content: the first stays, the new bytes go onto a ticket."""
    first = Message.objects.get(connection=at_door.id, key=element.key)
    desk.open_ticket(
        desk.Trouble(
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
