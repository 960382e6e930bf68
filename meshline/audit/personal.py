"""Personal fields in the trail: sealed with a key per person, so that erasure keeps the chain.

The chain covers the ciphertext. Dropping a person's key makes the values unreadable for good and
leaves every link as it was.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from meshline import vault
from meshline.audit.models import PersonKey
from meshline.vault import VaultError

ERASED = "(erased)"
# Sealed with a key that is no longer among SECRETS_KEYS, or tampered with.
UNREADABLE = "(unreadable)"


@dataclass(frozen=True)
class Personal:
    """A value that says something about one person, named by a stable word for them."""

    person: str
    value: str


def seal_all(values: Iterable[Personal]) -> dict[Personal, dict[str, str]]:
    """Each value as it is kept in the trail: which key, and the ciphertext."""
    wanted = {value for value in values if value.value}
    keys = _keys_of({value.person for value in wanted}) if wanted else {}
    return {
        value: {
            "person_key": str(keys[value.person].id),
            "sealed": _fernet(keys[value.person])
            .encrypt(value.value.encode(errors="replace"))
            .decode(),
        }
        for value in wanted
    }


def reveal(changes: dict[str, Any], keys: dict[str, PersonKey]) -> dict[str, Any]:
    """A line's before or after with sealed values opened, or said to be erased."""
    return {name: _revealed(value, keys) for name, value in changes.items()}


def keys_for(many_changes: Iterable[dict[str, Any]]) -> dict[str, PersonKey]:
    """The keys that still exist for the sealed values in these changes, in one query."""
    ids = {value["person_key"] for changes in many_changes for value in _sealed_in(changes)}
    return {str(key.id): key for key in PersonKey.objects.filter(id__in=ids)} if ids else {}


def is_sealed(value: Any) -> bool:
    """Whether this is a personal value as the trail keeps it."""
    return isinstance(value, dict) and value.keys() == {"person_key", "sealed"}


def forget(person: str) -> None:
    """Erase one person from the trail: their key goes, the lines and their chain stay."""
    PersonKey.objects.filter(person=_digest(person)).delete()


def _keys_of(people: set[str]) -> dict[str, PersonKey]:
    digests = {_digest(person): person for person in people}
    keys = _existing(digests)
    if missing := sorted(set(digests) - set(keys)):
        fresh = [PersonKey(person=digest, key=vault.seal(_new_key())) for digest in missing]
        # Two transactions may meet the same person at once: the first key stays.
        PersonKey.objects.bulk_create(fresh, ignore_conflicts=True)
        keys = _existing(digests)
    return {digests[digest]: key for digest, key in keys.items()}


def _existing(digests: Iterable[bytes]) -> dict[bytes, PersonKey]:
    found = PersonKey.objects.filter(person__in=list(digests))
    return {bytes(key.person): key for key in found}


def _new_key() -> str:
    return Fernet.generate_key().decode()


def _fernet(key: PersonKey) -> Fernet:
    return Fernet(vault.unseal(bytes(key.key)).encode())


def _digest(person: str) -> bytes:
    secret = settings.SECRET_KEY.encode()
    return hmac.new(
        secret, f"person-key:{person}".encode(errors="surrogatepass"), hashlib.sha256
    ).digest()


def _sealed_in(changes: dict[str, Any]) -> list[dict[str, str]]:
    return [value for value in changes.values() if is_sealed(value)]


def _revealed(value: Any, keys: dict[str, PersonKey]) -> Any:
    if not is_sealed(value):
        return value
    key = keys.get(value["person_key"])
    if key is None:
        return ERASED
    try:
        return _fernet(key).decrypt(value["sealed"].encode()).decode()
    except (InvalidToken, VaultError):
        # One value nobody can read must not take the whole page with it.
        return UNREADABLE
