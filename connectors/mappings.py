"""What each connection maps: drafted, published, brought back. One version of each is in force."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse

from connectors import mapping, registry
from connectors.base import Emitter
from connectors.mapping import NOTHING_MAPPED, Mapped, MappingError
from connectors.models import Connection, MappingVersion
from connectors.registry import UnknownSystem
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.notices import kinds, notices
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import drafts, processes, raci
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import Company, Draft
from meshline.policy.operating_model import ModelError, Stale
from proposals.states import CLOSED, State

# What its drafts are filed under; each by its connection's slug.
KIND = "mapping"
# Of what no version says, the connector's own counts: that is version 0.
BUILT_IN = 0
# A word for one of these takes a second person.
_ENDS = (*CLOSED, State.INVOICED)


class WrongMapping(ModelError):
    """A mapping that cannot be: a sentence, its part, and which row of that (from 1; 0 for all)."""

    def __init__(self, sentence: str, part: str = "", row: int = 0) -> None:
        super().__init__(sentence, part or None)
        self.part, self.row = part, row


# Versions never change, so what was read once stays read.
_read: dict[int, Mapped] = {}


def in_force(connections: Iterable[int]) -> dict[int, Mapped]:
    """What these connections map, by their ids: one question that reads no more than numbers."""
    live = MappingVersion.objects.live().filter(connection__in=set(connections))
    return {where: version(pk) for where, pk in live.values_list("connection_id", "pk")}


def of(connection: Connection) -> Mapped:
    """What one connection maps."""
    return in_force([connection.pk]).get(connection.pk, NOTHING_MAPPED)


def version(pk: int) -> Mapped:
    """A version, read once for this process."""
    if pk not in _read:
        _read[pk] = mapping.read(MappingVersion.objects.get(pk=pk).content)
    return _read[pk]


def live(connection: Connection) -> MappingVersion | None:
    return MappingVersion.objects.live().filter(connection=connection).first()


def number_of(row: MappingVersion | None) -> int:
    return row.number if row else BUILT_IN


def numbered(connection: Connection, number: int) -> MappingVersion | None:
    return MappingVersion.objects.filter(connection=connection, number=number).first()


def read_of(row: MappingVersion | None) -> Mapped:
    return version(row.pk) if row else NOTHING_MAPPED


def draft(connection: Connection) -> Draft | None:
    return drafts.of(KIND, connection.slug)


def emitter_of(connection: Connection) -> Emitter | None:
    """The connector of a connection, as far as there is something in it to map."""
    try:
        emitter = registry.system(connection.system).emitter
    except UnknownSystem:
        return None
    return emitter if emitter and emitter.maps else None


def difference(connection: Connection, old: Mapped, new: Mapped) -> dict[str, dict[str, str]]:
    """What is different between two mappings of this connection, in words."""
    emitter = _emitter(connection)
    known = emitter.words.known if emitter.words else {}
    return mapping.difference(old, new, known=known, places=emitter.fields)


# --- Verbs ----------------------------------------------------------------------------------------
@transaction.atomic
def save_draft(
    *, connection: Connection, content: Any, note: str = "", based_on: int, revision: int,
    by: User, at: datetime,
) -> Draft:  # fmt: skip
    """Keep what somebody prepares, if it could be published. Raises WrongMapping or Stale."""
    permissions.check(by, Permission.DRAFT_OPERATING_MODEL)
    read = check(connection, content)
    _refuse_stale(_locked(connection), based_on)
    return drafts.save(
        kind=KIND, slug=connection.slug, content=read.as_json(), note=note, based_on=based_on,
        revision=revision, by=by, at=at,
    )  # fmt: skip


@transaction.atomic
def submit(*, connection: Connection, revision: int, by: User, at: datetime) -> Draft:
    """Ask for somebody to publish the draft. Raises Stale, and ModelError where that takes a second
    person and there is none."""
    kept = draft(connection)
    second = kept is not None and bool(why_second(connection, mapping.read(kept.content)))
    return drafts.submit(
        kind=KIND, slug=connection.slug, revision=revision, takes_two=second, by=by, at=at
    )


@transaction.atomic
def publish(
    *, connection: Connection, revision: int, seen: int, note: str, by: User, at: datetime
) -> MappingVersion:
    """Put the draft into force; `seen` is the version it was compared with.

    Raises Stale, and SecondPerson where it takes one and its author does it.
    """
    here, kept = _locked(connection), draft(connection)
    _refuse_stale(here, seen)
    second = kept is not None and bool(why_second(connection, mapping.read(kept.content)))
    taken = drafts.take(
        kind=KIND, slug=connection.slug, revision=revision, in_force=number_of(here), second=second,
        by=by, at=at,
    )  # fmt: skip
    author, read = taken.changed_by.actor_label, check(connection, taken.content)
    return _publish(connection, here, read, note or taken.note, author, by, at)


@transaction.atomic
def restore(
    *, connection: Connection, number: int, seen: int, reason: str, by: User, at: datetime
) -> MappingVersion | Draft:
    """Bring an older version back, as a new one; 0 is what is built in. Where that takes a second
    person, a draft of it is waiting for them instead.

    Raises Stale, and ModelError for what cannot come back.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if not reason.strip():
        raise ModelError("Say why it comes back; it stands in the trail.", "reason")
    here, old = _locked(connection), numbered(connection, number)
    _refuse_stale(here, seen)
    if old is None and number != BUILT_IN:
        raise ModelError("There is no such version.", "reason")
    author, read = old.author if old else by.actor_label, check(connection, read_of(old).as_json())
    if why_second(connection, read):
        return _ask_for(connection, read, reason.strip(), seen, by, at)
    return _publish(connection, here, read, reason, author, by, at, restores=number)


