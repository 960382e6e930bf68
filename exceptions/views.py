"""The queue and its tickets: what went wrong, who has it, by when, and what can be done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db.models import Count, Q
from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions import (
    delegation,
    desk,
    head,
    learning,
    linking,
    looks,
    news,
    next_steps,
    saved_views,
    showing,
    story,
    undoing,
    ways,
)  # fmt: skip
from exceptions import export as file
from exceptions.bulk_forms import Bar
from exceptions.filters import MORE, Asked
from exceptions.forms import FORMS
from exceptions.models import QueueLook, Ticket
from exceptions.showing import PEOPLE
from exceptions.states import MoveError, Resolution
from meshline import instant
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import csv_export, paging
from meshline.web import seen as facts
from meshline.web.access import done, refusal, requires, say
from meshline.web.requests import Request

# Where a ticket stands beside the queue.
PANE = "pane"
# What else can be done from a row.
MENU = "menu"


# --- The queue -------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_QUEUE)
def queue(request: Request) -> HttpResponse:
    """One tab, narrowed by the filter; to htmx only the parts that change."""
    is_part = request.htmx and not request.htmx.history_restore_request
    if request.htmx and "since" in request.GET:
        return news.answer(request)
    if is_part and head.WORD in request.GET:
        return head.answer(request)
    asked = Asked.of(request, request.GET)
    if is_part and MORE in request.GET:
        asked.filter.offer_lists()
        return render(request, "exceptions/_more_filters.html", {"filter": asked.filter})
    look = looks.look_of(request.user)
    if look.begins_with and not request.GET:
        return redirect(f"{request.path}?{look.begins_with.words}")
    context = list_of(request, asked, look)
    if is_part:
        response = render(request, "exceptions/_narrowed.html", context)
        response.headers["HX-Push-Url"] = f"{request.path}?{asked.query()}"
        return response
    asked.filter.offer_lists()
    views = saved_views.offered(request, asked, look)
    context |= {"views": views, "choices": saved_views.choices(look)}
    return render(request, "exceptions/queue.html", context)


def list_of(request: Request, asked: Asked, look: QueueLook) -> dict[str, Any]:
    """The rows of the queue, its numbers, and the bar over them."""
    above, newest = _head(request, asked), news.newest()
    # What is resolved says when; nothing else is sorted by that.
    page = paging.page(asked.rows, request, by=asked.order, none_without=True)
    showing.accompany(page.items)
    return {
        **above,
        "look": look,
        "columns": look.columns,
        "page": page,
        "rows": showing.seen_by(page.items, request.user, at=_now(request)),
        "newest": newest,
        "told": 0,
        "bar": Bar(request.user, asked, above["counts"][asked.tab], newest),
    }


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
    """The whole ticket; to htmx what became of it since `seen`, its row with a form or that row's
    menu, or all of it as it stands beside the queue."""
    found = find(request, ticket_id)
    asks = request.GET.get("ask", "") if request.htmx else ""
    if asks == MENU:
        seen = showing.alone(found, request.user, at=_now(request))
        return render(request, "exceptions/_row_menu.html", {"seen": seen})
    if asks in FORMS:
        return _row(request, found, asks=asks)
    if request.htmx and request.htmx.target == PANE:
        context = {**_all_of(request, found), "is_pane": True, "keeps_typing": False}
        return render(request, "exceptions/_ticket.html", context)
    context = _all_of(request, found)
    if not request.htmx or request.htmx.history_restore_request:
        return _page(request, context)
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
    return act(request, ticket_id, desk.claim, "Claimed.", can_undo=True)


@require_POST
@requires(Permission.WORK_QUEUE)
def release(request: Request, ticket_id: int) -> HttpResponse:
    return act(request, ticket_id, desk.release, "Released.", can_undo=True)


@require_POST
@requires(Permission.WORK_QUEUE)
def acknowledge(request: Request, ticket_id: int) -> HttpResponse:
    return act(request, ticket_id, desk.acknowledge, "Acknowledged.", can_undo=True)


@require_POST
@requires(Permission.RESOLVE_TICKET)
def resolve(request: Request, ticket_id: int) -> HttpResponse:
    form = form_of("resolve", request, ticket_id)
    response = act(request, ticket_id, desk.resolve, "Resolved.", form=form)
    if response.status_code == 200:
        # Whoever works through a list goes on to its next ticket.
        response.headers["HX-Trigger-After-Settle"] = "ticket-resolved"
    return response


@require_POST
@requires(Permission.WORK_QUEUE)
def escalate(request: Request, ticket_id: int) -> HttpResponse:
    form = form_of("escalate", request, ticket_id)
    return act(request, ticket_id, desk.escalate, "Escalated.", form=form)


@require_POST
@requires(Permission.WORK_QUEUE)
def keep(request: Request, ticket_id: int) -> HttpResponse:
    """Whoever has it for somebody who is out keeps it for good."""
    return act(request, ticket_id, delegation.keep, "It stays where it is.")


@require_POST
@requires(Permission.NOTE_TICKET)
def note(request: Request, ticket_id: int) -> HttpResponse:
    form = form_of("note", request, ticket_id)
    return act(request, ticket_id, desk.note, "Your note is kept.", form=form)


# --- Underneath: acting ----------------------------------------------------------------------
def act(
    request: Request, ticket_id: int, verb: Callable, sentence: str, *,
    form: Form | None = None, can_undo: bool = False,
) -> HttpResponse:  # fmt: skip
    """Ask one verb of the desk, and show what became of the ticket."""
    find(request, ticket_id)
    if form is not None and not form.is_valid():
        return _show(request, ticket_id, form=form, status=422)
    asked = form.cleaned_data if form is not None else {}
    given = {"ticket_id": ticket_id, "by": request.user, "at": instant.now(), **asked}
    try:
        undo = _do(verb, given, can_undo=can_undo)
    except MoveError as error:
        return _show(request, ticket_id, form=form, status=409, refusal=str(error))
    except ValueError as error:
        if form is None:
            raise
        form.add_error(None, str(error))
        return _show(request, ticket_id, form=form, status=422)
    return did(request, ticket_id, sentence, undo)


def _do(verb: Callable, given: dict[str, Any], *, can_undo: bool) -> str:
    """Do it; the URL that takes it back, where there is one."""
    if not can_undo:
        verb(**given)
        return ""
    done = undoing.doing(verb, **given)
    address = reverse("exceptions:undo", args=[done.ticket])
    return f"{address}?{urlencode({'was': facts.keep(done.as_facts())})}"


def did(request: Request, ticket_id: int, sentence: str, undo: str = "") -> HttpResponse:
    """It happened: the part that changed, or back to where the person came from."""
    found = _visible(request).filter(pk=ticket_id).first()
    if found is None:  # handed on to somebody outside the person's scope
        return done(request, sentence, "exceptions:queue")
    if request.htmx:
        return say(request, _part(request, found), sentence, undo=undo)
    return done(request, sentence, ways.back(request, ticket_id), undo=undo)


def _show(
    request: Request, ticket_id: int, *, form: Form | None, status: int, refusal: str = ""
) -> HttpResponse:
    """It did not happen: the ticket as it truly is, why not, and what was typed."""
    found = find(request, ticket_id)
    if not request.htmx:
        context = _all_of(request, found, form=form, refusal=refusal)
        return _page(request, context, status=status)
    response = _part(request, found, form=form, status=status)
    if refusal:
        said = {"sentence": refusal, "tone": "danger", "out_of_band": True}
        response.write(render_to_string("web/_message.html", said, request))
    return response


def _page(request: Request, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The ticket's own page, with the way back to the list one came from and on through it."""
    words = _came_by(request)
    context |= {
        "sent_along": {ways.VIEW: words} if words else {},
        "queue_url": f"{reverse('exceptions:queue')}?{words}",
        "next_url": f"{reverse('exceptions:next', args=[context['seen'].pk])}?{words}",
    }
    return render(request, "exceptions/ticket.html", context, status=status)


