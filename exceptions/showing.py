"""A ticket as one person sees it: masked where they see masked, and each act with its refusal."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.urls import NoReverseMatch, resolve, reverse

from exceptions import acts
from exceptions.models import Occurrence, Ticket, TicketNote
from meshline import masking
from meshline.audit import records, timeline
from meshline.audit.models import TrailLine
from meshline.people import availability
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.policy import business_time, calendars

# Whom a ticket names; fetched along with it.
PEOPLE = (
    "owner", "claimed_by", "acknowledged_by", "resolved_by", "stands_in_for", "claimed_for",
)  # fmt: skip
LONG = 160
STORY_LENGTH, NOTES_LENGTH = 200, 100
# Pages of rooms above, by the kind of thing a reference such as "outcome:88" names.
_PAGES = {
    "outcome": "connectors:outcome",
    "message": "connectors:message",
    "connection": "connectors:connection",
    "proposal": "proposals:proposal",
    "ticket": "exceptions:ticket",
}
_STORY = {
    "ticket.opened": ("Opened", "circle-plus"),
    "ticket.occurred-again": ("Happened again", "repeat"),
    "ticket.claimed": ("Claimed", "user-check"),
    "ticket.released": ("Released", "arrow-back-up"),
    "ticket.acknowledged": ("Acknowledged", "eye"),
    "ticket.escalated": ("Escalated", "trending-up"),
    "ticket.handed-over": ("Handed over", "arrows-exchange"),
    "ticket.returned": ("Returned", "arrow-back-up"),
    "ticket.kept": ("Kept", "user-check"),
    "ticket.noted": ("Wrote a note", "note"),
    "ticket.due-moved": ("Deadline moved", "clock"),
    "ticket.resolved": ("Resolved", "circle-check"),
}
# What is said in words already, or stands elsewhere on the page.
_TOLD = {*_STORY} - {
    "ticket.escalated", "ticket.due-moved", "ticket.handed-over", "ticket.returned", "ticket.kept",
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """Words for a thing, and its page if there is one this person may open."""

    words: str
    url: str = ""


@dataclass(frozen=True)
class Remedy:
    label: str
    explains: str
    url: str
    refusal: str


@dataclass(frozen=True)
class Fact:
    """One piece of evidence: `look` is plain, long or page."""

    name: str
    value: Any
    look: str


@dataclass(frozen=True)
class Step:
    """One line of a ticket's story, or a run of equal ones told as one."""

    words: str
    icon: str
    by: str
    at: datetime
    why: str = ""
    subject: Link | None = None
    change: dict[str, Any] = field(default_factory=dict)
    times: int = 1


