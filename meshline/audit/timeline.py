"""Trail lines as people read them: in words, opened or masked, with links to what they speak of."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import dateformat, timezone

from meshline import masking
from meshline.audit import personal, records
from meshline.audit.models import TrailLine

# The pages of what a line may speak of, by URL name; what is not here has no page of its own.
PAGES = {
    "proposal": "proposals:proposal",
    "ticket": "exceptions:ticket",
    "outcome": "connectors:outcome",
    "message": "connectors:message",
    "receipt": "connectors:post",
    "rejectedreceipt": "connectors:refused-post",
    "user": "people:person",
    "contract": "proposals:contracts",
    "sla": "exceptions:slas",
    "runbook": "exceptions:runbooks",
    "raciassignment": "owners:owners",
    "company": "owners:company",
    "routingrules": "proposals:routing",
    "absence": "absences:absences",
    "oncallshift": "rota:rota",
    "systemrole": "connectors:part",
    "sourceoftruth": "connectors:truths",
}
_WITHOUT_ID = {
    "contract", "sla", "raciassignment", "company", "routingrules", "absence", "oncallshift",
    "sourceoftruth", "runbook",
}  # fmt: skip
_NAMES = {
    "user": "person", "sla": "SLA", "raciassignment": "owners",
    "oncallshift": "shift", "businesscalendar": "calendar", "routingrules": "routing rules",
    "systemrole": "part", "receipt": "post", "rejectedreceipt": "refused post",
    "sourceoftruth": "source of truth",
}  # fmt: skip
# What a line is about in words, where the name within is none.
_ABOUT = {"raci": "owners", "sla": "SLA", "authority": "source of truth"}
# Free text and money are masked together with what is sealed as personal.
_PRIVATE = {"amount", "reason", "note", "body"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

Opens = Callable[[str], bool]


@dataclass(frozen=True)
class Ref:
    """What a line speaks of; without a URL where there is no page, or not for this person."""

    label: str
    url: str = ""


@dataclass(frozen=True)
class Entry:
    """One line, ready to be shown. `before` and `after` hold no sealed values any more."""

    line: TrailLine
    words: str
    before: dict[str, Any]
    after: dict[str, Any]
    why: str
    subject: Ref
    cause: Ref | None

    @property
    def position(self) -> int | None:
        """Its place in the chain; none until its transaction has committed."""
        link = getattr(self.line, "link", None)
        return link.position if link else None

    @property
    def who(self) -> str:
        return self.line.actor_label.partition(" (")[0]

    @property
    def who_as(self) -> str:
        """In which role, for people."""
        return self.line.actor_label.partition(" (")[2].rstrip(")")

    @property
    def exactly(self) -> str:
        """The moment to the microsecond, in the reader's zone."""
        return f"{timezone.localtime(self.line.at):%Y-%m-%d %H:%M:%S.%f %Z}"


def read(lines: Iterable[TrailLine], *, masked: bool, opens: Opens) -> list[Entry]:
    """These lines as entries. `opens` says whether the page at a URL lets the reader in.

    Keys and origins are fetched once for all of them.
    """
    lines = list(lines)
    keys = personal.keys_for(side for line in lines for side in (line.before, line.after))
    brought = records.origins(_signals_in(lines))
    return [
        Entry(
            line=line,
            words=words(line.what),
            before=shown(line.before, keys, masked=masked, readable=readable),
            after=shown(line.after, keys, masked=masked, readable=readable),
            why=masking.words(line.why) if masked else line.why,
            subject=_ref(line.subject_kind, line.subject_id, opens),
            cause=_cause(line.cause, brought, opens),
        )
        for line in lines
    ]


def sides(lines: Iterable[TrailLine], *, masked: bool) -> list[tuple[dict, dict]]:
    """The before and after of each line for a program: opened or masked, moments as they are kept.

    Keys are fetched once for all of them.
    """
    lines = list(lines)
    keys = personal.keys_for(side for line in lines for side in (line.before, line.after))
    return [
        (shown(line.before, keys, masked=masked), shown(line.after, keys, masked=masked))
        for line in lines
    ]


def words(what: str) -> str:
    """ "outcome.called-off" as a person says it."""
    about, _, done = what.partition(".")
    said = f"{_ABOUT.get(about, about)} {done}".replace("-", " ").strip()
    return said[:1].upper() + said[1:]


def name_of(kind: str) -> str:
    """A kind as a person says it."""
    name = _NAMES.get(kind, kind)
    return name[:1].upper() + name[1:]


def page_of(named: str, opens: Opens) -> str:
    """The page of "message:812"; empty where there is none, or not for this person."""
    kind, _, pk = named.partition(":")
    return _ref(kind, pk, opens).url


def shown(
    changes: dict[str, Any], keys: dict[str, Any], *, masked: bool,
    readable: Callable[[Any], Any] = lambda value: value,
) -> dict[str, Any]:  # fmt: skip
    """A line's before or after without sealed values: opened, said to be erased, or masked."""
    if masked:
        return {name: _masked(name, value, readable) for name, value in changes.items()}
    opened = personal.reveal(changes, keys)
    return {name: readable(value) for name, value in opened.items()}


def readable(value: Any) -> Any:
    """A moment in the reader's zone; everything else as it is."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return value
    try:
        moment = timezone.localtime(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return value
    return dateformat.format(moment, "j M Y, H:i:s T")


def _masked(name: str, value: Any, readable: Callable[[Any], Any]) -> Any:
    if name in _PRIVATE or personal.is_sealed(value):
        return masking.MASK if value else value
    # In this order: a moment made readable ends like an amount, in "00 UTC".
    return readable(masking.words_within(value))


def _signals_in(lines: list[TrailLine]) -> list[int]:
    causes = (line.cause.split(":") for line in lines)
    return [int(pk) for kind, pk in (c for c in causes if len(c) == 2) if _is_signal(kind, pk)]


def _is_signal(kind: str, pk: str) -> bool:
    return kind == "signal" and pk.isascii() and pk.isdigit() and len(pk) < 19


def _cause(cause: str, brought: dict[int, str], opens: Opens) -> Ref | None:
    """What led to it. A signal leads on to the message that brought it."""
    kind, _, pk = cause.partition(":")
    if _is_signal(kind, pk):
        kind, _, pk = brought.get(int(pk), cause).partition(":")
    if not kind or not pk:
        return None
    return Ref("a person's act") if kind == "person" else _ref(kind, pk, opens)


def _ref(kind: str, pk: str, opens: Opens) -> Ref:
    # The owners of a process are told by the line itself; the number of a row says nothing.
    label = name_of(kind) if kind == "raciassignment" else f"{name_of(kind)} {pk}"
    if kind not in PAGES:
        return Ref(label)
    try:
        url = reverse(PAGES[kind], args=[] if kind in _WITHOUT_ID else [pk])
    except NoReverseMatch:
        return Ref(label)
    return Ref(label, url if opens(url) else "")
