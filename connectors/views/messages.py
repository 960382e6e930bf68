"""What came in: the messages, one of them with all it led to, and what was refused."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from connectors import digest, looking
from connectors.digest import NotNow
from connectors.filters import SEARCHED, MessageFilter
from connectors.models import Connection, Message, RejectedReceipt
from exceptions.models import Ticket
from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed, Permission, Scope, refusal_for
from meshline.web import paging
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals.models import Outcome, Proposal, Signal, Transition

# What a list shows; a payload may be a megabyte.
_LISTED = ("pk", "received_at", "connection", "type", "key", "status", "why", "duplicates",
           "record", "signal_id")  # fmt: skip


# --- The lists -------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PAYLOADS)
def messages(request: Request) -> HttpResponse:
    asked = MessageFilter(
        request.GET or None, queryset=looking.visible(request.user), request=request
    )
    page = paging.page(asked.qs.select_related("connection").only(*_listed()), request)
    context = {
        "filter": asked,
        "page": page,
        "rows": _rows(request, page.items),
        "masked": request.scope is Scope.MASKED,
        "tabs": _tabs("messages"),
        "searched": SEARCHED,
        "is_connected": Connection.objects.exists(),
    }
    whole = not request.htmx or request.htmx.history_restore_request
    return render(request, f"connectors/{'messages' if whole else '_messages'}.html", context)


@require_safe
@requires(Permission.SEE_PAYLOADS)
def refused(request: Request) -> HttpResponse:
    """What was refused at the door; `?show=` one of them with its headers and body."""
    seen = looking.visible_refused(request.user).select_related("connection")
    slug = request.GET.get("connection", "")
    narrowed = seen.filter(connection__slug=slug) if slug else seen
    context = {
        "page": paging.page(narrowed.defer("body", "headers"), request),
        "shown": _shown(request, seen),
        "connection": slug,
        "counts": _counts(seen),
        "tabs": _tabs("refused"),
        "reach": request.scope,
    }
    return render(request, "connectors/refused.html", context)


# --- One message -----------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PAYLOADS)
def message(request: Request, message_id: int) -> HttpResponse:
    found = _find(request, message_id)
    masked = request.scope is Scope.MASKED
    if not masked:
        looking.note(found, by=request.user, at=instant.now())
    context = {
        "message": found,
        "why": looking.hide(found.why) if masked else found.why,
        "receipt": found.receipt,
        "sight": looking.sight(bytes(found.payload), masked=masked),
        "headers": _headers(found.receipt.headers, masked),
        "siblings": _siblings(found),
        "is_whole": bytes(found.payload) == bytes(found.receipt.body),
        "masked": masked,
        "from_whom": f"Message {found.pk} from {found.connection.name}",
        "led_to": _led_to(request, found),
        "trail": _trail(request, found, masked),
        "refusals": _refusals(request, found),
    }
    return render(request, "connectors/message.html", context)


@require_POST
@requires(Permission.RELEASE_QUARANTINE)
def release(request: Request, message_id: int) -> HttpResponse:
    found = _find(request, message_id)
    try:
        digest.release(message_id=found.pk, by=request.user, at=instant.now())
    except NotNow as error:
        return refusal(request, error)
    return done(request, "It is released and will be read again at once.", _page_of(found))


@require_POST
@requires(Permission.REPLAY_MESSAGE)
def replay(request: Request, message_id: int) -> HttpResponse:
    found = _find(request, message_id)
    try:
        digest.replay(message_id=found.pk, by=request.user, at=instant.now())
    except NotNow as error:
        return refusal(request, error)
    except NotAllowed as error:
        # Theirs to do, but not with this one: they read why on the page they are on.
        return refusal(request, error, status=403)
    return done(request, "It will be read again; nothing is done twice.", _page_of(found))


@require_POST
@requires(Permission.RELEASE_QUARANTINE)
def release_ticket(request: Request, ticket_id: int) -> HttpResponse:
    """A ticket's remedy: everything quarantined on it is read again, in order."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket_id)
    released = digest.release_ticket(ticket, by=request.user, at=instant.now())
    page = reverse("exceptions:ticket", args=[ticket.pk])
    if not released:
        return done(request, "No message on this ticket is quarantined any more.", page)
    what = "1 message is" if released == 1 else f"{released} messages are"
    return done(request, f"{what} released and will be read again in order.", page)


# --- Underneath ------------------------------------------------------------------------------
def _listed() -> Iterable[str]:
    return (*_LISTED, "connection__slug", "connection__name")