class Seen:
    """A ticket before one person's eyes. The ticket must come with its people."""

    def __init__(
        self, ticket: Ticket, user: User, *, resting: Iterable[int | None] = (),
        back: Mapping[int, datetime] | None = None, hold: str = "",
    ) -> None:  # fmt: skip
        self.ticket = ticket
        self.user = user
        # When those are here again for whom somebody stands in.
        self._back = back or {}
        self.is_masked = scope(user, Permission.SEE_QUEUE) is Scope.MASKED
        # Its team does not work right now.
        self.is_resting = ticket.team_id in resting
        # Why automation stops for its record, in a word or two.
        self.hold = hold

    @property
    def pk(self) -> int:
        return self.ticket.pk

    @property
    def row(self) -> str:
        return f"ticket-{self.pk}"

    @property
    def title(self) -> str:
        return self.words(self.ticket.title)

    @property
    def reason(self) -> str:
        # A dispute's reason names the customer's people in its own words.
        if self.is_masked and self.ticket.kind == "dispute":
            return f"{self.ticket.about.label} ({masking.MASK})"
        return self.words(self.ticket.reason)

    @property
    def owner_until(self) -> datetime | None:
        """How long its owner stands in for somebody."""
        return self._back.get(self.ticket.stands_in_for_id or 0)

    @property
    def claimed_until(self) -> datetime | None:
        return self._back.get(self.ticket.claimed_for_id or 0)

    @property
    def resolution_note(self) -> str:
        return self.words(self.ticket.resolution_note)

    @property
    def amount(self) -> str:
        words = self.ticket.amount_words
        return masking.MASK if words and self.is_masked else words

    @cached_property
    def record(self) -> Link | None:
        if not self.ticket.record:
            return None
        link = link_to(self.ticket.record, self.user)
        return Link(self.words(self.ticket.record_title) or link.words, link.url)

    @cached_property
    def connection(self) -> Link | None:
        slug = self.ticket.connection
        return Link(slug, link_to(f"connection:{slug}", self.user).url) if slug else None

    @cached_property
    def refusals(self) -> dict[str, str]:
        return acts.refusals(self.ticket, self.user)

    @cached_property
    def remedies(self) -> list[Remedy]:
        return [self._remedy(offered) for offered in self.ticket.remedies]

    def words(self, text: str) -> str:
        return masking.words(text) if self.is_masked else text

    def _remedy(self, offered: dict[str, Any]) -> Remedy:
        args = [self.pk if arg == "ticket" else arg for arg in offered.get("args", [])]
        url = _address(offered["url_name"], args)
        refusal = _refusal(url, self.user, self.ticket.whose) if url else "No longer offered."
        if not self.ticket.is_unresolved:
            refusal = acts.CLOSED
        return Remedy(offered["label"], offered.get("explains", ""), url, refusal)


def seen_by(tickets: Iterable[Ticket], user: User, *, at: datetime) -> list[Seen]:
    """Several tickets before one person's eyes."""
    tickets = list(tickets)
    resting, back = _resting(tickets, at), _back(tickets, at)
    held = records.holds(sorted({ticket.record for ticket in tickets if ticket.record}))
    return [
        Seen(ticket, user, resting=resting, back=back, hold=held.get(ticket.record, ""))
        for ticket in tickets
    ]


def link_to(reference: str, user: User) -> Link:
    """The page of "outcome:88" in words, with its address if this person may open it."""
    kind, _, rest = reference.partition(":")
    key = rest.partition(":")[0]
    words = f"{kind.capitalize()} {key}"
    if kind not in _PAGES or not key:
        return Link(words if key else reference)
    url = _address(_PAGES[kind], [key])
    return Link(words, "" if not url or _refusal(url, user) else url)


def evidence(seen: Seen) -> list[Fact]:
    """The evidence, piece by piece: the short ones first, then what needs room."""
    reach = scope(seen.user, Permission.SEE_PAYLOADS)
    facts = [_fact(name, value, seen, reach) for name, value in seen.ticket.evidence.items()]
    return sorted((one for one in facts if one.value), key=lambda one: one.look == "long")


def evidence_values(seen: Seen) -> dict[str, Any]:
    """The evidence by its own names, as a program reads it; addresses of pages are for people."""
    reach = scope(seen.user, Permission.SEE_PAYLOADS)
    given = seen.ticket.evidence.items()
    return {name: _of_evidence(value, seen, reach) for name, value in given if not _is_page(name)}


def _of_evidence(value: Any, seen: Seen, reach: Scope | None) -> Any:
    if not seen.is_masked or isinstance(value, int):
        return value
    return masking.structure(value) if reach else masking.MASK


def hanging(occurrence: Occurrence, seen: Seen) -> tuple[Occurrence, Link, str]:
    """One occurrence with its subject's page, and why it is settled."""
    because = seen.words(occurrence.settled_because)
    return occurrence, link_to(occurrence.subject, seen.user), because


def notes(ticket: Ticket) -> list[TicketNote]:
    return list(ticket.notes.select_related("by").order_by("-pk")[:NOTES_LENGTH])


def lines(ticket: Ticket) -> list[TrailLine]:
    """The ticket's lines of the trail, newest first; as many as a page can hold, and one more."""
    found = TrailLine.objects.filter(subject_kind="ticket", subject_id=str(ticket.pk))
    return list(found.newest_first()[: STORY_LENGTH + 1])


