"""Recomputing the chain: finds the first line that was changed, removed, added or moved."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

# The text a link's hash covers. It stands here a second time, apart from the trigger that writes
# links (migration 0002), so that a tampered trigger does not vouch for itself.
COVERED = """
jsonb_build_array(
    line.id, (extract(epoch from line.at) * 1000000)::bigint,
    line.actor_kind, line.actor_id, line.actor_label, line.what,
    line.subject_kind, line.subject_id, line.record,
    line.before, line.after, line.why, line.cause
)::text
"""
GENESIS = b"\0" * 32


@dataclass(frozen=True)
class Verdict:
    """How far the chain holds: its length and head, or the first bad position and why."""

    length: int
    head: str
    bad_position: int | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        return self.bad_position is None


def chain(*, after: tuple[int, bytes] = (0, GENESIS)) -> Verdict:
    """Recompute every link from the first to the head, in flat memory.

    Only links up to the head read first count: what is committed meanwhile is not a fault.
    `after` is a position and its hash that are trusted: only what came later is recomputed then.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, hash FROM audit_chainhead WHERE id = 1")
        row = cursor.fetchone()
    head_position, head_hash = (row[0], bytes(row[1])) if row else (0, GENESIS)
    position, previous = after
    links = _links(after=position, up_to=head_position)
    for link_position, link_previous, link_hash, covered in links:
        position += 1
        reason = _fault(position, link_position, previous, link_previous, link_hash, covered)
        if reason:
            return Verdict(position - 1, previous.hex(), position, reason)
        previous = link_hash
    if position != head_position:
        reason = f"The chain ends at {position}, but its head says {head_position}."
        return Verdict(position, previous.hex(), position + 1, reason)
    if previous != head_hash:
        reason = f"The head's hash is not the one of the link at position {position}."
        return Verdict(position, previous.hex(), position, reason)
    return _without_strays(Verdict(position, previous.hex()), after=after[0])


def _links(*, after: int, up_to: int) -> Iterator[tuple[int, bytes, bytes, str | None]]:
    query = f"""
        SELECT link.position, link.previous, link.hash, CASE WHEN line.id IS NULL THEN NULL
               ELSE {COVERED} END
        FROM audit_traillink link LEFT JOIN audit_trailline line ON line.id = link.line_id
        WHERE link.position > %s AND link.position <= %s ORDER BY link.position
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [after, up_to])
        for position, previous, hash_, covered in cursor:
            yield position, bytes(previous), bytes(hash_), covered


def _fault(
    expected: int, position: int, previous: bytes, link_previous: bytes, hash_: bytes,
    covered: str | None,
) -> str:  # fmt: skip
    if position != expected:
        return f"Position {expected} is missing."
    if covered is None:
        return f"The line at position {position} is missing."
    if link_previous != previous:
        return f"The link at position {position} does not follow from the one before."
    if hashlib.sha256(previous + covered.encode()).digest() != hash_:
        return f"The line at position {position} is not what was written."
    return ""


def _without_strays(verdict: Verdict, *, after: int) -> Verdict:
    """Lines without a link, or links beyond the head, were slipped in with the trigger off."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT min(line.id) FROM audit_trailline line
                    LEFT JOIN audit_traillink link ON link.line_id = line.id
                    WHERE link.line_id IS NULL AND line.id > coalesce(
                        (SELECT line_id FROM audit_traillink WHERE position = %s), 0)),
                   (SELECT min(link.position) FROM audit_traillink link
                    WHERE link.position > coalesce((SELECT max(position) FROM audit_chainhead), 0))
            """,
            [after],
        )
        loose, beyond = cursor.fetchone()
    if beyond is not None:
        return Verdict(verdict.length, verdict.head, beyond, f"Link {beyond} is beyond the head.")
    if loose is not None:
        reason = f"Line {loose} is in the table but not in the chain."
        return Verdict(verdict.length, verdict.head, verdict.length + 1, reason)
    return verdict
