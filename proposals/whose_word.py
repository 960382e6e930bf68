"""Changing whose word counts: what that would do to the proposals, and doing it.

What was told stays as it was told. The proposals of which several systems told something are told
anew, in the transaction of the change.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from meshline import bell
from meshline.audit.actors import Someone
from meshline.people.models import User
from meshline.policy import sources_of_truth
from meshline.policy.models import Draft
from meshline.policy.operating_model import Facts, ModelError
from meshline.policy.tolerance import Near, Tolerance
from meshline.policy.truth import PEOPLE, How, Truth
from proposals import authority, concerns, contradictions, history, holds, retelling
from proposals.authority import RECORD, Authorities
from proposals.contracts import promising
from proposals.fields import GROUPS, LABELS
from proposals.history import Event, History
from proposals.models import Proposal, Signal
from proposals.routing.assigning import Router
from proposals.states import State
from proposals.story import Story

# A preview names the first few proposals that would change.
SHOWN = 5
# Of each system so many events say whether it tells a field at all.
LATEST_EVENTS = 1000
# So many are told anew at a time.
_AT_A_TIME = 200
_NEAR = {"title": [Near.SPACING], "contact_name": [Near.SPACING], "amount": [Near.PERCENT]}
_OVER = (State.CLOSED_WON, State.CLOSED_LOST)


@dataclass(frozen=True)
class Change:
    """A proposal whose value would be another, or be a person's to decide."""

    proposal: Proposal
    now: tuple[str, ...]
    then: tuple[str, ...]
    is_asked: bool


@dataclass
class Preview:
    """What an agreement would do to the proposals of which several systems told a field."""

    open: int = 0
    over: int = 0
    changes: int = 0
    asked: int = 0
    # Who told the field, beside whoever would be the authority.
    others: set[str] = field(default_factory=set)
    # Whether the authority has never told the field of any proposal.
    is_silent: bool = False
    first: list[Change] = field(default_factory=list)


@transaction.atomic
def publish(
    *, name: str, agreed: Truth, tolerance: Tolerance | None = None, seen: Facts | None = None,
    by: Someone, at: datetime,
) -> int:  # fmt: skip
    """Agree on a move or a field; how many proposals changed with it.

    Raises ModelError, Stale, and SecondPerson where a person does alone what takes two.
    """
    check(name, agreed, tolerance)
    authority.alone()
    row = sources_of_truth.agree(
        record_kind=RECORD, field=name, connection=agreed.connection, how=agreed.how, by=by, at=at,
        seen=seen, tolerance=tolerance,
    )  # fmt: skip
    return follow(name=name, cause=f"sourceoftruth:{row.pk}", by=by, at=at)


@transaction.atomic
def ask(*, name: str, agreed: Truth, seen: Facts | None = None, by: User, at: datetime) -> Draft:
    """Ask a second person to agree on a move. Raises ModelError, Stale."""
    check(name, agreed)
    return sources_of_truth.ask(
        record_kind=RECORD, field=name, connection=agreed.connection, how=agreed.how, by=by, at=at,
        seen=seen,
    )  # fmt: skip


@transaction.atomic
def publish_asked(*, name: str, revision: int, by: User, at: datetime) -> int:
    """Put into force what somebody else asked for; how many proposals changed with it.

    Raises Stale, SecondPerson, ModelError.
    """
    authority.alone()
    row = sources_of_truth.agree_as_second(
        record_kind=RECORD, field=name, revision=revision, by=by, at=at
    )
    check(name, Truth(How(row.how), row.connection))
    return follow(name=name, cause=f"sourceoftruth:{row.pk}", by=by, at=at)


@transaction.atomic
def follow(*, name: str, cause: str = "", by: Someone, at: datetime) -> int:
    """Tell the proposals anew of which several systems told this field; how many changed.

    Twice is as good as once. Of a move nothing follows: what was refused stays refused.
    """
    if name not in GROUPS:
        return 0
    authority.alone()
    now = authority.load()
    changed, person = 0, by if isinstance(by, User) else None
    for some in _by_the_hundred(name):
        stories = _tell_again(some, now, why=why(name, now), cause=cause, by=by, at=at)
        holds.judge(stories, at=at)
        promising.promise(stories, at=at, by=person)
        changed += len(stories)
    if changed:
        bell.ring("outbox")
    return changed


def preview(*, name: str, agreed: Truth) -> Preview:
    """What agreeing on this would do. Changes nothing. Raises ModelError."""
    check(name, agreed)
    if name not in GROUPS:
        return Preview()
    found = Preview(is_silent=is_silent(name, agreed))
    now = authority.load()
    then = replace(now, agreed={**now.agreed, name: agreed})
    for some in _by_the_hundred(name, lock=False):
        events = retelling.events_of([proposal.pk for proposal in some])
        for proposal in some:
            _look(found, proposal, name, events[proposal.pk], now, then)
    return found


