"""Telling people things, once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from meshline.notices.models import Notice
from meshline.people.models import User


def tell(user: User, text: str, *, key: str, at: datetime, url: str = "") -> Notice:
    """Tell `user` something. The same `key` again is the same notice: nothing is told twice."""
    values = {"user": user, "text": text[:300], "url": url, "at": at}
    return Notice.objects.get_or_create(key=key, defaults=values)[0]


@dataclass(frozen=True)
class News:
    """One thing to tell somebody, under its key."""

    user: User
    text: str
    key: str
    url: str = ""


def tell_all(news: Sequence[News], *, at: datetime) -> dict[str, int]:
    """Tell all of this at once, as `tell` does; each notice's id by its key."""
    made = [
        Notice(user=one.user, text=one.text[:300], url=one.url, key=one.key, at=at) for one in news
    ]
    Notice.objects.bulk_create(made, ignore_conflicts=True)
    rows = Notice.objects.filter(key__in=[one.key for one in news])
    return dict(rows.values_list("key", "pk"))


def read_all(*, by: User, at: datetime) -> int:
    """Mark everything this person was told as read; how many were not before."""
    return Notice.objects.filter(user=by).mark_read(at=at)
