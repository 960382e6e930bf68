"""Finding what came in by any id, e-mail, amount or word: messages, and what was refused.

Messages are found by the words they were cut into. What still waits to be digested, and what was
refused, is few: it is looked into byte by byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from django.db.models import BooleanField, CharField, F, Func, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import GreaterThan

from connectors import lexemes, showing
from connectors.lexemes import Asked
from connectors.models import Message, RejectedReceipt
from exceptions.models import Occurrence, Ticket
from meshline.people.models import User
from proposals.models import Signal

# So many can be paged through and are counted; more are "1,000+".
MOST = 1_000
# So many of the newest are looked into byte by byte.
SEARCHED = 5_000


@dataclass(frozen=True)
class Found:
    """The ids of the newest that match, and whether there are more than those."""

    ids: list[int]
    is_cut: bool

    @classmethod
    def newest(cls, ids: Iterable[int]) -> "Found":
        sorted_ids = sorted(set(ids), reverse=True)
        return cls(sorted_ids[:MOST], len(sorted_ids) > MOST)


def messages(rows: QuerySet[Message], words: list[Asked], *, by: User, ids_only: bool) -> Found:
    """The messages among `rows` in which every word stands or begins a word.

    `ids_only` for whoever must not learn values by asking for them: keys, types and ids alone.
    """
    named = [_named(word, by) for word in words]
    cut_up = rows.filter(
        reduce(and_, (_cut_up(*one, ids_only) for one in zip(words, named, strict=True)))
    )
    waiting = rows.filter(words__isnull=True, status=Message.Status.ACCEPTED)
    newest = waiting.order_by("-pk").values("pk")[:SEARCHED]
    inside = _waits_with_ids if ids_only else _waits
    held = Message.objects.filter(pk__in=newest).filter(
        reduce(and_, (inside(word) | ids for word, ids in zip(words, named, strict=True)))
    )
    return Found.newest([*_newest(cut_up), *_newest(held)])


def refused(rows: QuerySet[RejectedReceipt], words: list[Asked], *, ids_only: bool) -> Found:
    """The refused posts among `rows` that hold every word: in body, headers, sender or reason."""
    newest = rows.order_by("-pk").values("pk")[:SEARCHED]
    inside = _refused_ids if ids_only else _refused
    held = RejectedReceipt.objects.filter(pk__in=newest).filter(
        reduce(and_, (inside(word) for word in words))
    )
    return Found.newest(_newest(held))


# --- Underneath ------------------------------------------------------------------------------
def _newest(rows: QuerySet) -> list[int]:
    # The order is no column's: with one, PostgreSQL would walk the whole table by it, hoping.
    ordered = rows.annotate(place=F("pk") + 0).order_by("-place")
    return list(ordered.values_list("pk", flat=True)[: MOST + 1])


def _cut_up(word: Asked, named: Q, ids_only: bool) -> Q:
    query = Value(lexemes.query(word, ids_only=ids_only))
    matches = Func(
        F("words"), query, template="(%(expressions)s::tsquery)", arg_joiner=" @@ ",
        output_field=BooleanField(),
    )  # fmt: skip
    return Q(matches) | named


def _named(word: Asked, by: User) -> Q:
    """The messages behind an outcome or a ticket that this person may see."""
    kind, pk = word.reference or ("", 0)
    if kind == "outcome":
        signals = showing.visible(by).filter(pk=pk).values("signal")
        return _brought(Signal.objects.filter(pk__in=signals).values_list("origin", flat=True))
    if kind == "ticket":
        seen = Ticket.objects.visible_to(by).filter(pk=pk).values("pk")
        hanging = Occurrence.objects.filter(ticket__in=seen)
        return _brought(hanging.values_list("subject", flat=True)[:SEARCHED])
    return Q(pk__in=[])


def _brought(origins: Iterable[str]) -> Q:
    parts = (origin.split(":") for origin in origins)
    ids = [int(one[1]) for one in parts if one[0] == "message" and one[1].isdecimal()]
    return Q(pk__in=ids)


def _waits(word: Asked) -> Q:
    return _in_bytes("payload", word) | _waits_with_ids(word)


def _waits_with_ids(word: Asked) -> Q:
    kind, pk = word.reference or ("", 0)
    if kind in ("message", "post"):
        return Q(**{"pk" if kind == "message" else "receipt": pk})
    return _in_text("key", word) | _in_text("type", word) | _in_text("connection__slug", word)


def _refused(word: Asked) -> Q:
    texts = ("reason", "headers", "sender")
    return _in_bytes("body", word) | _refused_ids(word) | _any(_in_text(n, word) for n in texts)


def _refused_ids(word: Asked) -> Q:
    kind, pk = word.reference or ("", 0)
    if kind == "refused":
        return Q(pk=pk)
    return _in_text("connection__slug", word) | _is("status_code", word)


def _any(parts: Iterable[Q]) -> Q:
    return reduce(or_, parts)


def _is(name: str, word: Asked) -> Q:
    return Q(**{name: int(word.beginning)}) if _is_small(word.beginning) else Q(pk__in=[])


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


def _in_text(name: str, word: Asked) -> Q:
    text = Lower(Cast(name, CharField()))
    return _any(_holds(text, one) for one in (word.beginning, *word.exactly))


def _in_bytes(name: str, word: Asked) -> Q:
    """Without regard to case, and so that no byte is too odd to be looked at."""
    text = Lower(Func(F(name), Value("escape"), function="encode", output_field=CharField()))
    wanted = (word.beginning, *word.exactly)
    return _any(_holds(text, spelt) for one in wanted for spelt in lexemes.escaped(one))


def _holds(text: Lower, wanted: str) -> Q:
    place = Func(text, Value(wanted), function="strpos", output_field=IntegerField())
    return Q(GreaterThan(place, 0))
