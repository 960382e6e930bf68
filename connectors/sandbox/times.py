"""Moments as the vendors write them. Everything is UTC."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime

# Thirteen digits are milliseconds since 1970 from 2001 to 2286; HubSpot takes these and ISO.
MILLISECONDS = re.compile(r"^[0-9]{10,14}$")


def now() -> datetime:
    return datetime.now(UTC)


def micro(moment: datetime) -> str:
    """PandaDoc's form: six digits of a second and a Z. Sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def milli(moment: datetime) -> str:
    """HubSpot's form: milliseconds and a Z, without a fraction when it is zero."""
    moment = moment.astimezone(UTC)
    thousandths = moment.microsecond // 1000
    fraction = f".{thousandths:03d}" if thousandths else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def read(text: str) -> datetime:
    """A moment from ISO text, a plain date or epoch milliseconds; ValueError for all else."""
    text = text.strip()
    if MILLISECONDS.match(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    # An unescaped "+00:00" in a query string arrives with a blank.
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def http_date(moment: datetime) -> str:
    """The form a Retry-After header may carry instead of seconds."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)
