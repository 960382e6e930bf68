"""Notices as their person reads them: in groups by what they are about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from meshline import masking
from meshline.notices import letters
from meshline.notices.kinds import KINDS, RECORD, Kind
from meshline.notices.models import Notice
from meshline.people.models import User


@dataclass(frozen=True)
class Seen:
    """A notice before its person's eyes."""

    notice: Notice
    text: str
    lines: list[dict[str, Any]]

    @property
    def about(self) -> Kind:
        return KINDS.get(self.notice.kind, KINDS[RECORD])


@dataclass
class Group:
    """What was told of one record, newest first."""

    record: str
    title: str
    notices: list[Seen] = field(default_factory=list)

    @property
    def unread(self) -> int:
        return sum(one.notice.read_at is None for one in self.notices)


def grouped(notices: Iterable[Notice], user: User) -> list[Group]:
    """These notices by record, each group where its newest stands; what is about nothing, alone."""
    groups: dict[str, Group] = {}
    for notice in notices:
        key = notice.record or f"notice:{notice.pk}"
        group = groups.setdefault(key, Group(notice.record, ""))
        group.title = group.title or letters.shown_title(notice, user)
        group.notices.append(_seen(notice, user))
    return list(groups.values())


def _seen(notice: Notice, user: User) -> Seen:
    lines = notice.lines if isinstance(notice.lines, list) else []
    if letters.sees_masked(user):
        lines = masking.words_within(lines)
    return Seen(notice, letters.shown(notice, user), lines)
