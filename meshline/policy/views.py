"""Business calendars to read: a month of each, and what may be typed as a region.

They are changed in the room that moves the deadlines which run in them, by its URL names.
"""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import calendars, public_holidays, showing
from meshline.policy.models import BusinessCalendar
from meshline.web.access import requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def calendar(request: Request, calendar_id: int) -> HttpResponse:
    """A calendar and one month of it; `?month=2026-04` says which. The month is a part, too."""
    rows = BusinessCalendar.objects.select_related("team").prefetch_related("holidays")
    found = get_object_or_404(rows, pk=calendar_id)
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
        "trail": showing.changes(found, request.user),
        "refusals": _refusals(request, found),
    }
    return render(request, "policy/calendar.html", context)


@require_safe
@requires(Permission.CHANGE_OPERATING_MODEL)
def regions(request: Request) -> HttpResponse:
    """What may be typed as a region of `?country=`, for the form when the country changes."""
    known = public_holidays.regions(request.GET.get("country", ""))
    return render(request, "policy/_regions.html", {"regions": dict(known)})


# --- Underneath ------------------------------------------------------------------------------
def _refusals(request: Request, found: BusinessCalendar) -> dict[str, str]:
    """Why not, for the two acts; empty means: go ahead."""
    not_yours = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    stays = "The default calendar stays; make another one the default first."
    return {"change": not_yours, "remove": not_yours or (stays if found.is_default else "")}
