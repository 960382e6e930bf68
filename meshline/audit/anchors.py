"""Anchors: where the chain ended, hour by hour, in a file outside the database.

Whoever owns the tables can cut the chain's tail or write all of it anew. They cannot make the file
agree: each of its lines carries an HMAC, by a key that is not in the database, over itself and over
the line before. The last anchor is kept in the database as well, so that a file that was shortened
or removed is missed.
"""

import fcntl
import hashlib
import hmac
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from meshline.audit.models import ChainHead, LastAnchor

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
START = "0" * 64
_LINE = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\d{1,18}) (\d{1,18}) "
    rb"([0-9a-f]{64}) ([0-9a-f]{64})\n"
)


@dataclass(frozen=True)
class Anchor:
    """One line of the file: the chain's head at a moment. The first one is number 1."""

    at: str
    number: int
    position: int
    hash: str
    mac: str

    @property
    def words(self) -> str:
        return f"{self.at} {self.number} {self.position} {self.hash}"


@dataclass(frozen=True)
class Sheet:
    """The anchor file as it was read, up to its first fault."""

    anchors: list[Anchor]
    fault: str = ""

    @property
    def last(self) -> Anchor | None:
        return self.anchors[-1] if self.anchors else None


def path() -> Path:
    return Path(settings.TRAIL_ANCHOR)


def write(*, at: datetime) -> Anchor:
    """Append the chain's head to the file, and to the disk. Raises OSError when it cannot.

    A file that was tampered with is written on, never made good: what is wrong with it stays.
    """
    with _locked() as file:
        kept = LastAnchor.objects.filter(pk=1).first()
        number, mac = _follows(_last_readable(file), kept)
        head = ChainHead.objects.filter(pk=1).first()
        position, hash_ = (head.position, bytes(head.hash).hex()) if head else (0, START)
        if kept and position < kept.position:
            log.error("The trail ends at %s, but %s was anchored.", position, kept.position)
        words = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {number + 1} {position} {hash_}"
        anchor = Anchor(words[:27], number + 1, position, hash_, _mac(_keys()[0], mac, words))
        _append(file, f"{words} {anchor.mac}\n".encode())
        LastAnchor.objects.update_or_create(
            pk=1,
            defaults={
                "number": anchor.number, "at": at, "position": position,
                "hash": hash_, "mac": anchor.mac,
            },
        )  # fmt: skip
    # A collector of logs holds another copy.
    log.info("Anchored the trail: %s %s", anchor.words, anchor.mac)
    return anchor


def is_due(*, at: datetime) -> bool:
    """Whether the last anchor is an hour old, or there is none."""
    return not LastAnchor.objects.filter(at__gt=at - EVERY).exists()


def read() -> Sheet:
    """The file, each line checked against the one before; a file that was never there is empty.

    The database's own word of the last anchor is read first, so that it never is ahead of the file.
    """
    kept = LastAnchor.objects.filter(pk=1).first()
    if not path().exists() and kept is None:
        return Sheet([])
    anchors: list[Anchor] = []
    try:
        with path().open("rb") as file:
            fault = _fault_while_reading(file, anchors)
    except OSError as error:
        fault = f"The anchor file {path()} cannot be read: {error.strerror}."
    return Sheet(anchors, fault or _missing(anchors, kept))


def _fault_while_reading(file: BinaryIO, anchors: list[Anchor]) -> str:
    mac = START
    for number, line in enumerate(file, start=1):
        found = _LINE.fullmatch(line)
        if not found:
            return f"Line {number} of the anchor file {path()} is damaged."
        at, own, position, hash_, own_mac = (word.decode() for word in found.groups())
        anchor = Anchor(at, int(own), int(position), hash_, own_mac)
        if anchor.number != number:
            return f"Anchor {number} is missing from the anchor file {path()}."
        if not _is_ours(anchor, mac):
            return (
                f"Line {number} of the anchor file {path()} is not what was written, or its key "
                "is no longer among SECRETS_KEYS."
            )
        anchors.append(anchor)
        mac = anchor.mac
    return ""


def _missing(anchors: list[Anchor], kept: LastAnchor | None) -> str:
    if kept is None:
        return ""
    if len(anchors) < kept.number:
        return (
            f"The anchor file {path()} ends after {len(anchors)} anchors, but {kept.number} "
            "were written."
        )
    if anchors[kept.number - 1].mac != kept.mac:
        return f"Anchor {kept.number} in {path()} is not the one that was written."
    return ""


def _is_ours(anchor: Anchor, before: str) -> bool:
    return any(hmac.compare_digest(_mac(key, before, anchor.words), anchor.mac) for key in _keys())


def _mac(key: bytes, before: str, words: str) -> str:
    return hmac.new(key, f"{before} {words}".encode(), hashlib.sha256).hexdigest()


def _keys() -> list[bytes]:
    """Keys of the anchors' own, the newest first, each derived from one of SECRETS_KEYS."""
    return [
        hmac.new(key.encode(), b"meshline trail anchor", hashlib.sha256).digest()
        for key in settings.SECRETS_KEYS
    ]


def _follows(last: Anchor | None, kept: LastAnchor | None) -> tuple[int, str]:
    """The number and HMAC of the anchor before: by the file, or by the database if it is ahead."""
    if kept and (last is None or last.number <= kept.number):
        return kept.number, kept.mac
    return (last.number, last.mac) if last else (0, START)


def _last_readable(file: BinaryIO) -> Anchor | None:
    """The last line, where it is whole."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 400))
    found = list(_LINE.finditer(file.read()))
    if not found:
        return None
    at, number, position, hash_, mac = (word.decode() for word in found[-1].groups())
    return Anchor(at, int(number), int(position), hash_, mac)


@contextmanager
def _locked() -> Iterator[BinaryIO]:
    """The file, for one writer at a time."""
    path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = os.open(path(), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(opened, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _append(file: BinaryIO, line: bytes) -> None:
    """Write the whole line to the disk, or leave the file as it was."""
    size = os.fstat(file.fileno()).st_size
    try:
        if os.write(file.fileno(), line) != len(line):
            raise OSError(f"The disk of {path()} is full.")
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), size)
        raise
    if not size:
        _sync_folder()


def _sync_folder() -> None:
    """A new file is there after a power cut only once its folder is on the disk."""
    folder = os.open(path().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
