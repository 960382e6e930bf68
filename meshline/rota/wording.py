"""Moments in sentences: in the zone of who reads them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from meshline.people.models import User


def moment(at: datetime, reader: User | None = None) -> str:
    """Such as "Tue 3 Mar 2026, 09:00", in the reader's zone or in that of the present request."""
    local = at.astimezone(_zone_of(reader)) if reader else timezone.localtime(at)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def span(starts_at: datetime, ends_at: datetime, reader: User | None = None) -> str:
    """Such as "from Tue 3 Mar 2026, 09:00 to Fri 6 Mar 2026, 17:00"."""
    return f"from {moment(starts_at, reader)} to {moment(ends_at, reader)}"


def fact(at: datetime) -> str:
    """A moment as the trail keeps it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _zone_of(reader: User) -> ZoneInfo:
    try:
        return ZoneInfo(reader.zone or "UTC")
    except (ValueError, OSError):
        return ZoneInfo("UTC")
