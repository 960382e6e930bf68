"""Looking at what came in: who may see which messages, as what, and that a look is written down."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, Model, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from connectors import parsing, raw
from connectors.models import Connection, Message, Receipt, RejectedReceipt
from connectors.parsing import Unreadable
from connectors.raw import Raw
from meshline import masking
from meshline.audit import trail
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from proposals.models import Proposal

SEEN = "payload-seen"
Seen = Message | Receipt | RejectedReceipt
_NAMES: dict[type[Model], str] = {
    Message: "message", Receipt: "post", RejectedReceipt: "refused-post",
}  # fmt: skip
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# A string, a mark, or whatever else stands between them.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


@dataclass(frozen=True)
class Sight:
    """What a person sees of a payload: the bytes as text and set out, or its structure alone.

    `raw` and `hex` are there for who sees values; `hex` only where the bytes are not all text.
    """

    raw: Raw | None
    laid_out: str
    is_masked: bool
    why_unreadable: str = ""
    hex: str = ""
    is_hex_cut: bool = False

    @property
    def text(self) -> str:
        return self.raw.text if self.raw else ""


def visible(user: User) -> QuerySet[Message]:
    """The messages a person may see: all, or those about records of their team."""
    reach = scope(user, Permission.SEE_PAYLOADS)
    if reach in (Scope.ALL, Scope.MASKED):
        return Message.objects.all()
    if reach is None:
        return Message.objects.none()
    ref = Concat(Value("proposal:"), Cast("pk", CharField()))
    return Message.objects.filter(
        record__in=Proposal.objects.visible_to(user).annotate(ref=ref).values("ref")
    )


def of(connection: Connection) -> QuerySet[Message]:
    """All messages of a connection, for who is shown no more than what became of them, masked."""
    return Message.objects.filter(connection=connection).select_related("connection")


def visible_refused(user: User) -> QuerySet[RejectedReceipt]:
    """What was refused belongs to no record: whoever sees only some records sees none of it."""
    reach = scope(user, Permission.SEE_PAYLOADS)
    whole = reach in (Scope.ALL, Scope.MASKED)
    return RejectedReceipt.objects.all() if whole else RejectedReceipt.objects.none()


def visible_posts(user: User) -> QuerySet[Receipt]:
    """The posts a person may see something of: those with an event they may see."""
    return Receipt.objects.filter(Exists(visible(user).filter(receipt=OuterRef("pk"))))


def why_not_whole(user: User, post: Receipt) -> str:
    """Why this person may not read a whole post; empty when they may.

    Who sees only some records must not read the others beside them in a batch.
    """
    if scope(user, Permission.SEE_PAYLOADS) is not Scope.TEAM:
        return ""
    all_of_it = Message.objects.filter(receipt=post.pk)
    if all_of_it.exclude(pk__in=visible(user).filter(receipt=post.pk).values("pk")).exists():
        return "It also holds events about records of others; open the events that you may see."
    return ""


def sight(payload: bytes, *, masked: bool) -> Sight:
    """A payload as this person sees it."""
    try:
        value = parsing.parse(payload)
    except Unreadable as error:
        if masked:
            return Sight(None, "", masked, hide(str(error)))
        return _bare(payload, why=str(error))
    if masked:
        shape = json.dumps(structure(value), indent=2, ensure_ascii=False)
        return Sight(None, shape, masked)
    return _bare(payload, laid_out=laid_out(payload.decode()))


def _bare(payload: bytes, *, laid_out: str = "", why: str = "") -> Sight:
    shown = raw.read(payload)
    dump = "" if shown.is_exact else raw.hexdump(payload)
    is_cut = bool(dump) and len(payload) > raw.HEX_MOST
    return Sight(shown, laid_out, False, why, dump, is_cut)


def structure(value: Any) -> Any:
    """The same shape with every single value masked."""
    if isinstance(value, dict):
        return {name: structure(part) for name, part in value.items()}
    if isinstance(value, list):
        return [structure(part) for part in value]
    return masking.MASK


def hide(sentence: str) -> str:
    """A sentence without the values it quotes."""
    return masking.words(_QUOTED.sub(masking.MASK, sentence))


def laid_out(text: str) -> str:
    """JSON over many lines, every number and string to the letter as it came."""
    lines, depth, before = [""], 0, ""
    for token in _TOKENS.findall(text):
        if token in "]}":
            depth -= 1
            if before not in "[{":
                lines.append("  " * depth)
        elif before and before in "[{,":
            lines.append("  " * depth)
        lines[-1] += ": " if token == ":" else token
        depth += token in "[{"
        before = token
    return "\n".join(lines)


def headers(sent: dict[str, str], *, masked: bool) -> list[tuple[str, str]]:
    """A post's headers by name; who sees values masked sees only the names."""
    return [(name, masking.MASK if masked else value) for name, value in sorted(sent.items())]


@transaction.atomic
def note(thing: Seen, *, by: User, at: datetime) -> None:
    """Somebody looks at raw bytes: one line a day for each person and thing."""
    what = f"{_NAMES[type(thing)]}.{SEEN}"
    _lock(thing)
    today = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    seen = TrailLine.objects.filter(
        subject_kind=str(thing._meta.model_name), subject_id=str(thing.pk), what=what,
        actor_kind=by.actor_kind, actor_id=by.actor_id, at__gte=today,
    )  # fmt: skip
    if not seen.exists():
        record = thing.record if isinstance(thing, Message) else ""
        trail.record(what, subject=thing, record=record, by=by, at=at)


def _lock(thing: Model) -> None:
    """Two looks at once are one line."""
    held = type(thing)._default_manager.select_for_update(no_key=True)
    list(held.filter(pk=thing.pk).values_list("pk"))
