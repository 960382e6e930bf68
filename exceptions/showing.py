"""A ticket as one person sees it: masked where they see masked, and each act with its refusal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from exceptions import acts, bulk, clocks, desk, remedies
from exceptions.models import Occurrence, Ticket, TicketNote
from exceptions.states import Status
from meshline import masking
from meshline.audit import records
from meshline.people import availability
from meshline.people.models import Team, User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.policy import business_time, calendars, called, spans
from meshline.policy.business_time import Hours
from meshline.policy.called import Called

# Whom a ticket names; fetched along with it.
PEOPLE = (
    "owner", "claimed_by", "acknowledged_by", "resolved_by", "stands_in_for", "claimed_for",
    "snoozed_by",
)  # fmt: skip
_FIRST_ACTS: dict[str, str] = {Status.OPEN: "claim", Status.CLAIMED: "acknowledge"}
LONG = 160
NOTES_LENGTH = 100
# Pages of rooms above, by the kind of thing a reference such as "outcome:88" names.
_PAGES = {
    "outcome": "connectors:outcome",
    "message": "connectors:message",
    "connection": "connectors:connection",
    "proposal": "proposals:proposal",
    "ticket": "exceptions:ticket",
    "check": "reconciliation:check",
}


@dataclass(frozen=True)
class Link:
    """Words for a thing, and its page if there is one this person may open."""

    words: str
    url: str = ""


@dataclass(frozen=True)
class FirstAct:
    """The button of a row: what it says, where it leads, and why it may not be pressed."""

    label: str
    url: str
    refusal: str


@dataclass(frozen=True)
class Remedy:
    """A button on a ticket: an act, or the way to a page."""

    label: str
    explains: str
    url: str
    refusal: str
    is_page: bool = False


@dataclass(frozen=True)
class Fact:
    """One piece of evidence: `look` is plain, long or page."""

    name: str
    value: Any
    look: str


class Late:
    """By how much business time each of a ticket's deadlines is over; standing still it grows no
    more. Counted where it is asked for: a row shows one of the two."""

    def __init__(self, ticket: Ticket, hours: Hours, at: datetime) -> None:
        self._ticket, self._hours = ticket, hours
        self._now = min(at, ticket.paused_since or at)

    @cached_property
    def ack(self) -> timedelta | None:
        return self._since(self._ticket.ack_due_at)

    @cached_property
    def fix(self) -> timedelta | None:
        return self._since(self._ticket.fix_due_at)

    def _since(self, due: datetime) -> timedelta | None:
        return business_time.between(due, self._now, self._hours) if self._now > due else None


class Seen:
    """A ticket before one person's eyes. The ticket must come with its people."""

    def __init__(
        self, ticket: Ticket, user: User, *, resting: Iterable[int | None] = (),
        back: Mapping[int, datetime] | None = None, hold: str = "", late: Late | None = None,
        names: Mapping[str, str] | None = None,
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
        self._late = late
        # What people call the connections; without it they go by their slugs.
        self._called = Called() if names is None else names

    @property
    def pk(self) -> int:
        return self.ticket.pk

    @property
    def key(self) -> str:
        """As its checkbox says it."""
        return str(self.pk)

    @cached_property
    def url(self) -> str:
        return reverse("exceptions:ticket", args=[self.pk])

    @property
    def snooze_reason(self) -> str:
        return self.words(self.ticket.snooze_reason)

    @property
    def row(self) -> str:
        return f"ticket-{self.pk}"

    @property
    def stamp(self) -> str:
        """How it stands before the person's eyes, for an act on many at once."""
        return f"{self.pk}:{bulk.stamp(self.ticket)}"

    @property
    def title(self) -> str:
        return self.words(self.ticket.title)

    @property
    def overdue_by(self) -> str:
        """How much business time its next deadline is over: "2 h 10 min"; empty in time."""
        return self.fix_overdue_by if self.ticket.acknowledged_at else self.ack_overdue_by

    @property
    def ack_overdue_by(self) -> str:
        return _by(self._late.ack if self._late else None)

    @property
    def fix_overdue_by(self) -> str:
        return _by(self._late.fix if self._late else None)

    @property
    def paused(self) -> str:
        """Why its clocks stand still; empty while they run."""
        return clocks.words(self.ticket)

    @property
    def standing(self) -> str:
        """Why no time passes on it right now: a rule, or its team's hours; empty while it does."""
        return self.paused or ("outside hours" if self.is_resting else "")

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
        if not slug:
            return None
        return Link(self._called[slug], link_to(f"connection:{slug}", self.user).url)

    @cached_property
    def refusals(self) -> dict[str, str]:
        return acts.refusals(self.ticket, self.user)

    @cached_property
    def first_act(self) -> FirstAct | None:
        """What its row offers before all else: to claim it, and then to acknowledge it."""
        name = _FIRST_ACTS.get(self.ticket.status)
        if not name:
            return None
        url = reverse(f"exceptions:{name}", args=[self.pk])
        return FirstAct(name.capitalize(), url, self.refusals[name])

    @property
    def refused(self) -> SafeString:
        """What they may not do with it, and why, as the attributes that the keys read."""
        return _attributes(tuple((act, why) for act, why in self.refusals.items() if why))

    @cached_property
    def remedies(self) -> list[Remedy]:
        return [self._remedy(offered) for offered in remedies.offered(self.ticket)]

    def beside(self, other: Ticket) -> tuple[Ticket, str]:
        """Another ticket and its title, as the same person sees it."""
        return other, self.words(other.title)

    def words(self, text: str) -> str:
        return masking.words(text) if self.is_masked else text

    def _remedy(self, offered: dict[str, Any]) -> Remedy:
        args = [self.pk if arg == "ticket" else arg for arg in offered.get("args", [])]
        url = _address(offered["url_name"], args)
        guard = _guard(offered["url_name"], url) if url else None
        refusal = refusal_for(self.user, guard, owner=self.ticket.whose) if guard else ""
        refusal = refusal if url else "No longer offered."
        refusal = refusal or acts.refusal_of_remedy(self.ticket, self.user)
        if url and offered.get("query"):
            url = f"{url}?{urlencode(offered['query'])}"
        explains, is_page = offered.get("explains", ""), bool(offered.get("is_page"))
        return Remedy(offered["label"], explains, url, refusal, is_page)


def seen_by(tickets: Iterable[Ticket], user: User, *, at: datetime) -> list[Seen]:
    """Several tickets before one person's eyes."""
    tickets = list(tickets)
    hours, back = _hours(tickets), _back(tickets, at)
    resting = _resting(hours, at)
    # Read once, and only where a ticket shows its connection.
    names: Any = SimpleLazyObject(called.names)
    held = records.holds(sorted({ticket.record for ticket in tickets if ticket.record}))
    return [
        Seen(
            ticket,
            user,
            resting=resting,
            back=back,
            hold=held.get(ticket.record, ""),
            late=Late(ticket, hours[ticket.team_id], at) if ticket.is_unresolved else None,
            names=names,
        )
        for ticket in tickets
    ]


def alone(ticket: Ticket, user: User, *, at: datetime) -> Seen:
    """One ticket before a person's eyes; what only its own RACI set refuses is known as well."""
    [seen] = seen_by([ticket], user, at=at)
    if not seen.refusals["escalate"]:
        seen.refusals["escalate"] = desk.nobody_above(ticket, at=at)
    return seen


def accompany(tickets: Iterable[Ticket]) -> None:
    """Give tickets their people and teams: nine tables are joined slower than three are read."""
    tickets = list(tickets)
    ids = {getattr(ticket, f"{name}_id") for ticket in tickets for name in PEOPLE} - {None}
    people = User.objects.in_bulk(ids)
    teams = Team.objects.in_bulk({ticket.team_id for ticket in tickets} - {None})
    for ticket in tickets:
        ticket.team = teams.get(ticket.team_id)
        for name in PEOPLE:
            setattr(ticket, name, people.get(getattr(ticket, f"{name}_id")))


def link_to(reference: str, user: User) -> Link:
    """The page of "outcome:88" in words, with its address if this person may open it."""
    kind, _, rest = reference.partition(":")
    key = rest.partition(":")[0]
    words = f"{kind.capitalize()} {key}"
    if kind not in _PAGES or not key:
        return Link(words if key else reference)
    url = _address(_PAGES[kind], [key])
    guard = _guard(_PAGES[kind], url) if url else None
    return Link(words, "" if guard and refusal_for(user, guard) else url)


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


@lru_cache(maxsize=1024)
def _attributes(refused: tuple[tuple[str, str], ...]) -> SafeString:
    """Kept as made: the tickets of a list are refused the same acts for the same few reasons."""
    return format_html_join(" ", 'data-no-{}="{}"', refused)


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


def _hours(tickets: list[Ticket]) -> dict[int | None, Hours]:
    """In which hours the unresolved ones of these run, by team."""
    teams = {ticket.team_id: ticket.team for ticket in tickets if ticket.is_unresolved}
    return calendars.hours_of_each(teams.values()) if teams else {}


def _resting(hours: dict[int | None, Hours], at: datetime) -> set[int | None]:
    """The teams among these that do not work at that moment."""
    soon = at + timedelta(minutes=1)
    return {pk for pk, theirs in hours.items() if not business_time.between(at, soon, theirs)}


def _by(late: timedelta | None) -> str:
    return "" if late is None else spans.words(max(1, int(late.total_seconds() // 60)))


def _back(tickets: list[Ticket], at: datetime) -> Mapping[int, datetime]:
    """When those are here again for whom somebody has one of these; mostly nobody is asked."""
    homes = {pk for one in tickets for pk in (one.stands_in_for_id, one.claimed_for_id) if pk}
    return availability.back_at(homes, at=at) if homes else {}


def _address(url_name: str, args: list[Any]) -> str:
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return ""


def _refusal(url: str, user: User) -> str:
    """Why the page at this address is not for this person; what guards it, says so."""
    permission = _permission_at(url)
    return refusal_for(user, permission) if permission else ""


def _guard(url_name: str, url: str) -> Permission | None:
    """What guards the page or act of this name, found out by one of its addresses once: fifty rows
    with two addresses each would take a tenth of the page's time to look them up."""
    if url_name not in _guards:
        _guards[url_name] = _permission_at(url)
    return _guards[url_name]


_guards: dict[str, Permission | None] = {}


def _permission_at(url: str) -> Permission | None:
    return getattr(resolve(url).func, "permission", None)
