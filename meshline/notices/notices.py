"""Telling people things, once each."""

from datetime import datetime

from meshline.notices.models import Notice
from meshline.people.models import User


def tell(user: User, text: str, *, key: str, at: datetime, url: str = "") -> Notice:
    """Tell `user` something. The same `key` again is the same notice: nothing is told twice."""
    values = {"user": user, "text": text[:300], "url": url, "at": at}
    return Notice.objects.get_or_create(key=key, defaults=values)[0]


def read_all(*, by: User, at: datetime) -> int:
    """Mark everything this person was told as read; how many were not before."""
    return Notice.objects.filter(user=by).mark_read(at=at)
