"""Ids that look like the vendors' own, never given out twice."""

import hashlib
import itertools
import secrets
import string
import threading
import time
import uuid
from zlib import crc32

LETTERS = string.digits + string.ascii_letters

# Who does something there without being the API or a person.
WORKFLOW = "workflow"


def document_id() -> str:
    """22 letters and digits, as PandaDoc gives to documents."""
    return "".join(secrets.choice(LETTERS) for _ in range(22))


def member_id(email: str) -> str:
    """22 letters and digits, always the same for one person."""
    digest = hashlib.sha256(email.strip().lower().encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:22])


def event_id() -> str:
    return str(uuid.uuid4())


def owner_id(email: str) -> str:
    """A HubSpot owner id, always the same for one person; it is not the user id."""
    return str(70_000_000 + crc32(email.strip().lower().encode()) % 10_000_000)


def user_id(email: str) -> int:
    return 40_000_000 + crc32(email.strip().lower().encode()[::-1]) % 10_000_000


def source_of(by: str) -> str:
    """From where something came, in HubSpot's words."""
    return {"api": "INTEGRATION", WORKFLOW: "AUTOMATION_PLATFORM"}.get(by, "CRM_UI")


def author_of(by: str) -> str:
    """The user who made it; empty where it was none."""
    return "" if by in ("api", WORKFLOW) else str(user_id(by))


class ObjectIds:
    """HubSpot object ids: numbers above 2^31, rising.

    They start at hundredths of a second since 1970, or above the highest id in use, so that neither
    a reset, a restart nor an object that was only pretended makes an id appear a second time.
    """

    def __init__(self, highest_in_use: int) -> None:
        self._line = itertools.count(max(int(time.time() * 100), highest_in_use + 1))
        self._lock = threading.Lock()

    def next(self) -> str:
        with self._lock:
            return str(next(self._line))


def stripe_id(prefix: str, length: int = 24) -> str:
    """As `in_1Nf…`: a prefix that says what it is, then letters and digits."""
    return prefix + "_" + "".join(secrets.choice(LETTERS) for _ in range(length))
