"""The queue and its tickets: what went wrong, who has it, by when, and what can be done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Count, Q
from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions import delegation, desk, showing
from exceptions import export as file
from exceptions.filters import TABS, Asked
from exceptions.forms import EscalateForm, NoteForm, ResolveForm
from exceptions.models import Ticket
from exceptions.showing import PEOPLE
from exceptions.states import MoveError, Resolution
from meshline import instant
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import csv_export, paging
from meshline.web.access import back_from, done, refusal, requires, say
from meshline.web.requests import Request

# An open queue asks how the rows on it stand; more than a page of them is nobody's question.
ROWS_ASKED = 100
_LARGEST_ID = 2**63 - 1


# --- The queue -------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_QUEUE)
def queue(request: Request) -> HttpResponse:
    """One tab, narrowed by the filter; to htmx only the parts that change."""
    asked = Asked.of(request, request.GET)
    if request.htmx and "since" in request.GET:
        return _news(request, asked)
    page = paging.page(asked.rows.select_related("team", *PEOPLE), request, by=asked.order)
    context = {
        **_numbers(request, asked),
        "page": page,
        "rows": showing.seen_by(page.items, request.user, at=_now(request)),
        "newest": _newest(),
        "told": 0,
    }
    if request.htmx and not request.htmx.history_restore_request:
        response = render(request, "exceptions/_narrowed.html", context)
        response.headers["HX-Push-Url"] = f"{request.path}?{asked.query()}"
        return response
    asked.filter.offer_connections()
    return render(request, "exceptions/queue.html", context)


@require_POST
@requires(Permission.EXPORT_QUEUE)
def export(request: Request) -> HttpResponseBase:
    """The tab and filter in the URL as CSV, as far as this person may take it along."""
    asked = Asked.of(request, request.GET)
    if faults := csv_export.faults_of(asked.filter.form):
        return refusal(request, faults, status=422)
    return csv_export.send(
        request,
        file.tickets(asked, request.scope),
        whole=Ticket.objects.select_related("team", *PEOPLE),
        name="queue",
        columns=file.COLUMNS,
        asked={"tab": asked.tab, **csv_export.asked_of(asked.filter.form)},
        write=lambda chunks: file.rows(chunks, user=request.user),
    )


# --- A ticket --------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_QUEUE)
def ticket(request: Request, ticket_id: int) -> HttpResponse:
    """The whole ticket; to htmx what became of it since `seen`, or its row asking to resolve."""
    found = _find(request, ticket_id)
    if request.htmx and request.GET.get("ask") == "resolve":
        return _row(request, found, asks_resolve=True)
    context = _all_of(request, found)
    if not request.htmx or request.htmx.history_restore_request:
        return render(request, "exceptions/ticket.html", context)
    before = request.GET.get("seen", "")
    if before == context["fingerprint"]:
        return HttpResponse(status=204)
    answer = render(request, "exceptions/_live_answer.html", context)
    status = context["seen"].ticket.status
    moved = before and not before.startswith(f"{status}-")
    return say(request, answer, f"This ticket is {status} now.") if moved else answer


# --- What can be done with it ----------------------------------------------------------------
@require_POST
@requires(Permission.WORK_QUEUE)
def claim(request: Request, ticket_id: int) -> HttpResponse:
    return _act(request, ticket_id, desk.claim, "Claimed.", undo="exceptions:release")


@require_POST
@requires(Permission.WORK_QUEUE)
def release(request: Request, ticket_id: int) -> HttpResponse:
    return _act(request, ticket_id, desk.release, "Released.", undo="exceptions:claim")


@require_POST
@requires(Permission.WORK_QUEUE)
def acknowledge(request: Request, ticket_id: int) -> HttpResponse:
    return _act(request, ticket_id, desk.acknowledge, "Acknowledged.")


@require_POST
@requires(Permission.RESOLVE_TICKET)
def resolve(request: Request, ticket_id: int) -> HttpResponse:
    form = ResolveForm(request.POST, auto_id=_ids("resolve", ticket_id))
    return _act(request, ticket_id, desk.resolve, "Resolved.", form=form)


@require_POST
@requires(Permission.WORK_QUEUE)
def escalate(request: Request, ticket_id: int) -> HttpResponse:
    form = EscalateForm(request.POST, auto_id=_ids("escalate", ticket_id))
    return _act(request, ticket_id, desk.escalate, "Escalated.", form=form)


@require_POST
@requires(Permission.WORK_QUEUE)
def keep(request: Request, ticket_id: int) -> HttpResponse:
    """Whoever has it for somebody who is out keeps it for good."""
    return _act(request, ticket_id, delegation.keep, "It stays where it is.")


@require_POST
@requires(Permission.NOTE_TICKET)
def note(request: Request, ticket_id: int) -> HttpResponse:
    form = NoteForm(request.POST, auto_id=_ids("note", ticket_id))
    return _act(request, ticket_id, desk.note, "Your note is kept.", form=form)


# --- Underneath: acting ----------------------------------------------------------------------
def _act(
    request: Request, ticket_id: int, verb: Callable, sentence: str, *,
    form: Form | None = None, undo: str = "",
) -> HttpResponse:  # fmt: skip
    """Ask one verb of the desk, and show what became of the ticket."""
    _find(request, ticket_id)
    if form is not None and not form.is_valid():
        return _show(request, ticket_id, form=form, status=422)
    asked = form.cleaned_data if form is not None else {}
    try:
        verb(ticket_id=ticket_id, by=request.user, at=instant.now(), **asked)
    except MoveError as error:
        return _show(request, ticket_id, form=form, status=409, refusal=str(error))
    except ValueError as error:
        if form is None:
            raise
        form.add_error(None, str(error))
        return _show(request, ticket_id, form=form, status=422)
    return _did(request, ticket_id, sentence, reverse(undo, args=[ticket_id]) if undo else "")


def _did(request: Request, ticket_id: int, sentence: str, undo: str) -> HttpResponse:
    """It happened: the part that changed, or back to where the person came from."""
    found = _visible(request).filter(pk=ticket_id).first()
    if found is None:  # handed on to somebody outside the person's scope
        return done(request, sentence, "exceptions:queue")
    if request.htmx:
        return say(request, _part(request, found), sentence, undo=undo)
    return done(request, sentence, _way_back(request, ticket_id), undo=undo)


def _show(
    request: Request, ticket_id: int, *, form: Form | None, status: int, refusal: str = ""
) -> HttpResponse:
    """It did not happen: the ticket as it truly is, why not, and what was typed."""
    found = _find(request, ticket_id)
    if not request.htmx:
        context = _all_of(request, found, form=form, refusal=refusal)
        return render(request, "exceptions/ticket.html", context, status=status)
    response = _part(request, found, form=form, status=status)
    if refusal:
        said = {"sentence": refusal, "tone": "danger", "out_of_band": True}
        response.write(render_to_string("web/_message.html", said, request))
    return response


def _part(
    request: Request, found: Ticket, *, form: Form | None = None, status: int = 200
) -> HttpResponse:
    """The part of the page the person acted on: a row of the queue, or the ticket's own page."""
    if request.htmx.target == f"ticket-{found.pk}":
        return _row(request, found, form=form, asks_resolve=status == 422, status=status)
    context = _all_of(request, found, form=form)
    return render(request, "exceptions/_live_answer.html", context, status=status)


