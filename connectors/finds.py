"""What a page held, taken in by the door of the webhooks: only what nobody told, each once."""

from dataclasses import dataclass
from datetime import datetime

from connectors import crosswalk, digest, inbox, twins
from connectors.base import Ignored, Told
from connectors.crosswalk import NotYet
from connectors.elements import Element
from connectors.models import Message, Sync
from connectors.parsing import Unreadable
from connectors.polls import Find
from meshline import bell


@dataclass(frozen=True)
class Kept:
    """How many events nobody had told, and how many were known."""

    brought: int
    known: int


@dataclass
class _Candidate:
    """One event of a find, as a message that may come to be, and what it tells (None: who knows)"""

    find: Find
    element: Element
    message: Message
    told: Told | None


def take(sync: Sync, finds: list[Find], *, at: datetime) -> Kept:
    """Store what of these nobody told, in the caller's transaction, which holds the sync's row."""
    candidates = _candidates(sync, finds)
    fresh = _without_births_of_the_known(sync, _untold(_not_stored(sync, candidates)))
    for find in finds:
        _store(sync, [one for one in fresh if one.find is find], at)
    if fresh:
        bell.ring("inbox")
    return Kept(len(fresh), len(candidates) - len(fresh))


def _candidates(sync: Sync, finds: list[Find]) -> list[_Candidate]:
    """Each event once; what tells nothing of a proposal is left where it is."""
    found: dict[str, _Candidate] = {}
    for find in finds:
        for element in (*([find.birth] if find.birth else []), *find.elements):
            message = Message(
                connection=sync.connection, key=element.key, payload=element.payload,
                type=element.type, late=True,
            )  # fmt: skip
            try:
                told = digest.translated(message) if element.known else None
            except Ignored:
                continue
            except Unreadable:
                # Stored: digesting it puts it before a person.
                told = None
            found.setdefault(element.key, _Candidate(find, element, message, told))
    return list(found.values())


def _not_stored(sync: Sync, candidates: list[_Candidate]) -> list[_Candidate]:
    keys = [one.element.key for one in candidates]
    stored = Message.objects.filter(connection=sync.connection, key__in=keys)
    known = set(stored.values_list("key", flat=True))
    return [one for one in candidates if one.element.key not in known]


def _untold(candidates: list[_Candidate]) -> list[_Candidate]:
    """Without what a webhook told under a name of its own."""
    told = [(one.message, one.told) for one in candidates if one.told is not None]
    walk = crosswalk.look_up(told)
    placed = [(one, _placed(walk, one)) for one in candidates]
    asked = [(one, where) for one, where in placed if where is not None]
    known = twins.find([(one.message, where) for one, where in asked])
    repeats = {id(asked[place][0]) for place in known}
    return [one for one in candidates if id(one) not in repeats]


def _placed(walk: crosswalk.Crosswalk, one: _Candidate) -> Told | None:
    """With the document it is about, where that is known yet; the digest looks on."""
    if one.told is None:
        return None
    try:
        return walk.placed(one.message, one.told)
    except (NotYet, Ignored, Unreadable):
        return None


def _without_births_of_the_known(
    sync: Sync, candidates: list[_Candidate]
) -> list[_Candidate]:  # fmt: skip
    births = {
        one.told.external_id
        for one in candidates
        if one.told is not None and one.element is one.find.birth
    }
    unheard_of = twins.unheard_of(sync.connection, births) if births else set()
    return [
        one
        for one in candidates
        if one.element is not one.find.birth
        or (one.told is not None and one.told.external_id in unheard_of)
    ]


def _store(sync: Sync, fresh: list[_Candidate], at: datetime) -> None:
    """One post of what was read, with the events cut from it; each marked as found late."""
    if not fresh:
        return
    at_door = inbox.door(sync.connection.slug, anew=True)
    if at_door is None:
        return
    stored = inbox.take_found(
        at_door, raw=fresh[0].find.raw, elements=[one.element for one in fresh],
        verdict=f"Found by looking: sync {sync.pk} read it there.",
    )  # fmt: skip
    for one, kept in zip(fresh, stored, strict=True):
        # A repeat is of what a webhook told a moment ago, which is not late.
        if kept.status != "duplicate":
            Message.objects.filter(pk=kept.message).update(
                late=True, occurred_at=one.told.occurred_at if one.told else None, found_by=sync.pk
            )
