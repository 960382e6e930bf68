"""Log lines: one JSON object each, with what was being worked on, and never a secret.

Whoever works on something says so once (`about`); every line from there on carries it. What a line
may carry is a list; anything else is named without its value. Queries of addresses are cut: they
carry signatures.
"""

import json
import re
import sys
import uuid
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars

HEADER = "X-Request-ID"
HIDDEN = "•••"
# What a line may say besides its sentence.
SAID = {
    "event", "level", "logger", "timestamp", "exception",
    "request_id", "status_code", "person", "connection", "message", "messages", "outcome",
    "job", "task",
}  # fmt: skip
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:=-]{1,128}")
# The query of an address, wherever it stands in a sentence; and one-time links.
_QUERY = re.compile(r"(?<=[\w/.%~-])\?[^\s\"'<>]+")
_ONE_TIME = re.compile(r"(/invitation/)[^/\s\"'<>]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")


def begin(given: str | None) -> str:
    """A request begins: its id, as the sender gave it if that is well formed, else a new one.

    Whatever this thread was about before is over.
    """
    request_id = given if given and _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
    clear_contextvars()
    bind_contextvars(request_id=request_id)
    return request_id


def bind(**names: Any) -> None:
    """Every line of this request from here on is also about these."""
    bind_contextvars(**names)


# Every line within is about these: `with about(message=17):`, or as a decorator.
about = bound_contextvars


def redact(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Keep what may be said; name the rest without its value."""
    return {name: _clean(value) if name in SAID else HIDDEN for name, value in line.items()}


def _clean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = _QUERY.sub(f"?{HIDDEN}", value)
    return _BEARER.sub(rf"\1 {HIDDEN}", _ONE_TIME.sub(rf"\1{HIDDEN}", value))


def config(form: str) -> dict[str, Any]:
    """Python's logging as dictConfig takes it: lines of `form` "json" or "text" on stderr."""
    render: list[Any] = [structlog.processors.JSONRenderer(serializer=_json)]
    if form == "text":
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow={"status_code"}),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    line = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, *render],
    }
    quiet = {"level": "WARNING"}
    # Gunicorn makes handlers of its own, which would write whole addresses.
    ours = {"handlers": ["console"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        # Redis away is said on the page and in /readyz; one line a job would drown all else.
        "loggers": {"rq.worker": quiet, "django.server": quiet, "gunicorn.error": ours},
    }


def _json(line: dict[str, Any], **options: Any) -> str:
    return json.dumps(line, default=str, ensure_ascii=False)
