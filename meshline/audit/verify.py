"""Recomputing the chain: finds the first line that was changed, removed, added or moved."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import connection, transaction

from meshline.audit import anchors
from meshline.audit.anchors import Anchor, Sheet

# The text a link's hash covers. It stands here a second time, apart from the trigger that writes
# links (migration 0002), so that a tampered trigger does not vouch for itself.
_ALWAYS = """
    line.id, (extract(epoch from line.at) * 1000000)::bigint,
    line.actor_kind, line.actor_id, line.actor_label, line.what,
    line.subject_kind, line.subject_id, line.record,
    line.before, line.after, line.why, line.cause
"""
# Links made before migration 0003 cover all but the moment of writing.
COVERED = f"""
CASE link.covers
    WHEN 1 THEN jsonb_build_array({_ALWAYS})::text
    WHEN 2 THEN jsonb_build_array(
        2, (extract(epoch from line.written_at) * 1000000)::bigint, {_ALWAYS})::text
    ELSE ''
END
"""
GENESIS = b"\0" * 32
_BATCH = 1000


@dataclass(frozen=True)
class Verdict:
    """How far the chain holds: its length and head, or the first bad position and why.

    A fault of the anchor file itself has a reason and no position.
    """

    length: int
    head: str
    bad_position: int | None = None
    reason: str = ""
    # How many anchors agree with the chain, and the last of them.
    anchors: int = 0
    last_anchor: Anchor | None = None

    @property
    def holds(self) -> bool:
        return not self.reason

    @property
    def sentence(self) -> str:
        """What is wrong and where; empty when it holds."""
        where = f"Position {self.bad_position}: " if self.bad_position is not None else ""
        return where + self.reason


@dataclass(frozen=True)
class Place:
    """A link that holds: where a walk goes on from."""

    position: int = 0
    hash: bytes = GENESIS


START = Place()
# Up to where the clock has recomputed the chain, as meshline.pulse keeps it.
VERIFIED = "trail-verified"


def trail() -> Verdict:
    """The whole proof: every link from the first to the head, and every anchor.

    The anchors are read before the head, so that none can be ahead of it however fast lines come.
    """
    sheet = anchors.read()
    return with_anchors(chain(), sheet)


def chain(*, after: Place = START) -> Verdict:
    """Recompute every link from the first to the head, in flat memory.

    Only links up to the head read first count: what is committed meanwhile is not a fault.
    `after` is a link that is trusted: only what came later is recomputed then.
    """
    # In a transaction the server sends the links as they are read, instead of copying them first.
    with transaction.atomic():
        head = read_head()
        verdict = _to_head(_walk(after, up_to=head.position), head)
        return _without_strays(verdict, after=after) if verdict.holds else verdict


def read_head() -> Place:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, hash FROM audit_chainhead WHERE id = 1")
        row = cursor.fetchone()
    return Place(row[0], bytes(row[1])) if row else Place()


def _walk(after: Place, *, up_to: int) -> Verdict:
    """Recompute the links after this one, up to a position."""
    previous, position = after.hash, after.position
    for link_position, link_previous, link_hash, covered in _links(position, up_to):
        position += 1
        reason = _fault(position, link_position, previous, link_previous, link_hash, covered)
        if reason:
            return Verdict(position - 1, previous.hex(), position, reason)
        previous = link_hash
    return Verdict(position, previous.hex())


def _to_head(walked: Verdict, head: Place) -> Verdict:
    """Whether a walk ended where the head says that the chain ends."""
    if not walked.holds:
        return walked
    if walked.length > head.position:
        reason = f"The chain was verified up to {walked.length}, but its head says {head.position}."
        return replace(walked, bad_position=head.position + 1, reason=reason)
    if walked.length != head.position:
        reason = f"The chain ends at {walked.length}, but its head says {head.position}."
        return replace(walked, bad_position=walked.length + 1, reason=reason)
    if walked.head != head.hash.hex():
        reason = f"The head's hash is not the one of the link at position {walked.length}."
        return replace(walked, bad_position=walked.length, reason=reason)
    return walked


def with_anchors(verdict: Verdict, sheet: Sheet) -> Verdict:
    """Compare a walked chain with the anchors; the first bad position of both counts.

    An anchor that does not agree says that something after the anchor before it was rewritten.
    """
    good = 0
    for number, (anchor, kept) in enumerate(_anchored(sheet.anchors)):
        if kept == anchor.hash:
            good = anchor.position
            continue
        position, reason = _contradiction(anchor, kept, good)
        return _first(replace(verdict, anchors=number), position, reason)
    agreeing = replace(verdict, anchors=len(sheet.anchors), last_anchor=sheet.last)
    return replace(agreeing, reason=sheet.fault) if verdict.holds else agreeing


def _contradiction(anchor: Anchor, kept: str | None, good: int) -> tuple[int, str]:
    said = f"anchor {anchor.number} of {anchor.at}"
    if kept is None:
        end = min(anchor.position, read_head().position + 1)
        return end, f"The chain was cut here: {said} saw it reach position {anchor.position}."
    since = f"after position {good}" if good else "before it"
    reason = f"Position {anchor.position} is not what {said} saw: a line {since} was rewritten."
    return anchor.position, reason


def _first(verdict: Verdict, position: int, reason: str) -> Verdict:
    if verdict.bad_position is not None and verdict.bad_position <= position:
        return verdict
    return replace(verdict, bad_position=position, reason=reason)


def _anchored(given: list[Anchor]) -> Iterator[tuple[Anchor, str | None]]:
    """Each anchor with the hash that its position has in the chain, None where it has none."""
    for start in range(0, len(given), _BATCH):
        some = given[start : start + _BATCH]
        hashes = _hashes([anchor.position for anchor in some])
        for anchor in some:
            yield anchor, hashes.get(anchor.position)


def _hashes(positions: list[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT position, encode(hash, 'hex') FROM audit_traillink WHERE position = ANY(%s)",
            [positions],
        )
        return {0: GENESIS.hex(), **dict(cursor.fetchall())}


def _links(after: int, up_to: int) -> Iterator[tuple[int, bytes, bytes, str | None]]:
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


def _without_strays(verdict: Verdict, *, after: Place) -> Verdict:
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
            [after.position],
        )
        loose, beyond = cursor.fetchone()
    if beyond is not None:
        return replace(verdict, bad_position=beyond, reason=f"Link {beyond} is beyond the head.")
    if loose is not None:
        reason = f"Line {loose} is in the table but not in the chain."
        return replace(verdict, bad_position=verdict.length + 1, reason=reason)
    return verdict