def story(seen: Seen, written: list[TrailLine]) -> list[Step]:
    """What was done with the ticket, newest first; a run of repetitions is one step."""
    steps: list[Step] = []
    for line in written[:STORY_LENGTH]:
        step = _step(line, seen)
        if steps and line.what == "ticket.occurred-again" and steps[-1].words == step.words:
            steps[-1] = Step(
                step.words, step.icon, step.by, steps[-1].at, times=steps[-1].times + 1
            )
        else:
            steps.append(step)
    return steps


def _step(line: TrailLine, seen: Seen) -> Step:
    words, icon = _STORY.get(line.what, (_plain(line.what), "activity"))
    if line.what == "ticket.resolved" and line.after.get("resolution"):
        words = f"Resolved: {line.after['resolution']}"
    subject = line.after.get("subject") or (line.what == "ticket.opened" and line.cause)
    return Step(
        words, icon, line.actor_label, line.at,
        why=seen.words(line.why),
        subject=link_to(subject, seen.user) if subject else None,
        change={} if line.what in _TOLD else _change(line, seen),
    )  # fmt: skip


def _change(line: TrailLine, seen: Seen) -> dict[str, Any]:
    sides = {"before": line.before, "after": line.after}
    if seen.is_masked:
        return {side: dict(_masked(values, seen)) for side, values in sides.items()}
    if not line.before and not line.after:
        return {}
    return {side: _readable(values) for side, values in sides.items()}


def _readable(values: dict[str, Any]) -> dict[str, Any]:
    return {name: timeline.readable(value) for name, value in values.items()}


def _masked(values: dict[str, Any], seen: Seen) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        masked = seen.words(value) if isinstance(value, str) else masking.structure(value)
        # In this order, as the trail's own page does it.
        yield name, timeline.readable(masked)


def _fact(name: str, value: Any, seen: Seen, reach: Scope | None) -> Fact:
    label = name.replace("_", " ").capitalize()
    if _is_page(name):
        where = "Where" if name == "page" else label
        return Fact(where, _page(value, seen.user), "page")
    value = _of_evidence(value, seen, reach)
    if isinstance(value, dict | list):
        return Fact(label, value, "long")
    text = "" if value is None else str(value)
    return Fact(label, text, "long" if len(text) > LONG or "\n" in text else "plain")


def _is_page(name: str) -> bool:
    """Whether a piece of evidence is the address of a page of ours."""
    return name == "page" or name.endswith(" page")


def _page(value: Any, user: User) -> str:
    """The address of a page of ours that this person may open; empty for anything else."""
    address = str(value)
    if not address.startswith("/") or address[1:2] in ("/", "\\"):
        return ""
    return "" if _refusal(address, user) else address


def _resting(tickets: list[Ticket], at: datetime) -> set[int | None]:
    """The teams among these tickets' that do not work at that moment."""
    teams = {ticket.team_id: ticket.team for ticket in tickets if ticket.is_unresolved}
    soon = at + timedelta(minutes=1)
    return {
        pk
        for pk, team in teams.items()
        if not business_time.between(at, soon, calendars.hours_of(team))
    }


def _back(tickets: list[Ticket], at: datetime) -> Mapping[int, datetime]:
    """When those are here again for whom somebody has one of these; mostly nobody is asked."""
    homes = {pk for one in tickets for pk in (one.stands_in_for_id, one.claimed_for_id) if pk}
    return availability.back_at(homes, at=at) if homes else {}


def _address(url_name: str, args: list[Any]) -> str:
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return ""


def _refusal(url: str, user: User, owner: User | None = None) -> str:
    """Why the page or act at this address is not for this person; what guards it, says so."""
    permission = getattr(resolve(url).func, "permission", None)
    return refusal_for(user, permission, owner=owner) if permission else ""


def _plain(what: str) -> str:
    return what.partition(".")[2].replace("-", " ").capitalize() or what
