"""Telling people things, once each: a notice in the app, and what goes out to them besides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from meshline import bulk
from meshline.notices import kinds, sendings
from meshline.notices.models import Notice
from meshline.people.models import User


@dataclass(frozen=True)
class News:
    """One thing to tell somebody, under its key: what changed, and how.

    `record` is what it is about ("proposal:17"), `record_title` its name as of now.
    """

    user: User
    text: str
    key: str
    url: str = ""
    kind: str = kinds.RECORD
    record: str = ""
    record_title: str = ""
    is_critical: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)


def tell(user: User, text: str, *, key: str, at: datetime, **more: Any) -> Notice:
    """Tell `user` something; `more` are further fields of News.

    The same `key` again is the same notice: nothing is told twice.
    """
    _tell([News(user, text, key, **more)], at)
    return Notice.objects.get(key=key, user=user)


def tell_all(news: Sequence[News], *, at: datetime) -> dict[str, int]:
    """Tell all of this at once, as `tell` does; each notice's id by its key."""
    return _tell(news, at)


def tell_each(people: Iterable[User], text: str, *, key: str, at: datetime, **more: Any) -> None:
    """Tell several people the same; nobody twice, and nobody who is not active any more."""
    there = {user.pk: user for user in people if user.is_active}
    tell_all([News(user, text, key, **more) for user in there.values()], at=at)


@transaction.atomic
def read(*, notice_id: int, by: User, at: datetime) -> Notice:
    """Put one notice aside. Raises Notice.DoesNotExist unless it is this person's own."""
    notice = Notice.objects.of(by).get(pk=notice_id)
    if Notice.objects.filter(pk=notice.pk).mark_read(at=at):
        sendings.cancel_read(Notice.objects.filter(pk=notice.pk))
    return notice


@transaction.atomic
def read_record(*, record: str, by: User, at: datetime) -> int:
    """Put aside all that was told of one record; how many were unread."""
    mine = Notice.objects.of(by).filter(record=record)
    sendings.cancel_read(mine.unread())
    return mine.mark_read(at=at)


@transaction.atomic
def read_all(*, by: User, at: datetime) -> int:
    """Mark everything this person was told as read; how many were not before."""
    mine = Notice.objects.of(by)
    sendings.cancel_read(mine.unread())
    return mine.mark_read(at=at)


@transaction.atomic
def _tell(news: Sequence[News], at: datetime) -> dict[str, int]:
    fresh = bulk.insert_missing([_notice(one, at) for one in news], by=("key", "user"))
    sendings.promise(fresh, at=at)
    known = {notice.key: notice.pk for notice in fresh}
    if missing := {one.key for one in news} - known.keys():
        rows = Notice.objects.filter(key__in=missing, user__in=[one.user for one in news])
        known |= dict(rows.values_list("key", "pk"))
    return known


def _notice(one: News, at: datetime) -> Notice:
    return Notice(
        user=one.user, at=at, kind=one.kind, text=one.text[:300], url=one.url, key=one.key[:400],
        record=one.record[:120], record_title=one.record_title[:300],
        is_critical=one.is_critical, lines=one.lines,
    )  # fmt: skip