@transaction.atomic
def set_mapping(
    *, connection: Connection, content: Any, by: Someone, at: datetime
) -> MappingVersion | None:
    """Put this into force at once, as a file does. The same again is no new version.

    Raises SecondPerson where it takes one and a person does it; whoever sets Meshline up may.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    here, read = _locked(connection), check(connection, content)
    if read == read_of(here):
        return here
    why = why_second(connection, read) if isinstance(by, User) else ""
    if why:
        raise SecondPerson(f"{why} Draft it in the browser and ask for approval there.")
    note = "From the operating model file."
    return _publish(connection, here, read, note, by.actor_label, by, at)


def check(connection: Connection, content: Any) -> Mapped:
    """The mapping, if this connection can have it. Raises WrongMapping."""
    emitter = _emitter(connection)
    words = emitter.words
    try:
        read = mapping.read(content)
        mapping.check(
            read, has_words=words is not None, lowered=words is not None and words.lowered,
            fields=emitter.fields,
        )  # fmt: skip
    except MappingError as error:
        raise WrongMapping(str(error), error.part, error.row) from None
    return read


# --- For a second person --------------------------------------------------------------------------
def why_second(connection: Connection, read: Mapped) -> str:
    """Why putting this into force takes a second person, as a sentence; empty when it does not."""
    if _ends(connection, read) == _ends(connection, of(connection)):
        return ""
    return (
        "It changes which words close a proposal or make it invoiced, so a second person "
        "publishes it."
    )


def refusal_to_publish(connection: Connection, draft: Draft | None, user: User) -> str:
    """Why this person does not put the draft into force; empty when they may."""
    if draft and why_second(connection, mapping.read(draft.content)):
        return drafts.refusal_for_second(draft, user)
    return permissions.refusal_for(user, Permission.CHANGE_OPERATING_MODEL)


def _ends(connection: Connection, read: Mapped) -> dict[str, State]:
    """The words that end a proposal or make it invoiced, with the connector's own."""
    emitter = _emitter(connection)
    known = emitter.words.known if emitter.words else {}
    said = {**known, **read.words}
    return {word: state for word, state in said.items() if state in _ENDS}


def _ask_for(
    connection: Connection, read: Mapped, why: str, seen: int, by: User, at: datetime
) -> Draft:
    """A draft of this, waiting for a second person; never in place of somebody's own."""
    if kept := draft(connection):
        said = f"{kept.changed_by.name} has a draft of it; publish or discard that first."
        raise ModelError(said)
    made = drafts.save(
        kind=KIND, slug=connection.slug, content=read.as_json(), note=why[:300], based_on=seen,
        revision=0, by=by, at=at,
    )  # fmt: skip
    return submit(connection=connection, revision=made.revision, by=by, at=at)


# --- Underneath -----------------------------------------------------------------------------------
def _emitter(connection: Connection) -> Emitter:
    emitter = emitter_of(connection)
    if emitter is None:
        raise WrongMapping(f"{connection.name} tells nothing that could be mapped.")
    return emitter


def _locked(connection: Connection) -> MappingVersion | None:
    # Drafts are kept apart by the company's row; whoever publishes takes it first as well.
    Company.objects.select_for_update(of=("self",)).get()
    return MappingVersion.objects.live().filter(connection=connection).select_for_update().first()


def _refuse_stale(here: MappingVersion | None, seen: int) -> None:
    if number_of(here) != seen:
        raise Stale({"version": seen}, {"version": number_of(here)})


def _publish(
    connection: Connection, here: MappingVersion | None, read: Mapped, note: str, author: str,
    by: Someone, at: datetime, *, restores: int | None = None,
) -> MappingVersion:  # fmt: skip
    before = read_of(here)
    if read == before:
        raise ModelError("This is the mapping in force; there is nothing to publish.")
    if here:
        here.is_live = False
        here.save(update_fields=["is_live"])
    made = MappingVersion.objects.create(
        connection=connection, number=number_of(here) + 1, content=read.as_json(), author=author,
        approver=by.actor_label, note=note.strip()[:300], published_at=at,
        based_on=number_of(here), restores=restores,
    )  # fmt: skip
    told = difference(connection, before, read)
    # On the connection's own story, beside what else was changed of it.
    trail.record(
        "mapping.published" if restores is None else "mapping.restored", subject=connection, by=by,
        at=at, before={"version": number_of(here), **told["before"]},
        after={"version": made.number, "written by": author, **told["after"]}, why=note.strip(),
    )  # fmt: skip
    _tell(made, list(told["before"] | told["after"]), by, at)
    return made


def _tell(made: MappingVersion, changed: list[str], by: Someone, at: datetime) -> None:
    """Who answers for the connection's health hears of it, but for who did it."""
    slug = made.connection.slug
    people = raci.who_hears(processes.of_connection(slug), at=at)
    who = by.name if isinstance(by, User) else by.actor_label
    notices.tell_each(
        [one for one in people if one != by],
        f"{who} {_deed(made)}: {made.note or ', '.join(changed)}",
        key=f"mapping:{made.pk}:published", url=reverse("connectors:mapping", args=[slug]),
        kind=kinds.PUBLISHED, at=at,
    )  # fmt: skip


def _deed(made: MappingVersion) -> str:
    whose = f"the mapping of {made.connection.name}"
    if made.restores is None:
        return f"published version {made.number} of {whose}"
    back = f"version {made.restores}" if made.restores else "what is built in"
    return f"brought {back} back as version {made.number} of {whose}"
