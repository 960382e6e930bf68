"""Writing the trail: one explicit call in the verb, in the transaction of the change itself."""

from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.transaction import get_connection

from meshline import bulk
from meshline.audit import personal
from meshline.audit.actors import Someone
from meshline.audit.models import TrailLine
from meshline.audit.personal import Personal

__all__ = ["Personal", "line", "record", "record_all"]

_encode = DjangoJSONEncoder().default
# PostgreSQL keeps every character but this one.
_NUL = {0: "\N{REPLACEMENT CHARACTER}"}


def record(
    what: str,
    *,
    subject: models.Model,
    by: Someone,
    at: datetime,
    record: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    why: str = "",
    cause: str = "",
) -> TrailLine:
    """Write one line: `what` as in "ticket.claimed", done to `subject` by `by` at `at` (UTC).

    `record` names the canonical record it belongs to ("proposal:17"), `cause` what led to it
    ("signal:812"). Values wrapped in Personal are sealed with their person's own key.
    Raises RuntimeError outside a transaction: a line without its change would be a lie.
    """
    made = line(
        what, subject=subject, by=by, at=at, record=record,
        before=before, after=after, why=why, cause=cause,
    )  # fmt: skip
    return record_all([made])[0]


def line(
    what: str,
    *,
    subject: models.Model,
    by: Someone,
    at: datetime,
    record: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    why: str = "",
    cause: str = "",
) -> TrailLine:
    """A line that is not written yet, for verbs that write many at once by `record_all`."""
    return TrailLine(
        at=at,
        actor_kind=by.actor_kind,
        actor_id=by.actor_id,
        actor_label=by.actor_label,
        what=what,
        subject_kind=str(subject._meta.model_name),
        subject_id=str(subject.pk),
        record=record,
        before=before or {},
        after=after or {},
        why=_text(why),
        cause=cause,
    )


def record_all(lines: Iterable[TrailLine]) -> list[TrailLine]:
    """Write many lines in one statement, in the order given."""
    lines = list(lines)
    if not get_connection().in_atomic_block:
        raise RuntimeError("A trail line is written in the transaction of its change.")
    sealed = personal.seal_all(_personal_in(lines))
    for made in lines:
        made.before = _storable(made.before, sealed)
        made.after = _storable(made.after, sealed)
    bulk.insert(lines)
    return lines


def _personal_in(lines: list[TrailLine]) -> list[Personal]:
    return [
        value
        for made in lines
        for changes in (made.before, made.after)
        for value in changes.values()
        if isinstance(value, Personal)
    ]


def _storable(changes: dict[str, Any], sealed: dict[Personal, dict[str, str]]) -> dict[str, Any]:
    return {name: _plain(value, sealed) for name, value in changes.items()}


def _plain(value: Any, sealed: dict[Personal, dict[str, str]]) -> Any:
    if isinstance(value, Personal):
        return sealed.get(value, "")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(str(name)): _plain(part, sealed) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, sealed) for part in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return _text(str(value)) if isinstance(value, models.Model) else _encode(value)


def _text(text: str) -> str:
    """Text as PostgreSQL can keep it: without NUL, and without halves of characters."""
    return text.translate(_NUL).encode(errors="replace").decode()
