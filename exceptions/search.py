"""Finding tickets by their words or number, and what may be done with one."""

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q
from django.urls import reverse

from exceptions import acts
from exceptions.models import Ticket, TicketQuerySet, plain
from exceptions.showing import PEOPLE, Seen
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from meshline.searching import FEW, Found

# The acts a person may look for by name, with the sign of each; the desk's other acts need more
# room than one line.
_ACTS = {
    "claim": ("Claim", "user-check"),
    "acknowledge": ("Acknowledge", "eye"),
    "resolve": ("Resolve", "circle-check"),
    "release": ("Release", "arrow-back-up"),
    "escalate": ("Escalate", "trending-up"),
    "note": ("Write a note on", "note"),
    "assign": ("Assign", "arrows-exchange"),
    "snooze": ("Snooze", "player-pause"),
    "link": ("Link", "link"),
}

# What else people call them.
_ALSO = {"note": "comment", "assign": "give hand over", "snooze": "sleep later"}

# Beyond so many that match, a walk through the queue finds some soon.
_FEW = 2000


def matching(tickets: TicketQuerySet, text: str, *, masked: bool) -> TicketQuerySet:
    """Those in which every word of this begins one of theirs, or of this number.

    Who sees personal values masked cannot find out by searching for them.
    """
    number = text.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    with_words = _with_words(plain.words(text), "name_words" if masked else "all_words")
    return tickets.filter(with_words | Q(pk=int(number)) if is_number else with_words)


def _with_words(words: list[str], column: str) -> Q:
    """By their numbers where they are few: beside an order and a limit the database would rather
    walk through the whole queue than ask the index of words."""
    if not words:
        return Q(pk__in=[])
    query = SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple",
                        search_type="raw")  # fmt: skip
    having = Q(**{column: query})
    few = list(Ticket.objects.filter(having).order_by().values_list("pk", flat=True)[: _FEW + 1])
    return having if len(few) > _FEW else Q(pk__in=few)


def found(text: str, user: User) -> list[Found]:
    """The newest open tickets that match, before those that are resolved."""
    reach = scope(user, Permission.SEE_QUEUE)
    if not text or not reach:
        return []
    tickets = matching(Ticket.objects.visible_to(user), text, masked=reach is Scope.MASKED)
    still_open = list(tickets.unresolved().select_related(*PEOPLE).order_by("-pk")[:FEW])
    done = tickets.resolved().select_related(*PEOPLE).order_by("-pk")[: FEW - len(still_open)]
    return [_found(Seen(one, user)) for one in [*still_open, *done]]


def acts_on(number: str, text: str, user: User) -> list[Found]:
    """What this person may do with the ticket they look at, as far as it matches."""
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    visible = Ticket.objects.visible_to(user).select_related(*PEOPLE)
    ticket = visible.filter(pk=int(number)).first() if is_number else None
    if ticket is None:
        return []
    refused = acts.refusals(ticket, user)
    seen = Seen(ticket, user)
    offered = {name: _act(name, *_ACTS[name], seen) for name in _ACTS if not refused[name]}
    said = {name: f"{one.words} {_ALSO.get(name, '')}".lower() for name, one in offered.items()}
    return [one for name, one in offered.items() if text.lower() in said[name]]


def _found(seen: Seen) -> Found:
    more = f"#{seen.pk} · {seen.ticket.status}"
    return Found(seen.title, _page(seen), "inbox", more)


def _act(name: str, label: str, icon: str, seen: Seen) -> Found:
    """What presses the button on the page; and where there is none, leads to it."""
    press = reverse(f"exceptions:{name}", args=[seen.pk])
    return Found(f"{label} this ticket", _page(seen), icon, f"#{seen.pk} {seen.title}", press)


def _page(seen: Seen) -> str:
    return reverse("exceptions:ticket", args=[seen.pk])
