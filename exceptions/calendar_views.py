"""Changing business calendars: what it would move is seen before it does.

They live with the queue, whose deadlines run in them; reading one is the ground's own page.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from exceptions import working_hours
from meshline import instant
from meshline.audit import timeline
from meshline.people.permissions import Permission
from meshline.policy import showing
from meshline.policy.forms import CalendarForm
from meshline.policy.models import BusinessCalendar
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, requires, see_other
from meshline.web.requests import Request

# The verb's word for a field, where the form has another.
_FIELDS = {"hours": None, "default": "is_default", "holidays": "days_off"}


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def new(request: Request) -> HttpResponse:
    return _edit(request, CalendarForm(request.POST or None))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def change(request: Request, calendar_id: int) -> HttpResponse:
    """Change it; what somebody else changed meanwhile is shown beside what was typed."""
    return _edit(request, CalendarForm(request.POST or None, found=_found(calendar_id)))


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def preview(request: Request) -> HttpResponse:
    """The part of the form that says what it would do as typed so far. Writes nothing."""
    of = request.POST.get("of", "")
    found = _found(int(of)) if of.isascii() and of.isdecimal() and len(of) < 19 else None
    form = CalendarForm(request.POST, found=found)
    context = _previewed(request, form) if form.is_valid() else {}
    status = 422 if form.errors else 200
    template = "exceptions/_calendar_preview.html"
    return render(request, template, {"form": form, **context}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def remove(request: Request, calendar_id: int) -> HttpResponse:
    """Ask first, with what it would move; then its team works by the default one. What somebody
    else changed after that is shown before it goes."""
    found = _found(calendar_id)
    try:
        return _remove(request, found) if request.method == "POST" else _ask(request, found)
    except ModelError as error:
        messages.error(request, str(error))
        return see_other(reverse("policy:calendar", args=[calendar_id]))


# --- Underneath ------------------------------------------------------------------------------
def _found(calendar_id: int) -> BusinessCalendar:
    rows = BusinessCalendar.objects.select_related("team").prefetch_related("holidays")
    return get_object_or_404(rows, pk=calendar_id)


def _remove(request: Request, found: BusinessCalendar) -> HttpResponse:
    version = _version_seen(request)
    try:
        moved = working_hours.remove(
            slug=found.slug, version=version, by=request.user, at=instant.now()
        )
    except Stale:
        now = _found(found.pk)
        since = showing.changes(now, request.user, after__version__gt=version)
        return _ask(request, now, since=since)
    return done(request, f"{found.name} is removed. {_moved(moved)}".strip(), "operating-model")


def _ask(
    request: Request, found: BusinessCalendar, *, since: list[timeline.Entry] | None = None
) -> HttpResponse:
    would = working_hours.preview_removal(slug=found.slug, by=request.user, at=instant.now())
    context = {"calendar": found, "preview": would, "since": since}
    code = 200 if since is None else 409
    return render(request, "exceptions/calendar_remove.html", context, status=code)


def _version_seen(request: Request) -> int:
    """Which version the page showed; none where it says no such number."""
    said = request.POST.get("version", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else -1


def _edit(request: Request, form: CalendarForm) -> HttpResponse:
    """Save it; what would move tickets is shown first, and saved once it was seen."""
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form)
    was_seen = request.POST.get("previewed") == form.mark
    if "preview" in request.POST or not was_seen:
        try:
            context = _would(request, form)
        except Stale:
            return _show_stale(request, form)
        except ModelError as error:
            form.add_error(_field(error), str(error))
            return _show_form(request, form)
        if "preview" in request.POST or context["preview"].moved:
            return _show_form(request, form, **context)
    return _save(request, form)


def _save(request: Request, form: CalendarForm) -> HttpResponse:
    at = instant.now()
    try:
        made = working_hours.change(
            form.calendar, version=form.version_seen, by=request.user, at=at
        )
    except Stale:
        return _show_stale(request, form)
    except ModelError as error:
        form.add_error(_field(error), str(error))
        return _show_form(request, form)
    said = f"{made.row.name} is {'saved' if form.found else 'made'}. {_moved(made.moved)}"
    return done(request, said.strip(), reverse("policy:calendar", args=[made.row.pk]))


def _previewed(request: Request, form: CalendarForm) -> dict[str, Any]:
    """What it would do; a refusal lands on the form."""
    try:
        return _would(request, form)
    except ModelError as error:
        form.add_error(_field(error), str(error))
        return {}


def _would(request: Request, form: CalendarForm) -> dict[str, Any]:
    found = working_hours.preview(
        form.calendar, version=form.version_seen, by=request.user, at=instant.now()
    )
    return {"preview": found}


def _field(error: ModelError) -> str | None:
    return _FIELDS.get(error.field, error.field) if error.field else None


def _moved(tickets: int) -> str:
    if not tickets:
        return ""
    return "1 open ticket moved." if tickets == 1 else f"{tickets} open tickets moved."


def _show_form(
    request: Request, form: CalendarForm, *, since: list[timeline.Entry] | None = None,
    **context: Any,
) -> HttpResponse:  # fmt: skip
    context |= {"form": form, "calendar": form.found, "since": since}
    code = 409 if since is not None else 422 if form.errors else 200
    return render(request, "exceptions/calendar_form.html", context, status=code)


def _show_stale(request: Request, form: CalendarForm) -> HttpResponse:
    """What was typed is kept; beside it stands what is so now, and saving again is a decision."""
    assert form.found is not None
    found = _found(form.found.pk)
    since = showing.changes(found, request.user, after__version__gt=form.version_seen)
    again = request.POST.copy()
    again["version"] = str(found.version)
    kept = CalendarForm(again, found=found)
    context = _previewed(request, kept) if kept.is_valid() else {}
    return _show_form(request, kept, since=since, **context)
