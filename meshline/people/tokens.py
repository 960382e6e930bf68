"""Tokens for scripts: each carries its person's rights as they are at the moment it is used."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import ApiToken, User
from meshline.people.permissions import NotAllowed, Permission

DAYS, MOST_DAYS = 90, 365
NAME_LENGTH = 80
MOST_LISTED = 100
# A script in a loop would otherwise write a row with every call.
NOTED_EVERY = timedelta(minutes=1)
_MARK = "mesh"


class TokenError(Exception):
    """A token that cannot be made or used, as a sentence, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Made:
    """A fresh token: the row, and the words that are shown once and kept nowhere."""

    row: ApiToken
    token: str


@dataclass(frozen=True)
class Listed:
    """A token in a list, and how it stands: active, expired or revoked."""

    row: ApiToken
    state: str


@transaction.atomic
def make(*, user_id: int, name: str, by: Someone, at: datetime, days: int = DAYS) -> Made:
    """A new token for a person; only they themselves, or Meshline's setup, make one.

    Raises TokenError naming the field that is wrong.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if isinstance(by, User) and by.pk != user.pk:
        raise NotAllowed("A token speaks for its person: only they themselves make one.")
    if not user.is_active:
        raise TokenError(f"{user.name} is not active; an inactive person has no tokens.")
    if not 1 <= days <= MOST_DAYS:
        raise TokenError(f"A token lasts between 1 and {MOST_DAYS} days.", "days")
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > NAME_LENGTH:
        raise TokenError(f"Name what it is for, in 1 to {NAME_LENGTH} characters.", "name")
    prefix = f"{_MARK}_{secrets.token_hex(4)}"
    token = f"{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiToken.objects.create(
        user=user, name=name, prefix=prefix, token_hash=_hash(token),
        created_at=at, expires_at=at + timedelta(days=days),
    )  # fmt: skip
    after = {"token": prefix, "name": name, "until": row.expires_at}
    trail.record("token.made", subject=user, by=by, at=at, after=after)
    return Made(row, token)


@transaction.atomic
def revoke(*, token_id: int, by: User, at: datetime) -> ApiToken:
    """End a token at once: by its person, or by who manages people. Twice is once."""
    row = ApiToken.objects.select_for_update().get(pk=token_id)
    if row.user_id != by.pk:
        permissions.check(by, Permission.MANAGE_PEOPLE)
    if row.revoked_at is None:
        row.revoked_at = at
        row.save(update_fields=["revoked_at"])
        after = {"token": row.prefix, "name": row.name}
        trail.record("token.revoked", subject=row.user, by=by, at=at, after=after)
    return row


def recognise(token: str, *, at: datetime) -> ApiToken:
    """The token behind these words, with its person. Raises TokenError saying why there is none.

    Why it is over is told only to who holds the whole of it.
    """
    row = ApiToken.objects.filter(token_hash=_hash(token)).select_related("user__team").first()
    if row is None:
        raise TokenError("This token is not known here.")
    if row.revoked_at is not None:
        raise TokenError("This token was revoked.")
    if row.expires_at <= at:
        raise TokenError(f"This token expired at {row.expires_at:%Y-%m-%d %H:%M} UTC.")
    if not row.user.is_active:
        raise TokenError("The person this token belongs to is not active any more.")
    return row


def note_use(row: ApiToken, *, at: datetime) -> None:
    """Remember that it was used; at most once a minute, and whoever comes first writes it."""
    before = at - NOTED_EVERY
    if row.last_used_at is None or row.last_used_at <= before:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=before)
        ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=at)


def count_use(row: ApiToken, *, at: datetime) -> int:
    """How many times it was used in this minute of the clock, this time included.

    One statement, so that no process counts past another; PostgreSQL is there when anything is.
    """
    minute = int(at.timestamp()) // 60
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_apiuse AS seen (token_id, minute, uses) VALUES (%s, %s, 1) "
            "ON CONFLICT (token_id) DO UPDATE SET minute = excluded.minute, uses = CASE "
            "WHEN seen.minute = excluded.minute THEN seen.uses + 1 ELSE 1 END RETURNING uses",
            [row.pk, minute],
        )
        return cursor.fetchone()[0]


def of(user: User, *, at: datetime) -> list[Listed]:
    """A person's tokens, the newest first."""
    rows = ApiToken.objects.filter(user=user).order_by("-pk")[:MOST_LISTED]
    return [Listed(row, _state(row, at)) for row in rows]


def _state(row: ApiToken, at: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= at else "active"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