def _came_by(request: Request) -> str:
    """The words of the list one came from, or those the queue begins with."""
    words = ways.listed(request)
    if words is not None:
        return words
    begins_with = looks.look_of(request.user).begins_with
    return begins_with.words if begins_with else ""


def _part(
    request: Request, found: Ticket, *, form: Form | None = None, status: int = 200
) -> HttpResponse:
    """The part of the page the person acted on: a row of the queue, or the ticket's own page."""
    if request.htmx.target == f"ticket-{found.pk}":
        return _row(request, found, form=form, asks=_asked_again(form, status), status=status)
    context = {**_all_of(request, found, form=form), **_beside(request)}
    return render(request, "exceptions/_live_answer.html", context, status=status)


def _asked_again(form: Form | None, status: int) -> str:
    """The name of the form that stands open in the row, as it was not filled in right."""
    return next((act for act, kind in FORMS.items() if status == 422 and type(form) is kind), "")


def _row(
    request: Request, found: Ticket, *, form: Form | None = None, asks: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    """A row of the queue as it is now, and the queue's numbers with it."""
    context = {
        **_queue_of(request),
        **_forms(found, form),
        "seen": showing.alone(found, request.user, at=_now(request)),
        "asks": asks,
    }
    return render(request, "exceptions/_row_answer.html", context, status=status)


def _beside(request: Request) -> dict[str, Any]:
    """The queue beside the ticket, where it was acted on there."""
    path = urlsplit(request.htmx.current_url or "").path
    is_beside = path == reverse("exceptions:queue")
    return {**_queue_of(request), "is_beside": True} if is_beside else {}


def _queue_of(request: Request) -> dict[str, Any]:
    """The numbers and columns of the queue that the person looks at."""
    words = QueryDict(urlsplit(request.htmx.current_url or "").query)
    look = looks.look_of(request.user)
    return {**_head(request, Asked.of(request, words)), "columns": look.columns}


# --- Underneath: finding and showing ---------------------------------------------------------
def _visible(request: Request) -> Any:
    return Ticket.objects.visible_to(request.user).select_related("team", *PEOPLE)


def find(request: Request, ticket_id: int) -> Ticket:
    return get_object_or_404(_visible(request), pk=ticket_id)


def _head(request: Request, asked: Asked) -> dict[str, Any]:
    return {
        **head.of(request, asked),
        "asked": asked,
        "filter": asked.filter,
        "export_url": f"{reverse('exceptions:export')}?{asked.query()}",
        "export_refusal": refusal_for(request.user, Permission.EXPORT_QUEUE),
        "exports_own": scope(request.user, Permission.EXPORT_QUEUE) is Scope.OWN,
        "reasons": Resolution.for_people(),
    }


def _now(request: Request) -> datetime:
    """One moment for the whole page."""
    return request.now or instant.now()


def _all_of(
    request: Request, found: Ticket, *, form: Form | None = None, refusal: str = ""
) -> dict[str, Any]:
    """Everything on a ticket's page."""
    seen = showing.alone(found, request.user, at=_now(request))
    written = story.lines(found)
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
        "linked": [seen.beside(one) for one in linking.linked(found, request.user)],
        "notes": [(one, seen.words(one.text)) for one in showing.notes(found)],
        "story": story.told(seen, written),
        "outlook": next_steps.outlook(found),
        "learned": learning.Learned(seen, _now(request)),
        "has_older_story": len(written) > story.LENGTH,
        "trail_refusal": refusal_for(request.user, Permission.SEE_TRAIL),
        "fingerprint": _fingerprint(request, found, written, settled),
        "reasons": Resolution.for_people(),
        # What the page asks by itself leaves half-written forms alone.
        "keeps_typing": request.method == "GET",
        **_forms(found, form),
    }


def form_of(act: str, request: Request, ticket_id: int) -> Form:
    """What was typed into one of a ticket's forms."""
    return FORMS[act](request.POST, auto_id=_ids(act, ticket_id))


def _forms(found: Ticket, given: Form | None = None) -> dict[str, Form]:
    """The ticket's forms; the one that was sent comes with what was typed."""
    return {
        f"{act.replace('-', '_')}_form": given
        if isinstance(given, kind)
        else kind(auto_id=_ids(act, found.pk))
        for act, kind in FORMS.items()
    }


def _ids(name: str, ticket_id: int) -> str:
    return f"{name}-{ticket_id}-%s"


def _fingerprint(request: Request, found: Ticket, written: list, settled: dict[str, int]) -> str:
    """Changes whenever the page would look different: by what was done, and by the minute."""
    line = written[0].pk if written else 0
    seen_at = int(found.last_seen_at.timestamp())
    minute = int(_now(request).timestamp() // 60)
    return f"{found.status}-{line}-{settled['settled']}-{seen_at}-{minute}"
