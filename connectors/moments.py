"""Times as strangers write them: an offset is required, never guessed."""

from datetime import UTC, datetime, timedelta

from connectors.parsing import Unreadable

_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def moment(value: object, *, field: str) -> datetime:
    """An ISO 8601 time with Z or an offset, as aware UTC.

    Raises Unreadable naming the field for a missing or unreadable time, one without an offset, or
    one outside this century.
    """
    if value is None or value == "":
        raise Unreadable(f"{field} is missing; it must be a time such as 2026-03-01T09:30:00Z.")
    shown = f"{field} is {str(value)[:40]!r}"
    try:
        found = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        sentence = f"{shown}, which is not an ISO 8601 time such as 2026-03-01T09:30:00Z."
        raise Unreadable(sentence, cause=f"{field} is no time", field=field) from None
    if found.tzinfo is None:
        sentence = f"{shown} without Z or an offset; the zone is not guessed."
        raise Unreadable(sentence, cause=f"{field} has no offset", field=field)
    return _in_range(found, field)


def seconds(value: object, *, field: str) -> datetime:
    """Whole seconds since 1970 as aware UTC. Raises Unreadable as `moment` does."""
    return _since_1970(value, 1, field, "seconds")


def milliseconds(value: object, *, field: str) -> datetime:
    """Whole milliseconds since 1970 as aware UTC. Raises Unreadable as `moment` does."""
    return _since_1970(value, 1000, field, "milliseconds")


def _since_1970(value: object, parts: int, field: str, unit: str) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int):
        sentence = f"{field} is {str(value)[:40]!r}; it must be whole {unit} since 1970."
        raise Unreadable(sentence, cause=f"{field} is no number of {unit}", field=field)
    try:
        found = _EPOCH + timedelta(seconds=1) * value / parts
    except OverflowError:
        raise Unreadable(f"{field} is out of range.") from None
    return _in_range(found, field)


def _in_range(found: datetime, field: str) -> datetime:
    try:
        found = found.astimezone(UTC)
    except OverflowError:
        raise Unreadable(f"{field} is out of range.") from None
    if not _EARLIEST <= found < _LATEST:
        sentence = f"{field} is {found.isoformat()}, which cannot be meant."
        raise Unreadable(sentence, cause=f"{field} is out of range", field=field)
    return found
