"""Which record of ours a message is about, when it only knows their ids of it.

A message may come before its record is known here: our own write is answered after the event of it
was sent. It waits a while, and is then ignored or put before a person, never dropped.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q

from connectors.base import Ignored, Told
from connectors.models import Message, RecordLink
from connectors.parsing import Unreadable
from proposals.models import Proposal
from proposals.models.proposal import SYNTHETIC, record_of

# How long a message waits for its record to be known, and how often it looks. Its looks are counted
# and not its age: while nothing is digested, what it waits for is not digested either.
WAITS = timedelta(minutes=10)
LOOKS_EVERY = timedelta(seconds=5)
MOST_LOOKS = WAITS // LOOKS_EVERY

# Its source, its id there, and whether it is synthetic: what is told of the one kind never reaches
# the other.
Document = tuple[str, str, bool]


class NotYet(Exception):
    """A message whose record may still become known; the sentence says what it waits for."""


@dataclass(frozen=True)
class Crosswalk:
    """What the crosswalk knows of a batch of messages, read at once."""

    # (connection id, their kind, their id) → our record ("proposal:17").
    records: dict[tuple[int, str, str], str]
    # Our record → its document, and the documents there are.
    documents: dict[str, Document]
    known: frozenset[Document]

    def placed(self, message: Message, told: Told) -> Told:
        """The same with the document it is about.

        Raises NotYet while it may still become known; afterwards Ignored for what names nothing of
        ours, and Unreadable for a document that nobody has told of.
        """
        if not told.is_secondary:
            return told
        if told.external_id and _document(message, told) in self.known:
            return told
        for kind, pk in told.known_as:
            if record := self.records.get((message.connection_id, kind, pk)):
                source, external_id, is_synthetic = self.documents[record]
                if is_synthetic == message.is_synthetic:
                    return replace(told, about=source, external_id=external_id)
        if message.attempts < MOST_LOOKS:
            raise NotYet(f"It waits until it is known which record {_theirs(told)} is.")
        raise _unknown(told)


def look_up(batch: Iterable[tuple[Message, Told]]) -> Crosswalk:
    """Read what is known of everything these messages are about, set-based."""
    secondary = [(message, told) for message, told in batch if told.is_secondary]
    records = _records(secondary)
    named = {_document(message, told) for message, told in secondary if told.external_id}
    return Crosswalk(records, _documents(set(records.values())), _known(named))


def links(
    message: Message, told: Told, record: str, *, external_id: str, at: datetime
) -> list[RecordLink]:
    """What this message shows to belong together: our record and their ids of it."""
    own = () if told.is_secondary or told.about else (("document", external_id),)
    return [
        RecordLink(
            connection_id=message.connection_id, record=record, kind=kind, external_id=pk,
            linked_at=at,
        )
        for kind, pk in (*own, *told.links)
    ]  # fmt: skip


def _records(secondary: list[tuple[Message, Told]]) -> dict[tuple[int, str, str], str]:
    asked = {
        (message.connection_id, kind, pk) for message, told in secondary
        for kind, pk in told.known_as
    }  # fmt: skip
    if not asked:
        return {}
    wanted = reduce(
        or_, (Q(connection_id=where, kind=kind, external_id=pk) for where, kind, pk in asked)
    )
    ours = Q(record__startswith="proposal:")
    if any(message.is_synthetic for message, _ in secondary):
        ours |= Q(record__regex=rf"^{SYNTHETIC}:[0-9]+$")
    rows = RecordLink.objects.filter(wanted & ours)
    found = rows.values_list("connection_id", "kind", "external_id", "record")
    return {(where, kind, pk): record for where, kind, pk, record in found}


def _documents(records: set[str]) -> dict[str, Document]:
    pks = [record.partition(":")[2] for record in records]
    rows = Proposal.everything.filter(pk__in=pks)
    facts = rows.values_list("pk", "source", "external_id", "is_synthetic")
    return {
        record_of(pk, is_synthetic=is_synthetic): (source, external_id, is_synthetic)
        for pk, source, external_id, is_synthetic in facts
    }


def _known(named: set[Document]) -> frozenset[Document]:
    rows = Proposal.everything.filter(
        source__in={source for source, _, _ in named}, external_id__in={pk for _, pk, _ in named}
    )
    return frozenset(rows.values_list("source", "external_id", "is_synthetic")) & named


def _document(message: Message, told: Told) -> Document:
    return told.about, told.external_id, message.is_synthetic


def _theirs(told: Told) -> str:
    if told.external_id:
        return f"the proposal {told.about}:{told.external_id}"
    return " or ".join(f"{kind} {pk}" for kind, pk in told.known_as) or "this"


def _unknown(told: Told) -> Exception:
    if told.external_id:
        return Unreadable(
            f"It is about {_theirs(told)}, which nobody has told of.",
            cause=f"{told.about} has told nothing of what it is about",
        )
    return Ignored(f"It is about {_theirs(told)}, which belongs to no proposal here.")