def _find(request: Request, message_id: int) -> Message:
    seen = looking.visible(request.user).select_related("connection", "receipt")
    return get_object_or_404(seen, pk=message_id)


def _page_of(found: Message) -> str:
    return reverse("connectors:message", args=[found.pk])


def _tabs(current: str) -> list[dict[str, Any]]:
    named = {"messages": "Messages", "refused": "Refused"}
    return [
        {"label": label, "url": reverse(f"connectors:{name}"), "current": name == current}
        for name, label in named.items()
    ]


def _rows(request: Request, found: list[Message]) -> list[tuple[Message, Proposal | None]]:
    """The messages of a page, each with the proposal it is about as far as this person sees it."""
    ids = [pk for kind, _, pk in (m.record.partition(":") for m in found) if kind == "proposal"]
    seen = Proposal.objects.visible_to(request.user).filter(pk__in=ids)
    about = {row.record: row for row in seen}
    if request.scope is Scope.MASKED:
        for message in found:
            message.why = looking.hide(message.why)
    return [(message, about.get(message.record)) for message in found]


def _shown(request: Request, seen: Any) -> dict[str, Any] | None:
    """The refused post that is asked for, as far as this person sees it."""
    asked = request.GET.get("show", "")
    if not asked:
        return None
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
        raise Http404
    found: RejectedReceipt = get_object_or_404(seen, pk=asked)
    masked = request.scope is Scope.MASKED
    if not masked:
        looking.note(found, by=request.user, at=instant.now())
    return {
        "post": found,
        "headers": _headers(found.headers, masked),
        "body": None if masked else bytes(found.body),
        "is_cut": len(bytes(found.body)) == 64 * 1024,
        "masked": masked,
    }


def _counts(seen: Any) -> list[dict[str, Any]]:
    """How many of each connection are kept, for the menu above the list."""
    named = seen.order_by("connection__name").values("connection__slug", "connection__name")
    return list(named.annotate(n=Count("pk")))


def _headers(headers: dict[str, str], masked: bool) -> list[tuple[str, str]]:
    return [(name, looking.MASK if masked else value) for name, value in sorted(headers.items())]


def _siblings(found: Message) -> list[Message]:
    """The other events of the same post, in its order."""
    return list(
        Message.objects.filter(receipt=found.receipt_id).only("pk", "position").order_by("position")
    )


def _led_to(request: Request, found: Message) -> dict[str, Any]:
    """What it led to, each as far as this person may see it."""
    signal = Signal.objects.filter(pk=found.signal_id).first() if found.signal_id else None
    seen = Proposal.objects.visible_to(request.user)
    proposal = seen.filter(pk=signal.proposal_id).first() if signal else None
    made = Outcome.objects.filter(signal=signal).order_by("pk") if signal else []
    return {
        "signal": signal,
        "transitions": list(Transition.objects.filter(signal=signal)) if signal else [],
        "proposal": proposal,
        "outcomes": list(made) if proposal else [],
        "tickets": _tickets(request, found, made),
    }


def _tickets(request: Request, found: Message, made: Any) -> list[Ticket]:
    """What hangs on it: itself, another content under its key, an outcome it asked for."""
    subjects = [found.ref, *(outcome.ref for outcome in made)]
    hangs = Q(all_occurrences__subject__in=subjects)
    conflicts = Q(
        kind="message-conflict", cause=f"conflict:{found.connection.slug}:{found.key}"[:300]
    )
    seen = Ticket.objects.visible_to(request.user)
    return list(seen.filter(hangs | conflicts).distinct().order_by("-pk")[:20])


def _trail(request: Request, found: Message, masked: bool) -> list[timeline.Entry]:
    own = Q(subject_kind="message", subject_id=str(found.pk))
    if found.record:
        causes = [found.ref, f"signal:{found.signal_id}"]
        own |= Q(record=found.record, cause__in=causes)
    lines = TrailLine.objects.filter(own).newest_first()[:50]
    return timeline.read(lines, masked=masked, opens=trail_filters.opens(request.user))


def _refusals(request: Request, found: Message) -> dict[str, str]:
    """Why not, for the two acts; empty means: go ahead."""
    waits = found.status == Message.Status.ACCEPTED
    kept = found.status == Message.Status.QUARANTINED
    owner = digest.owner_of(found.pk)
    return {
        "release": refusal_for(request.user, Permission.RELEASE_QUARANTINE)
        or ("" if kept else "Only a quarantined message is released."),
        "replay": refusal_for(request.user, Permission.REPLAY_MESSAGE, owner=owner)
        or ("This message is about to be digested anyway." if waits else ""),
    }
