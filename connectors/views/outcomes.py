"""What goes out: every outcome with its attempts and proof, and what a person may do with it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from connectors import health, retrying, showing
from connectors.filters import OutcomeFilter
from connectors.models import Connection
from connectors.showing import Row, Sight
from exceptions.models import Occurrence, Ticket
from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, Scope, may, refusal_for
from meshline.web import paging
from meshline.web.access import done, refusal, requires, say
from meshline.web.requests import Request
from proposals import outbox, sources
from proposals.models import Outcome, Proposal, Signal
from proposals.models.outcome import State
from proposals.outbox import NotNow

_RETRIED = (State.DUE, State.GIVEN_UP, State.DELIVERED)
_HELD = "It is held: whoever may lets it go."
_CANCELLED = (State.DUE, State.HELD, State.GIVEN_UP)
_OVER = (State.PROVEN, State.CANCELLED)


# --- The list --------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def outcomes(request: Request) -> HttpResponse:
    seen = showing.visible(request.user)
    asked = OutcomeFilter(request.GET or None, queryset=seen, request=request)
    page = paging.page(asked.rows.select_related("proposal", "contract"), request)
    context = {
        "filter": asked,
        "tabs": asked.tabs(request),
        "page": page,
        "rows": showing.rows(page.items, masked=request.scope is Scope.MASKED),
        "may_see_connections": may(request.user, Permission.SEE_CONNECTIONS),
    }
    whole = not request.htmx or request.htmx.history_restore_request
    return render(request, f"connectors/{'outcomes' if whole else '_outcomes'}.html", context)


# --- One outcome -----------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def outcome(request: Request, outcome_id: int) -> HttpResponse:
    """The whole outcome; to htmx its part, or nothing while it is as it was `seen`."""
    found = _find(request, outcome_id)
    context = _all_of(request, found)
    if not request.htmx or request.htmx.history_restore_request:
        return render(request, "connectors/outcome.html", context)
    if request.GET.get("seen") == context["fingerprint"]:
        return HttpResponse(status=204)
    return render(request, "connectors/_outcome.html", context)


@require_POST
@requires(Permission.RETRY_OUTCOME)
def retry(request: Request, outcome_id: int) -> HttpResponse:
    found = _find(request, outcome_id)
    try:
        retrying.retry_outcome(outcome_id=found.pk, by=request.user, at=instant.now())
    except NotNow as error:
        return refusal(request, error)
    health.probe_now(found.connection, at=instant.now())
    held = showing.row(_find(request, outcome_id), masked=True).held
    return _did(request, outcome_id, f"It is due now. {held.why}" if held else "It is due now.")


@require_POST
@requires(Permission.RETRY_OUTCOME)
def cancel(request: Request, outcome_id: int) -> HttpResponse:
    found = _find(request, outcome_id)
    reason = request.POST.get("reason", "").replace("\0", "")[:4000]
    try:
        outbox.cancel(outcome_id=found.pk, reason=reason, by=request.user, at=instant.now())
    except NotNow as error:
        return refusal(request, error)
    except ValueError as error:
        return refusal(request, error, status=422)
    return _did(request, outcome_id, "It is called off.")


@require_POST
@requires(Permission.RETRY_OUTCOME)
def retry_ticket(request: Request, ticket_id: int) -> HttpResponse:
    seen = Ticket.objects.visible_to(request.user)
    ticket = get_object_or_404(seen, pk=ticket_id)
    sentence = retrying.retry_ticket(ticket, by=request.user, at=instant.now())
    return done(request, sentence, reverse("exceptions:ticket", args=[ticket.pk]))


# --- Where a record is -----------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def links(request: Request, record: str) -> HttpResponse:
    kind, _, pk = record.partition(":")
    known = kind == "proposal" and pk.isascii() and pk.isdecimal() and len(pk) < 19
    if not known or not Proposal.objects.visible_to(request.user).filter(pk=pk).exists():
        raise Http404
    context = {
        "places": showing.places(record),
        "may_see_connections": may(request.user, Permission.SEE_CONNECTIONS),
    }
    return render(request, "connectors/_links.html", context)


# --- Underneath ------------------------------------------------------------------------------
def _find(request: Request, outcome_id: int) -> Outcome:
    related = ("proposal__owner", "contract", "signal", "undo_of")
    return get_object_or_404(showing.visible(request.user).select_related(*related), pk=outcome_id)


def _did(request: Request, outcome_id: int, sentence: str) -> HttpResponse:
    if not request.htmx:
        return done(request, sentence, reverse("connectors:outcome", args=[outcome_id]))
    context = _all_of(request, _find(request, outcome_id))
    return say(request, render(request, "connectors/_outcome.html", context), sentence)


def _all_of(request: Request, found: Outcome) -> dict[str, Any]:
    masked = request.scope is Scope.MASKED
    row, sight = showing.row(found, masked=masked), Sight.of(request.user)
    attempts = showing.attempts(found, sight, masked=masked)
    proof = next((one for one in attempts if one.tried.succeeded), None)
    return {
        "row": row,
        "outcome": found,
        "fingerprint": _fingerprint(row, len(attempts)),
        "is_over": found.state in _OVER,
        "idempotency": showing.idempotency(found.kind),
        "params": None if sight.refusal else sight.data(found.params),
        "told": [] if sight.refusal else _told(request, found),
        "sight": sight,
        "attempts": attempts,
        "proof": proof,
        "place": showing.place_of(found),
        "message": _message(request, found),
        "connection": _connection(request, found),
        "tickets": _tickets(request, found),
        "trail": _trail(request, found, masked),
        "refusals": _refusals(request, found),
    }


def _fingerprint(row: Row, attempts: int) -> str:
    one = row.outcome
    due = int(one.next_attempt_at.timestamp())
    return f"{row.state}-{attempts}-{one.attempts}-{due}-{bool(one.ticketed_at)}"


def _told(request: Request, found: Outcome) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each value it carries the messages that told it: the field's name, and their page."""
    opens = trail_filters.opens(request.user)
    return [
        (name.replace("_", " "), pages)
        for name, signals in sources.of_outcome(found).items()
        if (pages := _pages(signals, opens))
    ]


