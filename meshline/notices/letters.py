"""What stands in a message that goes out, and what of it this person may read outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from meshline import masking
from meshline.notices.kinds import KINDS, RECORD
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope

_LONGEST_SUBJECT = 150


@dataclass(frozen=True)
class Line:
    """One thing to read, and where it leads (an address as others can open it)."""

    text: str
    url: str = ""
    # What comes under it, as in a digest.
    under: list["Line"] = field(default_factory=list)


@dataclass(frozen=True)
class Letter:
    """A message to one person: one notice, or several that waited."""

    subject: str
    lines: list[Line]
    preferences_url: str

    @property
    def text(self) -> str:
        """As plain text."""
        return render_to_string("notices/letter.txt", {"letter": self})

    @property
    def html(self) -> str:
        """As simple HTML that says the same."""
        return render_to_string("notices/letter.html", {"letter": self})


def write(notices: Sequence[Notice], to: User, *, were_held: bool = False) -> Letter:
    """The message that tells these notices, newest last."""
    lines = [_line(notice, to) for notice in notices]
    subject = lines[0].text if len(lines) == 1 else _several(len(lines), were_held)
    subject = " ".join(subject.split())[:_LONGEST_SUBJECT]
    return Letter(subject, lines, _public(reverse("notices:preferences")))


def shown(notice: Notice, to: User) -> str:
    """A notice's sentence as its person may see it inside Meshline."""
    return masking.words(notice.text) if sees_masked(to) else notice.text


def shown_title(notice: Notice, to: User) -> str:
    """What the notice is about, as its person may see it."""
    return masking.words(notice.record_title) if sees_masked(to) else notice.record_title


def sees_masked(user: User) -> bool:
    """Whether personal values and amounts are masked for this person."""
    return Scope.MASKED in {
        scope(user, Permission.SEE_PROPOSALS), scope(user, Permission.SEE_QUEUE),
    }  # fmt: skip


def _line(notice: Notice, to: User) -> Line:
    if sees_masked(to):
        # Nothing of a customer leaves the house for who sees them masked inside: names, too.
        about = KINDS.get(notice.kind, KINDS[RECORD])
        return Line(f"{about.label}: open it in Meshline.", _public(notice.url))
    under = [
        Line(str(one.get("text", "")), _public(str(one.get("url", "")))) for one in notice.lines
    ]
    return Line(notice.text, _public(notice.url), under)


def _several(number: int, were_held: bool) -> str:
    return f"{number} notices from your quiet hours" if were_held else f"{number} notices"


def _public(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}" if path.startswith("/") else path
