"""The environment, read in one place by helpers that fail with advice.

`manage.py up` writes what it made for a local start (keys, addresses of the embedded servers) to
`<state>/environment.json`; every other command with the same MESHLINE_STATE finds it here. A
variable that is set in the environment always wins over that file.
"""

import json
import os
import sys
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

PROJECT = Path(__file__).resolve().parent.parent
env = environ.Env()
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def state_folder() -> Path:
    """Where a local start keeps data and keys (MESHLINE_STATE, default `.meshline/`)."""
    return Path(os.environ.get("MESHLINE_STATE") or PROJECT / ".meshline").resolve()


def load_local_start() -> None:
    """Take from the state folder what the environment itself does not say."""
    made_by_up = state_folder() / "environment.json"
    if not made_by_up.exists():
        return
    kept = json.loads(made_by_up.read_text())
    if "DATABASE_URL" in os.environ:
        # Another server than the embedded one: the embedded owner has no business there.
        kept.pop("MIGRATION_DATABASE_URL", None)
    for name, value in kept.items():
        os.environ.setdefault(name, value)


def required(name: str, advice: str) -> str:
    """The value of a variable without which nothing can start."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {advice}")
    return value


def database(name: str, advice: str) -> dict:
    """A PostgreSQL address as Django settings.

    A socket directory given as `?host=` arrives in OPTIONS, which callers update, never replace.
    """
    required(name, advice)
    try:
        config = env.db_url(name)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}. {advice}") from None
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{name} must begin with postgresql://. {advice}")
    config.setdefault("OPTIONS", {})
    return config


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] or default


def truth(name: str, *, default: bool) -> bool:
    """`true`, `yes`, `1`, `on` or their opposites; anything else stops the start with advice."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", None}:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; it must be true or false.")


def number(name: str, *, default: int) -> int:
    """A whole number from 1; anything else stops the start with advice."""
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number from 1.")
    return int(text)


def redis(name: str, advice: str) -> str:
    """A Redis address with time limits: a hung Redis must not hold up whoever rings.

    A quarter of a second to connect and to answer. The limits stand in the address itself, because
    django-rq passes nothing else on when a queue is configured by its URL.
    """
    address = required(name, advice)
    if not address.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"{name} must begin with redis:// or unix://. {advice}")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}socket_timeout=0.25&socket_connect_timeout=0.25"


# How mail leaves: scheme -> whether the connection is TLS from the start, or becomes it.
_MAIL = {"smtp": (False, False), "smtp+tls": (False, True), "smtps": (True, False)}
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_MAIL_ADVICE = (
    "Write console://, smtp+tls://user:password@mail.example.com:587, "
    "smtps://user:password@mail.example.com:465 or smtp://127.0.0.1:25, with %40 for an @ in a "
    "name or password; leave it out to send no e-mail."
)


def mail(name: str, *, by_itself: str) -> dict[str, Any]:
    """Where e-mail goes, as Django's settings; `by_itself` where the variable says nothing.

    A password is never sent in the clear to another machine.
    """
    address = os.environ.get(name, "").strip() or by_itself
    if address in ("", "console://"):
        backend = "console" if address else "dummy"
        return {"EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend"}
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}. {_MAIL_ADVICE}") from None
    if parts.scheme not in _MAIL or not host or parts.path.strip("/") or parts.query:
        # Without the address itself: it may hold a password.
        raise ImproperlyConfigured(f"{name} is not an address of a mail server. {_MAIL_ADVICE}")
    tls_at_once, tls_later = _MAIL[parts.scheme]
    if parts.password and not (tls_at_once or tls_later) and host not in _LOOPBACK:
        raise ImproperlyConfigured(
            f"{name} would send a password in the clear; use smtp+tls:// or smtps://."
        )
    return {
        "EMAIL_BACKEND": "connectors.mail.client.Backend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or _MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": tls_at_once,
        "EMAIL_USE_TLS": tls_later,
    }


def sender(name: str, *, host: str) -> str:
    """Whom e-mail comes from: an address, or a name with one; by itself meshline@ our own host."""
    written = os.environ.get(name, "").strip() or f"Meshline <meshline@{host or 'localhost'}>"
    _, address = parseaddr(written)
    if "@" not in address or "\n" in written or "\r" in written:
        raise ImproperlyConfigured(
            f"{name} is {written!r}; write an address, such as Meshline <meshline@example.com>."
        )
    return written


def log_format() -> str:
    """LOG_FORMAT, "json" or "text"; by itself text for whoever reads along on a terminal."""
    form = os.environ.get("LOG_FORMAT", "").strip().lower()
    if form not in {"", "json", "text"}:
        raise ImproperlyConfigured(f"LOG_FORMAT is {form!r}; it must be json or text.")
    by_itself = "text" if sys.stderr.isatty() or truth("DEBUG", default=False) else "json"
    return form or by_itself
