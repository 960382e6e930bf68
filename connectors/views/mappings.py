"""What a connection maps: what is in force, its versions, and releasing what is held."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from connectors import looking, mapping, mapping_trial, mappings, registry, rereading
from connectors.base import Emitter
from connectors.mapping import Mapped
from connectors.mapping_forms import RestoreForm
from connectors.models import Connection, MappingVersion, Message
from connectors.rereading import NotNow
from exceptions.models import Ticket
from meshline import instant
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.web import paging
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

IN_FORCE = "This is in force."
# So many tickets that wait for a mapping are named on its page.
_MOST_WAITING = 10


@dataclass(frozen=True)
class Place:
    """A connection with something to map: its connector, and the version in force; and with which
    message, of which ticket, somebody came here: their way back."""

    connection: Connection
    emitter: Emitter
    live: MappingVersion | None
    message: int
    ticket: int

    @classmethod
    def find(cls, request: Request, slug: str) -> "Place":
        """Raises Http404 where nothing can be mapped."""
        found = get_object_or_404(Connection, slug=slug)
        emitter = mappings.emitter_of(found)
        if emitter is None:
            raise Http404
        return cls(found, emitter, mappings.live(found), *_came_with(request, found))

    @property
    def number(self) -> int:
        return mappings.number_of(self.live)

    @property
    def mapped(self) -> Mapped:
        return mappings.read_of(self.live)

    @property
    def draft(self) -> Draft | None:
        return mappings.draft(self.connection)

    @property
    def url(self) -> str:
        return self.page("mapping")

    @property
    def came_with(self) -> str:
        """The message and the ticket, for the query of an address; empty without any."""
        came = {"message": self.message, "ticket": self.ticket}
        return urlencode({name: pk for name, pk in came.items() if pk})

    @property
    def asked(self) -> str:
        return f"?{self.came_with}" if self.came_with else ""

    def page(self, name: str, *args: Any) -> str:
        """The address of another page of it, which keeps the way back."""
        return reverse(f"connectors:{name}", args=[self.connection.slug, *args]) + self.asked

    def difference(self, old: Mapped, new: Mapped) -> dict[str, dict[str, str]]:
        return mappings.difference(self.connection, old, new)

    def lines(self, mapped: Mapped) -> dict[str, Any]:
        """All that counts, as the tables show it."""
        words = self.emitter.words
        return {
            "words": words,
            "word_lines": mapping.word_lines(mapped, words.known) if words else [],
            "field_lines": mapping.field_lines(mapped, self.emitter.fields),
            "system_name": registry.system(self.connection.system).name,
        }


def _came_with(request: Request, connection: Connection) -> tuple[int, int]:
    """The message and the ticket in the address; 0 for what is none of this connection's."""
    message, ticket = (id_in(request.GET.get(name, "")) for name in ("message", "ticket"))
    messages = Message.objects.filter(connection=connection)
    tickets = Ticket.objects.visible_to(request.user).filter(connection=connection.slug)
    return _if_in(messages, message), _if_in(tickets, ticket)


def _if_in(rows: QuerySet[Any], pk: int) -> int:
    return pk if pk and rows.filter(pk=pk).exists() else 0


@require_safe
@requires(Permission.SEE_CONNECTIONS)
def page(request: Request, slug: str) -> HttpResponse:
    return _show(request, Place.find(request, slug))