def _pages(signals: dict[str, Signal], opens: timeline.Opens) -> list[tuple[str, str]]:
    pages = [(field, timeline.page_of(one.origin, opens)) for field, one in signals.items()]
    return [(f.replace("_", " "), f"{url}?field={f}#told") for f, url in pages if url]


def _message(request: Request, found: Outcome) -> int | None:
    """The message behind the signal, for whoever may read it."""
    kind, _, pk = (found.signal.origin if found.signal else "").partition(":")
    is_message = kind == "message" and may(request.user, Permission.SEE_PAYLOADS)
    return int(pk) if is_message else None


def _connection(request: Request, found: Outcome) -> Connection | None:
    if not may(request.user, Permission.SEE_CONNECTIONS):
        return None
    return Connection.objects.filter(slug=found.connection).first()


def _tickets(request: Request, found: Outcome) -> list[Ticket]:
    hangs = Occurrence.objects.filter(subject=found.ref).values("ticket")
    return list(Ticket.objects.visible_to(request.user).filter(pk__in=hangs).order_by("-pk"))


def _trail(request: Request, found: Outcome, masked: bool) -> list[timeline.Entry]:
    lines = TrailLine.objects.filter(subject_kind="outcome", subject_id=str(found.pk))
    opens = trail_filters.opens(request.user)
    return timeline.read(lines.newest_first()[:50], masked=masked, opens=opens)


def _refusals(request: Request, found: Outcome) -> dict[str, str]:
    """Why not, for the two acts; empty means: go ahead."""
    not_yours = refusal_for(request.user, Permission.RETRY_OUTCOME)
    state = found.get_state_display().lower()
    return {
        "retry": not_yours
        or (_HELD if found.state == State.HELD else "")
        or ("" if found.state in _RETRIED else f"An outcome that is {state} needs no retry."),
        "cancel": not_yours
        or ("" if found.state in _CANCELLED else f"An outcome that is {state} stays as it is."),
    }
