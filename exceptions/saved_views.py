"""A person's saved views and look of the queue, in the browser."""

import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions import columns, looks
from exceptions.filters import Asked
from exceptions.looks import ViewError
from exceptions.models import QueueLook, SavedView
from exceptions.saved_forms import SaveViewForm
from meshline.people.permissions import Permission
from meshline.web.access import back_from, done, requires
from meshline.web.requests import Request

# A count beyond this is nobody's question; it keeps many views from costing much.
COUNTED = 1000
# So long one page counts; of the views after that no number is told.
COUNTING_SECONDS = 0.5


@dataclass(frozen=True)
class Offered:
    """A saved view before one person's eyes."""

    view: SavedView
    url: str
    count: str
    is_current: bool
    is_own: bool
    begins: bool


@require_safe
@requires(Permission.SEE_QUEUE)
def views(request: Request) -> HttpResponse:
    """All views this person is offered; to htmx the row of them above the queue, counted anew."""
    asked = Asked.of(request, request.GET)
    views = offered(request, asked, looks.look_of(request.user))
    back = reverse("exceptions:queue")
    context = {"views": views, "asked": asked, "form": SaveViewForm(), "back": back}
    if request.htmx:
        return render(request, "exceptions/_views.html", context)
    return render(request, "exceptions/views.html", context)


@require_POST
@requires(Permission.SEE_QUEUE)
def save(request: Request) -> HttpResponse:
    form = SaveViewForm(request.POST)
    if form.is_valid():
        try:
            words = _readable(request, form.cleaned_data["words"])
            view = looks.save(by=request.user, **{**form.cleaned_data, "words": words})
        except ViewError as error:
            form.add_error(None, str(error))
        else:
            return done(request, f"“{view.name}” is saved.", _queue(view))
    asked_again = Asked.of(request, QueryDict(request.POST.get("words", "")))
    views = offered(request, asked_again, looks.look_of(request.user))
    back = _page(asked_again.query())
    context = {"views": views, "form": form, "asked": asked_again, "back": back}
    return render(request, "exceptions/views.html", context, status=422)


@require_POST
@requires(Permission.SEE_QUEUE)
def begin(request: Request, view_id: int) -> HttpResponse:
    """Open the queue with it; or, where it does already, with what is theirs and unclaimed."""
    view = get_object_or_404(SavedView.objects.offered_to(request.user), pk=view_id)
    if looks.look_of(request.user).begins_with == view:
        looks.begin_with(None, by=request.user)
        sentence = "The queue opens with what is yours and unclaimed."
    else:
        looks.begin_with(view, by=request.user)
        sentence = f"The queue opens with “{view.name}”."
    return done(request, sentence, "exceptions:views")


@require_POST
@requires(Permission.SEE_QUEUE)
def share(request: Request, view_id: int) -> HttpResponse:
    view = _own(request, view_id)
    looks.share(view, is_shared=not view.is_shared)
    word = "yours alone" if view.is_shared else "everybody's"
    return done(request, f"“{view.name}” is {word} now.", "exceptions:views")


@require_POST
@requires(Permission.SEE_QUEUE)
def remove(request: Request, view_id: int) -> HttpResponse:
    view = _own(request, view_id)
    looks.remove(view)
    return done(request, f"“{view.name}” is removed.", "exceptions:views")


@require_POST
@requires(Permission.SEE_QUEUE)
def look(request: Request) -> HttpResponse:
    """Which columns, and whether the ticket stands beside its list."""
    is_table = request.POST.get("layout") == "table"
    looks.choose(by=request.user, shown=request.POST.getlist("column"), is_table=is_table)
    return done(request, "The queue looks as you chose.", back_from(request))


def offered(request: Request, asked: Asked, look: QueueLook) -> list[Offered]:
    """Every view this person is offered, with how many tickets it holds for their eyes, as far as
    there is time to count them."""
    begins_with = look.begins_with
    current, until = asked.query(), time.monotonic() + COUNTING_SECONDS
    return [
        Offered(
            view,
            url=_queue(view),
            count=_count(request, view) if time.monotonic() < until else "",
            is_current=view.words == current,
            is_own=view.owner_id == request.user.pk,
            begins=view == begins_with,
        )
        for view in SavedView.objects.offered_to(request.user).select_related("owner")[: looks.MOST]
    ]


def choices(look: QueueLook) -> list[dict[str, Any]]:
    """The columns there are, and which are shown."""
    return [
        {"name": name, "label": label, "is_shown": name in look.columns}
        for name, label in columns.COLUMNS.items()
    ]


def _readable(request: Request, words: str) -> str:
    """What of these words can be asked for, as the queue's own URL says it. Raises ViewError where
    one of them narrows nothing: a view that shows more than its words say misleads."""
    asked = Asked.of(request, QueryDict(words))
    for label, why in asked.unreadable.items():
        raise ViewError(f"“{label}” narrows nothing: {why} Put it right or take it away first.")
    return asked.query()


def _count(request: Request, view: SavedView) -> str:
    rows = Asked.of(request, QueryDict(view.words)).rows
    found = rows.order_by()[: COUNTED + 1].count()
    return f"{COUNTED:,}+" if found > COUNTED else str(found)


def _queue(view: SavedView) -> str:
    return _page(view.words)


def _page(words: str) -> str:
    return f"{reverse('exceptions:queue')}?{words}"


def _own(request: Request, view_id: int) -> SavedView:
    return get_object_or_404(SavedView, pk=view_id, owner=request.user)
