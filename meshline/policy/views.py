"""Business calendars: a month of each to read, and the forms that make, change and remove one."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.policy import calendars, operating_model, public_holidays, showing
from meshline.policy.forms import CalendarForm
from meshline.policy.models import BusinessCalendar
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

# The verb's word for a field, where the form has another.
_FIELDS = {"hours": None, "default": "is_default", "holidays": "days_off"}
_LATEST = 10


# --- To read ---------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def calendar(request: Request, calendar_id: int) -> HttpResponse:
    """A calendar and one month of it; `?month=2026-04` says which. The month is a part, too."""
    found = _found(calendar_id)
    now = showing.today(found, request.now or instant.now())
    first = showing.month_asked(request.GET.get("month", ""), otherwise=now)
    context = {
        "calendar": found,
        "month": showing.month(found, first, now=now),
        "weekdays": showing.WEEKDAYS,
        "off": calendars.days_off(found, first.year),
    }
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "policy/_month.html", context)
    context |= {
        "hours": list(showing.hours_in_words(found)),
        "place": public_holidays.name_of(found.country, found.region),
        "is_place_known": public_holidays.is_known(found.country, found.region),
        "trail": _trail(request, found),
        "refusals": _refusals(request, found),
    }
    return render(request, "policy/calendar.html", context)


# --- To change -------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def new_calendar(request: Request) -> HttpResponse:
    form = CalendarForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = _set(request, form)
        except ModelError as error:
            form.add_error(_field(error), str(error))
        else:
            return done(request, f"{made.name} is made.", _page_of(made))
    return _show_form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def change_calendar(request: Request, calendar_id: int) -> HttpResponse:
    """Change it; what somebody else changed meanwhile is shown beside what was typed."""
    found = _found(calendar_id)
    form = CalendarForm(request.POST or None, found=found)
    if request.method == "POST" and form.is_valid():
        try:
            made = _set(request, form)
        except Stale:
            return _show_stale(request, form)
        except ModelError as error:
            form.add_error(_field(error), str(error))
        else:
            return done(request, f"{made.name} is saved.", _page_of(made))
    return _show_form(request, form)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def remove_calendar(request: Request, calendar_id: int) -> HttpResponse:
    found = get_object_or_404(BusinessCalendar, pk=calendar_id)
    try:
        operating_model.remove_calendar(slug=found.slug, by=request.user, at=instant.now())
    except ModelError as error:
        return refusal(request, error)
    return done(request, f"{found.name} is removed.", "operating-model")


@require_safe
@requires(Permission.CHANGE_OPERATING_MODEL)
def regions(request: Request) -> HttpResponse:
    """What may be typed as a region of `?country=`, for the form when the country changes."""
    known = public_holidays.regions(request.GET.get("country", ""))
    return render(request, "policy/_regions.html", {"regions": dict(known)})


# --- Underneath ------------------------------------------------------------------------------
def _found(calendar_id: int) -> BusinessCalendar:
    rows = BusinessCalendar.objects.select_related("team").prefetch_related("holidays")
    return get_object_or_404(rows, pk=calendar_id)


def _page_of(found: BusinessCalendar) -> str:
    return reverse("policy:calendar", args=[found.pk])


def _set(request: Request, form: CalendarForm) -> BusinessCalendar:
    return operating_model.set_calendar(
        form.calendar, version=form.version_seen, by=request.user, at=instant.now()
    )


def _field(error: ModelError) -> str | None:
    return _FIELDS.get(error.field, error.field) if error.field else None


def _refusals(request: Request, found: BusinessCalendar) -> dict[str, str]:
    """Why not, for the two acts; empty means: go ahead."""
    not_yours = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    stays = "The default calendar stays; make another one the default first."
    return {"change": not_yours, "remove": not_yours or (stays if found.is_default else "")}


def _trail(request: Request, found: BusinessCalendar, **wanted: Any) -> list[timeline.Entry]:
    about = {"subject_kind": "businesscalendar", "subject_id": str(found.pk)}
    lines = TrailLine.objects.newest_first().filter(**about, **wanted)
    reach = scope(request.user, Permission.SEE_TRAIL)
    seen = trail_filters.within(lines, request.user, reach)[:_LATEST]
    opens = trail_filters.opens(request.user)
    return timeline.read(seen, masked=reach is Scope.MASKED, opens=opens)


def _show_form(
    request: Request, form: CalendarForm, *, since: list[timeline.Entry] | None = None
) -> HttpResponse:
    context = {"form": form, "calendar": form.found, "since": since}
    code = 409 if since is not None else 422 if form.errors else 200
    return render(request, "policy/calendar_form.html", context, status=code)


def _show_stale(request: Request, form: CalendarForm) -> HttpResponse:
    """What was typed is kept; beside it stands what is so now, and saving again is a decision."""
    assert form.found is not None
    found = _found(form.found.pk)
    since = _trail(request, found, after__version__gt=form.version_seen)
    again = request.POST.copy()
    again["version"] = str(found.version)
    return _show_form(request, CalendarForm(again, found=found), since=since)