@require_safe
@requires(Permission.SEE_CONNECTIONS)
def version(request: Request, slug: str, number: int) -> HttpResponse:
    """An older version; 0 is what is built in."""
    return _show_version(request, Place.find(request, slug), number)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def restore(request: Request, slug: str, number: int) -> HttpResponse:
    """Bring an older version back with a reason, as a new one."""
    place, form = Place.find(request, slug), RestoreForm(request.POST)
    _numbered(place, number)
    if not form.is_valid():
        return _show_version(request, place, number, form, status=422)
    asked = form.cleaned_data
    try:
        made = mappings.restore(
            connection=place.connection, number=number, seen=asked["seen"],
            reason=asked["reason"], by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale:
        return _show_version(request, Place.find(request, slug), number, form, status=409)
    except ModelError as error:
        form.add_error(None, str(error))
        return _show_version(request, place, number, form, status=422)
    if isinstance(made, Draft):
        return done(request, "It waits for a second person to publish it.", place.url)
    what = f"Version {number} is back" if number else "What is built in counts again"
    return done(request, f"{what}, as version {made.number}.", place.url)


@require_POST
@requires(Permission.RELEASE_QUARANTINE)
def release(request: Request, slug: str) -> HttpResponse:
    """Let what would be understood now be read again, in order of receipt."""
    place = Place.find(request, slug)
    if number_in(request.POST.get("seen", "")) != place.number:
        return refusal(request, "The mapping is another one by now; look at it again.")
    held = mapping_trial.held(place.connection, masked=False)
    try:
        count = rereading.release_each(held.understood, by=request.user, at=instant.now())
    except NotNow as error:
        return refusal(request, error)
    if not count:
        return done(request, "Nothing that is held would be understood now.", place.url)
    return done(request, rereading.said_of(count), place.url)


# --- What the pages of a draft use as well ------------------------------------------------------
def rights(request: Request) -> dict[str, str]:
    """Why this person may not draft, or not publish; empty where they may."""
    return {
        "no_draft": refusal_for(request.user, Permission.DRAFT_OPERATING_MODEL),
        "no_publish": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }


def number_in(text: str) -> int:
    """A number of a version or a revision from a form; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def id_in(text: str) -> int:
    """A row's id from an address; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def sees_masked(request: Request) -> bool:
    return scope(request.user, Permission.SEE_PAYLOADS) is not Scope.ALL


def published_since(place: Place, seen: int) -> dict[str, Any] | None:
    """What was published after the version somebody saw, for "changed meanwhile"."""
    if place.live is None or place.number == seen:
        return None
    old = mappings.read_of(mappings.numbered(place.connection, seen))
    return {"version": place.live, "change": place.difference(old, place.mapped)}


# --- Underneath -------------------------------------------------------------------------------
def _picked(request: Request, place: Place) -> dict[str, Any]:
    """The message a ticket came with, as it reads now; and the tickets that wait for a mapping."""
    seen = Ticket.objects.visible_to(request.user).unresolved()
    waiting = seen.filter(kind="message-unreadable", connection=place.connection.slug)
    messages = looking.visible(request.user).filter(connection=place.connection)
    asked = messages.select_related("connection").filter(pk=place.message)
    may_see = not refusal_for(request.user, Permission.SEE_PAYLOADS)
    message = asked.first() if may_see else None
    masked = sees_masked(request)
    if message and not masked:
        looking.note(message, by=request.user, at=instant.now())
    return {
        "picked": message,
        "tried": mapping_trial.of_message(message, [place.mapped], masked=masked)
        if message
        else None,
        "came_from": waiting.filter(pk=place.ticket).first(),
        "waiting": list(waiting.order_by("pk")[:_MOST_WAITING]),
    }


def _show(request: Request, place: Place) -> HttpResponse:
    versions = MappingVersion.objects.filter(connection=place.connection)
    found = paging.page(versions, request, size=20, by="-number")
    context = {
        "place": place,
        **_picked(request, place),
        "draft": place.draft,
        "held": mapping_trial.held(place.connection, masked=sees_masked(request)),
        "may_see_messages": not refusal_for(request.user, Permission.SEE_PAYLOADS),
        "no_release": refusal_for(request.user, Permission.RELEASE_QUARANTINE),
        "versions": [{"row": row, "change": _change_of(place, row)} for row in found.items],
        "page": found,
        **place.lines(place.mapped),
        **rights(request),
    }
    return render(request, "connectors/mapping.html", context)


def _numbered(place: Place, number: int) -> MappingVersion | None:
    """A version by its number; None is what is built in."""
    if number == mappings.BUILT_IN:
        return None
    row = mappings.numbered(place.connection, number) if number < 2**31 else None
    if row is None:
        raise Http404
    return row


def _show_version(
    request: Request, place: Place, number: int, form: RestoreForm | None = None,
    *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """A version, and what bringing it back would change; after a no with what was typed."""
    row = _numbered(place, number)
    mapped, is_live = mappings.read_of(row), place.number == number
    no_publish = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    since = published_since(place, form.cleaned_data["seen"]) if form and status == 409 else None
    context = {
        "place": place,
        "number": number,
        "page_title": f"Version {number}" if row else "Built in",
        "row": row,
        "is_live": is_live,
        "form": _again(form, place.number) if form else RestoreForm(initial={"seen": place.number}),
        "trouble": " ".join(map(str, form.non_field_errors())) if form else "",
        "change": _change_of(place, row) if row else None,
        "to_live": None if is_live else place.difference(place.mapped, mapped),
        "restore_refusal": IN_FORCE if is_live else no_publish,
        "since": since,
        **place.lines(mapped),
    }
    return render(request, "connectors/mapping_version.html", context, status=status)


def _again(form: RestoreForm, seen: int) -> RestoreForm:
    """The form once more, open, for what is in force by now."""
    again = RestoreForm({"seen": seen, "reason": form.data.get("reason", "")})
    if again.is_valid():
        again.add_error(None, "Nothing is changed yet.")
    return again


def _change_of(place: Place, row: MappingVersion) -> dict[str, dict[str, str]]:
    """What this version changed in the one that was in force before it."""
    before = mappings.numbered(place.connection, row.based_on)
    return place.difference(mappings.read_of(before), mappings.version(row.pk))
