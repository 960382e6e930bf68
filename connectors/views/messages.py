"""One message: its bytes, all it led to, and reading it again after a look ahead."""

from typing import Any

from django.contrib.messages import INFO
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors import looking, raw, replaying, rereading, whose_message
from connectors.models import Message
from connectors.replaying import Account, Act, ForNothing, Moved, Preview
from connectors.rereading import NotNow
from exceptions import ways
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed, Permission, Scope, refusal_for
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals.models import Outcome, Proposal, Signal, Transition

_CHANGES = ("proposal.moved", "proposal.changed")
# What an act says it did, when nobody looked ahead.
_QUEUED = {
    Act.REPLAY: "It will be read again; nothing is done twice.",
    Act.RELEASE: "It is released and will be read again at once.",
}
_NAMES = {Act.REPLAY: "Replay", Act.RELEASE: "Release"}


# --- One message -----------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PAYLOADS)
def message(request: Request, message_id: int) -> HttpResponse:
    found = _find(request, message_id)
    masked = request.scope is Scope.MASKED
    if not masked:
        looking.note(found, by=request.user, at=instant.now())
    led_to, trail = _led_to(request, found), _trail(request, found, masked)
    sight = looking.sight(bytes(found.payload), masked=masked)
    context = {
        "message": found,
        "why": looking.hide(found.why) if masked else found.why,
        "receipt": found.receipt,
        "sight": sight,
        "told": _told(request, sight, led_to["signal"]),
        "download": reverse("connectors:message-raw", args=[found.pk]),
        "headers": looking.headers(found.receipt.headers, masked=masked),
        "siblings": _siblings(request, found),
        "masked": masked,
        "from_whom": f"Message {found.pk} from {found.connection.name}",
        "led_to": led_to,
        "changes": [] if masked else [e for e in reversed(trail) if e.line.what in _CHANGES],
        "trail": trail,
        "refusals": _refusals(request, found),
    }
    return render(request, "connectors/message.html", context)


@require_safe
@requires(Permission.SEE_PAYLOADS)
def message_raw(request: Request, message_id: int) -> HttpResponse:
    """The bytes of one event, to the byte."""
    found = _find(request, message_id)
    return download(request, found, bytes(found.payload), f"message-{found.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.RELEASE_QUARANTINE)
def release(request: Request, message_id: int) -> HttpResponse:
    return _again(request, message_id, Act.RELEASE)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.REPLAY_MESSAGE)
def replay(request: Request, message_id: int) -> HttpResponse:
    return _again(request, message_id, Act.REPLAY)