def nears(name: str) -> list[Near]:
    """How near two values of a field may be to pass as equal; e-mails are never told by case."""
    return [Near.EXACT, *_NEAR.get(name, ())]


def check(name: str, agreed: Truth, tolerance: Tolerance | None = None) -> None:
    """Raise ModelError, with the field, unless this can be agreed on."""
    if tolerance is not None and (why_not := tolerance.refusal):
        raise ModelError(why_not, "tolerance")
    if tolerance is not None and tolerance.near not in nears(name):
        offered = " or ".join(f"“{near.label}”" for near in nears(name))
        raise ModelError(f"Here it is {offered}.", "tolerance")
    if name not in (*authority.moves(), *GROUPS):
        raise ModelError("There is no such move or field of a proposal.", "field")
    if name not in GROUPS and agreed.how is not How.ALWAYS:
        raise ModelError("A move has one authority; nothing else can be agreed of it.", "how")
    if name in GROUPS and agreed.connection == PEOPLE:
        sentence = "Of a field people decide where they are asked; choose “Ask a person”."
        raise ModelError(sentence, "connection")
    if agreed.connection and not agreed.how.has_authority:
        raise ModelError(f"“{agreed.how.label}” takes no connection.", "connection")


def is_silent(name: str, agreed: Truth) -> bool:
    """Whether the connection that is to be a field's authority has not told it in its latest
    events: where it never does, the most recent word of the others counts, whatever is agreed."""
    if not (agreed.how.has_authority and agreed.connection):
        return False
    latest = Signal.objects.filter(source=agreed.connection).order_by("-pk")[:LATEST_EVENTS]
    told = Signal.objects.filter(pk__in=latest.values("pk"), fields__has_key=GROUPS[name][0])
    return not told.exclude(result=Signal.Result.REFUSED).exists()


def why(name: str, authorities: Authorities) -> str:
    """Why a proposal is told anew, as a sentence."""
    return f"It is agreed whose {LABELS[name]} counts: {authorities.counts(name)}."


# --- Underneath ----------------------------------------------------------------------------------
def _by_the_hundred(name: str, *, lock: bool = True) -> Iterator[list[Proposal]]:
    """The proposals of which more than one told the field: of no other anything can change."""
    told = Signal.objects.filter(fields__has_key=GROUPS[name][0])
    told = told.exclude(result=Signal.Result.REFUSED)
    several = told.values("proposal").annotate(n=Count("source", distinct=True)).filter(n__gt=1)
    ids = sorted(several.order_by().values_list("proposal", flat=True))
    for start in range(0, len(ids), _AT_A_TIME):
        rows = Proposal.objects.filter(pk__in=ids[start : start + _AT_A_TIME])
        rows = rows.select_related("owner__team").order_by("pk")
        yield list(rows.select_for_update(no_key=True, of=("self",)) if lock else rows)


def _tell_again(
    proposals: list[Proposal], now: Authorities, *, why: str, cause: str, by: Someone, at: datetime
) -> list[Story]:
    """Tell locked proposals anew; the stories that became others, or are a person's to decide."""
    events = retelling.events_of([proposal.pk for proposal in proposals])
    router, known = Router(retelling.named_in(events.values()), at=at), contradictions.open_ones()
    changed = []
    for proposal in proposals:
        told = history.tell(events[proposal.pk], now.truths(source=proposal.source))
        story = Story(proposal, told, [], proposal.owner_is_temporary)
        is_changed = retelling.bring_in_line(
            story, router, None, by=by, at=at, occurred_at=at, why=why, cause=cause
        )
        if is_changed or told.asked or proposal.record in known:
            changed.append(story)
    retelling.write(changed, [], router)
    for story in changed:
        hanging = known.get(story.proposal.record, set())
        concerns.follow(story, by=by, at=at, led_from=cause, known=hanging)
    return [story for story in changed if story.transitions]


def _look(
    found: Preview, proposal: Proposal, name: str, events: list[Event], now: Authorities,
    then: Authorities,
) -> None:  # fmt: skip
    source = proposal.source
    is_over = proposal.state in _OVER
    found.over, found.open = found.over + is_over, found.open + (not is_over)
    authority_then = then.truths(source=source).get(name, Truth()).connection
    tellers = {one.source for one in events if GROUPS[name][0] in one.fields}
    found.others |= tellers - {authority_then, PEOPLE}
    was = history.tell(events, now.truths(source=source))
    will = history.tell(events, then.truths(source=source))
    change = Change(proposal, _value(was, name), _value(will, name), name in will.asked)
    # As people read it: "14250" and "14250.00" are one amount, and nothing changes on the row.
    is_other = contradictions.in_words(name, change.now) != contradictions.in_words(
        name, change.then
    )
    found.changes += is_other
    found.asked += change.is_asked
    if (is_other or change.is_asked) and len(found.first) < SHOWN:
        found.first.append(change)


def _value(told: History, name: str) -> tuple[str, ...]:
    return tuple(str(told.fields.get(part, "")) for part in GROUPS[name])
