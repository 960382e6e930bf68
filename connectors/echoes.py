"""What other systems tell of a canary's own deal and tasks: echoes, and as synthetic as it is.

Those stay over there when a canary is taken back, so their ids are remembered here. Only what we
carried there ourselves is ever remembered: an event cannot make itself an echo.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from connectors import registry
from connectors.models import Connection, Message, Receipt, RecordLink
from proposals.models.proposal import SYNTHETIC

WHY = "It is about what our own canary left there."
# Their repeats come within it; a canary's own messages go with it.
KEPT = timedelta(days=1)
_OURS = f"{SYNTHETIC}:"
# Of what came before the id of a canary's deal was known, so many are looked at once more.
_BEFORE = 200

# (connection id, their kind, their id)
Thing = tuple[int, str, str]


def remember(records: Iterable[str], *, at: datetime) -> None:
    """These records of canaries are taken back; what they became elsewhere stays known, where what
    is told of it can be."""
    ours = [one for one in records if one.startswith(_OURS)]
    linked = RecordLink.objects.filter(record__in=ours)
    telling = [one.slug for one in registry.SYSTEMS.values() if one.emitter and one.emitter.names]
    found = list(linked.filter(connection__system__in=telling).order_by("pk"))
    known = _remembered({_thing(one) for one in found})
    fresh = [one for one in found if _thing(one) not in known]
    RecordLink.objects.bulk_create(
        [
            RecordLink(
                connection_id=one.connection_id, record=f"{_OURS}left", linked_at=at,
                kind=f"{_OURS}{one.kind}", external_id=one.external_id,
            )
            for one in fresh
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    linked.delete()
    for there in Connection.objects.filter(pk__in={one.connection_id for one in fresh}):
        _look_back(there)


def put_aside(messages: list[Message]) -> list[Message]:
    """Mark those that are echoes as synthetic, and ignore them; the others.

    A canary's own event is none, whatever it is about.
    """
    echoes = _echoes([message for message in messages if not message.is_synthetic])
    for message in echoes:
        message.is_synthetic, message.status, message.why = True, Message.Status.IGNORED, WHY
    put = {message.pk for message in echoes}
    return [message for message in messages if message.pk not in put]


def mark_receipts(messages: Iterable[Message]) -> None:
    """A post that held nothing but echoes is one, too."""
    posts = Receipt.objects.filter(pk__in={one.receipt_id for one in messages if one.is_synthetic})
    posts.exclude(Exists(Message.objects.filter(receipt=OuterRef("pk")))).update(is_synthetic=True)


@transaction.atomic
def forget(*, at: datetime) -> None:
    """What was put aside goes after a day, with the posts that held nothing else."""
    old = Message.everything.filter(is_synthetic=True, why=WHY, received_at__lt=at - KEPT)
    posts = set(old.values_list("receipt", flat=True))
    old.delete()
    left = Message.everything.filter(receipt=OuterRef("pk"))
    Receipt.everything.filter(pk__in=posts, is_synthetic=True).exclude(Exists(left)).delete()


def _look_back(there: Connection) -> None:
    """The first echoes came before our own write was answered: they are marked afterwards."""
    newest = Message.objects.filter(connection=there).select_related("connection")
    ended = newest.filter(status=Message.Status.IGNORED).order_by("-pk")[:_BEFORE]
    echoes = _echoes(list(ended))
    Message.objects.filter(pk__in=[one.pk for one in echoes]).update(is_synthetic=True, why=WHY)
    for one in echoes:
        one.is_synthetic = True
    mark_receipts(echoes)


def _echoes(messages: list[Message]) -> list[Message]:
    named = {message.pk: _named(message) for message in messages}
    known = _known({one for things in named.values() for one in things})
    return [message for message in messages if known & named[message.pk]]


def _named(message: Message) -> frozenset[Thing]:
    """The things over there that it is about, whatever it says of them."""
    emitter = registry.system(message.connection.system).emitter
    if emitter is None or emitter.names is None:
        return frozenset()
    found = emitter.names(bytes(message.payload))
    return frozenset((message.connection_id, kind, pk) for kind, pk in found)


def _known(things: set[Thing]) -> set[Thing]:
    """Of these, what a canary left there, or is just being carried for one."""
    return _remembered(things) | _links(things)


def _remembered(things: set[Thing]) -> set[Thing]:
    found = _links({(where, f"{_OURS}{kind}", pk) for where, kind, pk in things})
    return {(where, kind.removeprefix(_OURS), pk) for where, kind, pk in found}


def _links(things: set[Thing]) -> set[Thing]:
    if not things:
        return set()
    wanted = reduce(
        or_, (Q(connection_id=where, kind=kind, external_id=pk) for where, kind, pk in things)
    )
    rows = RecordLink.objects.filter(wanted, record__startswith=_OURS)
    return set(rows.values_list("connection_id", "kind", "external_id"))


def _thing(link: RecordLink) -> Thing:
    return link.connection_id, link.kind, link.external_id
