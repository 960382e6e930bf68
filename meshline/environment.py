"""The environment, read in one place by helpers that fail with advice.

`manage.py up` writes what it made for a local start (keys, addresses of the embedded servers) to
`<state>/environment.json`; every other command with the same MESHLINE_STATE finds it here. A
variable that is set in the environment always wins over that file.
"""

import json
import os
import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

PROJECT = Path(__file__).resolve().parent.parent
env = environ.Env()


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


def log_format() -> str:
    """LOG_FORMAT, "json" or "text"; by itself text for whoever reads along on a terminal."""
    form = os.environ.get("LOG_FORMAT", "").strip().lower()
    if form not in {"", "json", "text"}:
        raise ImproperlyConfigured(f"LOG_FORMAT is {form!r}; it must be json or text.")
    by_itself = "text" if sys.stderr.isatty() or truth("DEBUG", default=False) else "json"
    return form or by_itself