def _row(
    request: Request, found: Ticket, *, form: Form | None = None, asks_resolve: bool = False,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    """A row of the queue as it is now, and the queue's numbers with it."""
    words = QueryDict(urlsplit(request.htmx.current_url or "").query)
    context = {
        **_numbers(request, Asked.of(request, words)),
        **_forms(found, form),
        "seen": showing.seen_by([found], request.user, at=_now(request))[0],
        "asks_resolve": asks_resolve,
    }
    return render(request, "exceptions/_row_answer.html", context, status=status)


def _way_back(request: Request, ticket_id: int) -> str:
    """The queue as the person had it, or the ticket's page."""
    came_from, queue_url = back_from(request), reverse("exceptions:queue")
    if urlsplit(came_from).path == queue_url:
        return came_from
    return reverse("exceptions:ticket", args=[ticket_id])


# --- Underneath: finding and showing ---------------------------------------------------------
def _visible(request: Request) -> Any:
    return Ticket.objects.visible_to(request.user).select_related("team", *PEOPLE)


def _find(request: Request, ticket_id: int) -> Ticket:
    return get_object_or_404(_visible(request), pk=ticket_id)


def _numbers(request: Request, asked: Asked) -> dict[str, Any]:
    numbers = asked.numbers()
    tabs = [
        {
            "label": label,
            "url": f"{reverse('exceptions:queue')}?{asked.query(name)}",
            "count": numbers.counts[name],
            "current": name == asked.tab,
        }
        for name, label in TABS.items()
    ]
    return {
        "asked": asked,
        "filter": asked.filter,
        "numbers": numbers,
        "tabs": tabs,
        "urls": {name: tab["url"] for name, tab in zip(TABS, tabs, strict=True)},
        "is_masked": scope(request.user, Permission.SEE_QUEUE) is Scope.MASKED,
        "export_url": f"{reverse('exceptions:export')}?{asked.query()}",
        "export_refusal": refusal_for(request.user, Permission.EXPORT_QUEUE),
        "exports_own": scope(request.user, Permission.EXPORT_QUEUE) is Scope.OWN,
        "reasons": Resolution.for_people(),
    }


def _now(request: Request) -> datetime:
    """One moment for the whole page."""
    return request.now or instant.now()


def _newest() -> int:
    return Ticket.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _news(request: Request, asked: Asked) -> HttpResponse:
    """How many came since the page was loaded, and how the rows on it stand by now."""
    since, told = _number(request.GET["since"]), _number(request.GET.get("told", "0"))
    numbers = [_number(word) for word in request.GET.get("rows", "").split(".")[:ROWS_ASKED]]
    tickets = _visible(request).filter(pk__in=numbers).order_by("pk")
    new = asked.rows.filter(pk__gt=since).count()
    context = {
        "asked": asked,
        "newest": since,
        "told": new,
        "is_more": new > told,
        "rows": showing.seen_by(tickets, request.user, at=_now(request)),
    }
    return render(request, "exceptions/_news_answer.html", context)


def _number(word: str) -> int:
    """A number in a URL; what is none counts as one that nothing comes after."""
    is_number = word.isascii() and word.isdigit() and len(word) < 19
    return int(word) if is_number else _LARGEST_ID


def _all_of(
    request: Request, found: Ticket, *, form: Form | None = None, refusal: str = ""
) -> dict[str, Any]:
    """Everything on a ticket's page."""
    seen = showing.seen_by([found], request.user, at=_now(request))[0]
    written = showing.lines(found)
    settled = found.all_occurrences.aggregate(
        all=Count("pk"), settled=Count("pk", filter=~Q(settled_at=None))
    )
    page = paging.page(found.all_occurrences.all(), request, size=25)
    return {
        "seen": seen,
        "refusal": refusal,
        "evidence": showing.evidence(seen),
        "payload_refusal": refusal_for(request.user, Permission.SEE_PAYLOADS),
        "burn_down": settled,
        "occurrences": page,
        "subjects": [showing.hanging(one, seen) for one in page.items],
        "notes": [(one, seen.words(one.text)) for one in showing.notes(found)],
        "story": showing.story(seen, written),
        "has_older_story": len(written) > showing.STORY_LENGTH,
        "trail_refusal": refusal_for(request.user, Permission.SEE_TRAIL),
        "fingerprint": _fingerprint(request, found, written, settled),
        "reasons": Resolution.for_people(),
        # What the page asks by itself leaves half-written forms alone.
        "keeps_typing": request.method == "GET",
        **_forms(found, form),
    }


def _forms(found: Ticket, given: Form | None = None) -> dict[str, Form]:
    """The ticket's three forms; the one that was sent comes with what was typed."""
    kinds = {"resolve": ResolveForm, "escalate": EscalateForm, "note": NoteForm}
    return {
        f"{name}_form": given if isinstance(given, kind) else kind(auto_id=_ids(name, found.pk))
        for name, kind in kinds.items()
    }


def _ids(name: str, ticket_id: int) -> str:
    return f"{name}-{ticket_id}-%s"


def _fingerprint(request: Request, found: Ticket, written: list, settled: dict[str, int]) -> str:
    """Changes whenever the page would look different: by what was done, and by the minute."""
    line = written[0].pk if written else 0
    seen_at = int(found.last_seen_at.timestamp())
    minute = int(_now(request).timestamp() // 60)
    return f"{found.status}-{line}-{settled['settled']}-{seen_at}-{minute}"
