"""What goes out: every outcome with its attempts and proof, and what a person may do with it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from connectors import health, mirroring, registry, retrying, showing
from connectors.delivery import links_of
from connectors.filters import OutcomeFilter
from connectors.models import Connection
from connectors.showing import Row, Sight
from exceptions import ways
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, Scope, may, refusal_for
from meshline.web import paging
from meshline.web.access import done, refusal, requires, say
from meshline.web.requests import Request
from proposals import forcing, sources, steering
from proposals.models import Outcome, Proposal, Signal
from proposals.models.outcome import State
from proposals.steering import NotNow, Replaced

_RETRIED = (State.DUE, State.GIVEN_UP, State.DELIVERED)
_HELD = "It is held: whoever may lets it go."
_CANCELLED = (State.DUE, State.HELD, State.GIVEN_UP)
_OVER = (State.PROVEN, State.CANCELLED)
# Of a ticket with more records the first ones are looked up.
_MOST_RECORDS = 10


# --- The list --------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PROPOSALS)
def outcomes(request: Request) -> HttpResponse:
    seen = showing.visible(request.user)
    asked = OutcomeFilter(request.GET or None, queryset=seen, request=request)
    page = paging.page(asked.rows.select_related("proposal", "contract"), request)
    at, masked = request.now or instant.now(), request.scope is Scope.MASKED
    context = {
        "filter": asked,
        "tabs": asked.tabs(request),
        "page": page,
        "rows": showing.rows(page.items, masked=masked, at=at),
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
    found, at = _find(request, outcome_id), instant.now()
    try:
        retrying.retry_outcome(outcome_id=found.pk, by=request.user, at=at)
    except Replaced as error:
        return refusal(request, _linked(error))
    except NotNow as error:
        return refusal(request, error)
    health.probe_now(found.connection, at=at)
    held = showing.row(_find(request, outcome_id), masked=True, at=at).held
    return _did(request, outcome_id, f"It is due now. {held.why}" if held else "It is due now.")


@require_POST
@requires(Permission.RETRY_OUTCOME)
def cancel(request: Request, outcome_id: int) -> HttpResponse:
    found = _find(request, outcome_id)
    reason = request.POST.get("reason", "").replace("\0", "")[:4000]
    try:
        steering.cancel(outcome_id=found.pk, reason=reason, by=request.user, at=instant.now())
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
    try:
        sentence = retrying.retry_ticket(ticket, by=request.user, at=instant.now())
    except MoveError as error:
        return refusal(request, error, back=ways.back(request, ticket.pk))
    return done(request, sentence, ways.back(request, ticket.pk))


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


@require_safe
@requires(Permission.SEE_QUEUE)
def ticket_places(request: Request, ticket_id: int) -> HttpResponse:
    """Where what a ticket is about is in the other systems: as a page, or as a part."""
    seen = Ticket.objects.visible_to(request.user)
    ticket = get_object_or_404(seen, pk=ticket_id)
    hanging = ticket.all_occurrences.exclude(record="").values_list("record", flat=True)
    records = list(dict.fromkeys([ticket.record, *hanging.order_by("pk")[:_MOST_RECORDS]]))
    context = {
        "ticket": ticket,
        "records": [(title, showing.places(record)) for record, title in _titled(request, records)],
        "may_see_connections": may(request.user, Permission.SEE_CONNECTIONS),
    }
    part = "_ticket_places" if request.htmx else "ticket_places"
    return render(request, f"connectors/{part}.html", context)


def _titled(request: Request, records: list[str]) -> list[tuple[str, str]]:
    """Those of these records that this person may see, each with its name."""
    ids = [one.partition(":")[2] for one in records if one.startswith("proposal:")]
    found = Proposal.objects.visible_to(request.user).filter(pk__in=filter(str.isdecimal, ids))
    return [(one.record, str(one)) for one in found.order_by("pk")]


# --- Underneath ------------------------------------------------------------------------------
def _find(request: Request, outcome_id: int) -> Outcome:
    related = ("proposal__owner", "contract", "signal", "undo_of")
    return get_object_or_404(showing.visible(request.user).select_related(*related), pk=outcome_id)


def _linked(error: Replaced) -> SafeString:
    """Why it is not retried, and where that is which took its place."""
    url = reverse("connectors:outcome", args=[error.by.pk])
    return format_html('{} <a href="{}">Show it</a>', error, url)


def _did(request: Request, outcome_id: int, sentence: str) -> HttpResponse:
    if not request.htmx:
        return done(request, sentence, reverse("connectors:outcome", args=[outcome_id]))
    context = _all_of(request, _find(request, outcome_id))
    return say(request, render(request, "connectors/_outcome.html", context), sentence)


def _all_of(request: Request, found: Outcome) -> dict[str, Any]:
    masked = request.scope is Scope.MASKED
    at = request.now or instant.now()
    row, sight = showing.row(found, masked=masked, at=at), Sight.of(request.user)
    attempts = showing.attempts(found, sight, masked=masked)
    proof = next((one for one in attempts if one.tried.succeeded), None)
    replaced_by = forcing.in_place_of(found)
    return {
        "row": row,
        "outcome": found,
        "fingerprint": _fingerprint(row, len(attempts)),
        "is_over": found.state in _OVER,
        "idempotency": showing.idempotency(found.kind),
        "params": None if sight.refusal else sight.data(found.params),
        "left_alone": _left_alone(found),
        "told": [] if sight.refusal else _told(request, found),
        "sight": sight,
        "attempts": attempts,
        "proof": proof,
        "place": showing.place_of(found),
        "message": _message(request, found),
        "connection": _connection(request, found),
        "tickets": _tickets(request, found),
        "trail": _trail(request, found, masked),
        "replaced_by": replaced_by,
        "refusals": _refusals(request, found, replaced_by),
    }


def _fingerprint(row: Row, attempts: int) -> str:
    one = row.outcome
    due = int(one.next_attempt_at.timestamp())
    is_unwanted = one.unwanted_at is not None
    return f"{row.state}-{attempts}-{one.attempts}-{due}-{bool(one.ticketed_at)}-{is_unwanted}"


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


def _left_alone(found: Outcome) -> dict[str, list[str]]:
    """What it carries and does not write: the other side's word counts for it, or it was found to
    differ there and nobody decided."""
    there = Connection.objects.filter(slug=found.connection).first()
    delivery = registry.system(there.system).delivery(found.kind) if there else None
    if there is None or delivery is None:
        return {}
    if not links_of(found, there):
        return {}
    its_own = mirroring.its_own(found, delivery, there)
    apart = mirroring.apart(found, delivery, there) - its_own
    return {"its_own": _in_words(its_own), "apart": _in_words(apart)}


def _in_words(names: set[str]) -> list[str]:
    return sorted(name.replace("_", " ") for name in names)


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


def _refusals(request: Request, found: Outcome, replaced_by: Outcome | None) -> dict[str, str]:
    """Why not, for the two acts; empty means: go ahead."""
    not_yours = refusal_for(request.user, Permission.RETRY_OUTCOME)
    state = found.get_state_display().lower()
    return {
        "retry": not_yours
        or (forcing.says_replaced(replaced_by) if replaced_by else "")
        or (_HELD if found.state == State.HELD else "")
        or ("" if found.state in _RETRIED else f"An outcome that is {state} needs no retry."),
        "cancel": not_yours
        or ("" if found.state in _CANCELLED else f"An outcome that is {state} stays as it is."),
    }
