"""Secrets at rest: sealed with the newest of SECRETS_KEYS, opened with any of them."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class VaultError(Exception):
    """A sealed value that none of the keys opens."""


def seal(text: str) -> bytes:
    """Encrypt `text` so that only a holder of SECRETS_KEYS can read it again."""
    return _keys(tuple(settings.SECRETS_KEYS)).encrypt(text.encode())


def unseal(token: bytes | memoryview) -> str:
    """The text that was sealed. Raises VaultError when its key is no longer among SECRETS_KEYS."""
    return _unseal(bytes(token), tuple(settings.SECRETS_KEYS))


@lru_cache(maxsize=1024)  # intake asks for the same few signing secrets thousands of times
def _unseal(token: bytes, keys: tuple[str, ...]) -> str:
    try:
        return _keys(keys).decrypt(token).decode()
    except InvalidToken:
        raise VaultError(
            "A stored secret was sealed with a key that is not in SECRETS_KEYS; "
            "add the old key behind the new one, or enter the secret again."
        ) from None


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ImproperlyConfigured(
            "SECRETS_KEYS must be Fernet keys: 32 bytes, base64, comma-separated, newest first."
        ) from None