@require_POST
@requires(Permission.RELEASE_QUARANTINE)
def release_ticket(request: Request, ticket_id: int) -> HttpResponse:
    """A ticket's remedy: everything quarantined on it is read again, in order."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=ticket_id)
    try:
        released = rereading.release_ticket(ticket, by=request.user, at=instant.now())
    except MoveError as error:
        return refusal(request, error, back=ways.back(request, ticket.pk))
    page = ways.back(request, ticket.pk)
    if not released:
        sentence = "No message on this ticket is quarantined any more."
        return done(request, sentence, page, level=INFO)
    return done(request, rereading.said_of(released), page)


# --- Reading it again ------------------------------------------------------------------------
def _again(request: Request, message_id: int, act: Act) -> HttpResponse:
    """GET looks ahead; POST does it: as it was `shown`, or in the queue when nobody looked."""
    found = _find(request, message_id)
    try:
        if request.method != "POST":
            return _preview(request, found, act, _look_ahead(request, found, act))
        if shown := request.POST.get("shown", ""):
            return _carry_out(request, found, act, shown)
        verb = rereading.replay if act is Act.REPLAY else rereading.release
        verb(message_id=found.pk, by=request.user, at=instant.now())
    except NotNow as error:
        return _refused(request, found, act, error, 409)
    except NotAllowed as error:
        # Theirs to do, but not with this one: they read why on the page they are on.
        return _refused(request, found, act, error, 403)
    return done(request, _QUEUED[act], _page_of(found))


def _look_ahead(request: Request, found: Message, act: Act) -> Preview:
    return replaying.preview(act=act, message_id=found.pk, by=request.user, at=instant.now())


def _carry_out(request: Request, found: Message, act: Act, shown: str) -> HttpResponse:
    """Do it and show it beside what was foretold; another outcome than that is shown first."""
    ahead = _look_ahead(request, found, act)
    try:
        did = replaying.carry_out(
            act=act, message_id=found.pk, shown=shown, by=request.user, at=instant.now()
        )
    except (Moved, ForNothing) as error:
        ahead = _look_ahead(request, found, act)
        return _preview(request, found, act, ahead, moved=str(error), status=409)
    return _preview(request, found, act, ahead, did=did)


def _preview(
    request: Request, found: Message, act: Act, ahead: Preview, *, did: Account | None = None,
    moved: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        "message": found,
        "act": act.value,
        "act_name": _NAMES[act],
        "act_url": reverse(f"connectors:{act}-message", args=[found.pk]),
        "ahead": ahead,
        "did": did,
        "moved": moved,
    }
    name = "_replay" if request.htmx and not request.htmx.history_restore_request else "replay"
    return render(request, f"connectors/{name}.html", context, status=status)


def _refused(
    request: Request, found: Message, act: Act, error: Exception, status: int
) -> HttpResponse:
    if request.method == "POST" or request.htmx:
        return refusal(request, error, status=status)
    context = {"message": found, "act_name": _NAMES[act], "refusal": str(error)}
    return render(request, "connectors/replay.html", context, status=status)


def download(request: Request, thing: looking.Seen, body: bytes, name: str) -> HttpResponse:
    """Raw bytes as a file that no browser interprets; written down as a look at them."""
    if request.scope is Scope.MASKED:
        raise NotAllowed("Values are masked for you, so the raw bytes are not handed out.")
    looking.note(thing, by=request.user, at=instant.now())
    return HttpResponse(
        body,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.bin"',
            "X-Content-Type-Options": "nosniff",
        },
    )


# --- Underneath ------------------------------------------------------------------------------
def _find(request: Request, message_id: int) -> Message:
    seen = looking.visible(request.user).select_related("connection", "receipt")
    return get_object_or_404(seen, pk=message_id)


def _page_of(found: Message) -> str:
    return reverse("connectors:message", args=[found.pk])


def _told(request: Request, sight: looking.Sight, signal: Signal | None) -> dict[str, Any] | None:
    """Where `?field=` was told, marked in the bytes; None when nothing such is asked for."""
    name = request.GET.get("field", "")
    told = {**signal.fields, "state": signal.target} if signal else {}
    if sight.raw is None or name not in told:
        return None
    value = told[name]
    readable = bool(value) and bool(sight.laid_out)
    pieces = raw.marked(sight.text, value) if readable else []
    places = sum(one.is_marked for one in pieces)
    return {"name": name.replace("_", " "), "value": value, "pieces": pieces, "places": places}


def _siblings(request: Request, found: Message) -> list[Message]:
    """The events of the same post that this person may see, in its order."""
    seen = looking.visible(request.user).filter(receipt=found.receipt_id)
    return list(seen.only("pk", "position").order_by("position"))


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
        "conflicts": _conflicts(request, found),
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


def _conflicts(request: Request, found: Message) -> int:
    """How many other contents came under its key, as far as their tickets are seen."""
    seen = Ticket.objects.visible_to(request.user)
    subjects = Occurrence.objects.filter(ticket__in=seen, subject__startswith=f"{found.ref}:")
    return subjects.filter(ticket__kind="message-conflict").count()


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
    return {
        "release": refusal_for(request.user, Permission.RELEASE_QUARANTINE)
        or ("" if kept else "Only a quarantined message is released."),
        "replay": whose_message.refusal_of_replay(found, request.user)
        or ("This message is about to be digested anyway." if waits else ""),
    }
