"""Many tickets at once: asked for from the bar over the queue, and watched on a page of its own."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exceptions import bulk, looks, views
from exceptions.bulk_acts import ACTS
from exceptions.bulk_forms import Selection, form_of
from exceptions.filters import Asked
from exceptions.models import BulkJob, Outcome
from exceptions.states import MoveError
from meshline import instant
from meshline.people import permissions
from meshline.people.permissions import Permission
from meshline.web import paging
from meshline.web.access import done, refusal, requires, say
from meshline.web.requests import Request


# --- Asking ----------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.NOTE_TICKET)
def ask(request: Request) -> HttpResponse:
    """Do it to the selected rows, or to all that the filter showed; read by htmx, what it asks."""
    if request.method != "POST":
        return _form(request) if request.htmx else redirect("exceptions:queue")
    # The queue is shown again as the person had it.
    request.GET = QueryDict(request.POST.get("words", ""))
    asked, act = Asked.of(request, request.GET), request.POST.get("act", "")
    if act not in ACTS:
        return _again(request, asked, "Choose what to do with them.", status=422)
    form = form_of(act, request.POST)
    if form is not None and not form.is_valid():
        return _again(request, asked, "", form=form, status=422)
    given = form.cleaned_data if form is not None else {}
    try:
        selection = Selection.of(request.POST)
        job = selection.job(asked, act=act, given=given, by=request.user, at=instant.now())
    except MoveError as error:
        return _again(request, asked, str(error), form=form, status=409)
    except ValueError as error:
        return _again(request, asked, str(error), form=form, status=422)
    return _asked(request, job, asked)


# --- Watching --------------------------------------------------------------------------------
@require_safe
@requires(Permission.NOTE_TICKET)
def job(request: Request, job_id: int) -> HttpResponse:
    """How far it is; to htmx the part that changes."""
    found = _find(request, job_id)
    template = "exceptions/_bulk_job.html" if request.htmx else "exceptions/bulk.html"
    return render(request, template, _all_of(request, found))


@require_POST
@requires(Permission.NOTE_TICKET)
def start(request: Request, job_id: int) -> HttpResponse:
    return _act(request, job_id, bulk.start, "It is started.")


@require_POST
@requires(Permission.NOTE_TICKET)
def cancel(request: Request, job_id: int) -> HttpResponse:
    return _act(request, job_id, bulk.cancel, "It is cancelled: the rest stays as it is.")


@require_POST
@requires(Permission.NOTE_TICKET)
def retry(request: Request, job_id: int) -> HttpResponse:
    """A job of its own, of what failed."""
    _find(request, job_id)
    try:
        job = bulk.retry(job_id=job_id, by=request.user, at=instant.now())
    except (MoveError, ValueError) as error:
        return refusal(request, error)
    if job.items.count() <= bulk.AT_ONCE:
        bulk.work_on(job)
    return done(request, "What failed is tried again.", _address(job))


# --- Underneath ------------------------------------------------------------------------------
def _asked(request: Request, job: BulkJob, asked: Asked) -> HttpResponse:
    """A few are done at once and told here; more have a page of their own."""
    if job.items.count() > bulk.AT_ONCE:
        words = "It is on its way." if job.started_at else "Nothing is done before you say yes."
        return done(request, words, _address(job))
    bulk.work_on(job)
    numbers, act = job.numbers(), ACTS[job.act]
    words = f"{numbers['done']} {'ticket' if numbers['done'] == 1 else 'tickets'} {act.done}."
    if not request.htmx:
        queue = f"{reverse('exceptions:queue')}?{asked.query()}"
        return done(request, words, _address(job) if numbers["failed"] else queue)
    context = views.list_of(request, Asked.of(request, request.GET), looks.look_of(request.user))
    context["bar"].job = job
    context |= {"numbers_of": numbers, "faults": _faults(job)[:20]}
    answer = render(request, "exceptions/_narrowed.html", context)
    return say(request, _instead_of_the_list(answer), words)


def _form(request: Request) -> HttpResponse:
    """What one act asks for, still empty."""
    act = ACTS.get(request.GET.get("act", ""))
    form = form_of(act.name) if act else None
    if act is None or form is None:
        raise Http404("No such act asks for anything.")
    permissions.check(request.user, act.permission)
    return render(request, "exceptions/_bulk_form.html", {"act": act, "form": form})


def _again(
    request: Request, asked: Asked, fault: str, *, form: Any = None, status: int
) -> HttpResponse:
    """Nothing was done: the bar as it was filled in, and why."""
    context = views.list_of(request, asked, looks.look_of(request.user))
    chosen = {word for word in request.POST.getlist("ticket") if word.isdigit()}
    context["bar"] = replace(
        context["bar"], given=form, fault=fault, selected=frozenset(chosen),
        takes_all=request.POST.get("all") == "1" and status != 409,
    )  # fmt: skip
    if not request.htmx:
        asked.filter.offer_lists()
        return render(request, "exceptions/queue.html", context, status=status)
    # The whole list: what the bar counts is always what stands below it.
    return _instead_of_the_list(
        render(request, "exceptions/_narrowed.html", context, status=status)
    )


def _instead_of_the_list(answer: HttpResponse) -> HttpResponse:
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#tickets", "outerHTML"
    return answer


def _find(request: Request, job_id: int) -> BulkJob:
    rows = BulkJob.objects.visible_to(request.user).select_related("by", "cancelled_by")
    return get_object_or_404(rows, pk=job_id)


def _act(request: Request, job_id: int, verb: Any, sentence: str) -> HttpResponse:
    _find(request, job_id)
    try:
        verb(job_id=job_id, by=request.user, at=instant.now())
    except MoveError as error:
        return refusal(request, error)
    if not request.htmx:
        return done(request, sentence, _address_of(job_id))
    found = _find(request, job_id)
    part = render(request, "exceptions/_bulk_job.html", _all_of(request, found))
    return say(request, part, sentence)


def _all_of(request: Request, job: BulkJob) -> dict[str, Any]:
    page = paging.page(_faults(job), request, by="id")
    return {
        "job": job,
        "act": ACTS[job.act],
        "numbers_of": job.numbers(),
        "page": page,
        "faults": page.items,
        "is_mine": job.by_id == request.user.pk,
        "queue_url": f"{reverse('exceptions:queue')}?{job.words}",
    }


def _faults(job: BulkJob) -> Any:
    return job.items.filter(outcome=Outcome.FAILED).select_related("ticket").order_by("pk")


def _address(job: BulkJob) -> str:
    return _address_of(job.pk)


def _address_of(job_id: int) -> str:
    return reverse("exceptions:bulk-job", args=[job_id])
