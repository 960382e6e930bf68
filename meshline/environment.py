"""The environment, read in one place by helpers that fail with advice.

`manage.py up` writes what it made for a local start (keys, addresses of the embedded servers) to
`<state>/environment.json`; every other command with the same MESHLINE_STATE finds it here. A
variable that is set in the environment always wins over that file.
"""

import json
import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

PROJECT = Path(__file__).resolve().parent.parent
env = environ.Env()


def state_folder() -> Path:
    """Where a local start keeps its servers' data and keys (MESHLINE_STATE, default `.meshline/`)."""
    return Path(os.environ.get("MESHLINE_STATE") or PROJECT / ".meshline").resolve()


def load_local_start() -> None:
    """Take from the state folder what the environment itself does not say."""
    made_by_up = state_folder() / "environment.json"
    if made_by_up.exists():
        for name, value in json.loads(made_by_up.read_text()).items():
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
