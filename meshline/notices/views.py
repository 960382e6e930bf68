"""What I was told, putting it aside, and how I want to be told."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.notices import choosing, letters, notices, preferences, reading
from meshline.notices.choosing import PreferenceError, Stale
from meshline.notices.forms import PreferencesForm
from meshline.notices.kinds import CHANNELS
from meshline.notices.models import Notice, Sending
from meshline.web import paging, seen
from meshline.web.access import done, see_other
from meshline.web.requests import Request

# In the bell's menu, and of what was sent lately.
FEW = 8
_LARGEST_ID = 2**63 - 1


# --- To read ---------------------------------------------------------------------------------
@require_safe
def list_notices(request: Request) -> HttpResponse:
    """Everything I was told, grouped by what it is about; `?unread` only what is new."""
    mine = Notice.objects.of(request.user)
    only_unread = "unread" in request.GET
    page = paging.page(mine.unread() if only_unread else mine, request, by="-at")
    unread = mine.unread().count()
    context = {
        "page": page,
        "groups": reading.grouped(page.items, request.user),
        "only_unread": only_unread,
        "unread": unread,
        "tabs": _tabs(only_unread, unread),
    }
    return render(request, "notices/list.html", context)


@require_safe
def latest(request: Request) -> HttpResponse:
    """What stands in the bell's menu: the newest few, the unread first."""
    mine = Notice.objects.of(request.user)
    few = list(mine.unread().newest_first()[:FEW]) or list(mine.newest_first()[:FEW])
    return render(request, "notices/_latest.html", _few(request, few))


@require_safe
def bell(request: Request) -> HttpResponse:
    """The bell's number, which every open page asks for; nothing while it is as `?shown`."""
    unread = Notice.objects.of(request.user).unread().count()
    if request.GET.get("shown") == str(unread):
        return HttpResponse(status=204)
    return render(request, "notices/_bell_count.html", {"unread": unread})


# --- To put aside ----------------------------------------------------------------------------
@require_POST
def read(request: Request, notice_id: int) -> HttpResponse:
    """Put one aside and go where it leads."""
    if notice_id > _LARGEST_ID:
        raise Http404
    try:
        notice = notices.read(notice_id=notice_id, by=request.user, at=instant.now())
    except Notice.DoesNotExist:
        raise Http404 from None
    return _on_to(request, notice.url or reverse("notices:list"))


@require_POST
def read_record(request: Request) -> HttpResponse:
    """Put aside all that I was told of one record."""
    record = request.POST.get("record", "").replace("\0", "")[:200]
    number = notices.read_record(record=record, by=request.user, at=instant.now()) if record else 0
    return done(request, _read_words(number), "notices:list")


@require_POST
def read_all(request: Request) -> HttpResponse:
    number = notices.read_all(by=request.user, at=instant.now())
    return done(request, _read_words(number), "notices:list")


# --- How I want to be told -------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def preferences_page(request: Request) -> HttpResponse:
    """Channels, quiet hours and the digest; what was changed elsewhere meanwhile is shown."""
    own = preferences.of(request.user)
    form = PreferencesForm(request.POST or None, user=request.user, own=own)
    if request.method != "POST" or not form.is_valid():
        return _show(request, form, status=422 if form.errors else 200)
    try:
        choosing.settle(
            form.choice, by=request.user, at=instant.now(),
            seen=seen.read(request.POST.get("seen", "")),
        )  # fmt: skip
    except Stale as error:
        return _show(request, form, stale=error, status=409)
    except PreferenceError as error:
        form.add_error(_field(form, error), str(error))
        return _show(request, form, status=422)
    return done(request, "How you are told is saved.", "notices:preferences")


# --- Underneath ------------------------------------------------------------------------------
def _tabs(only_unread: bool, unread: int) -> list[dict[str, Any]]:
    url = reverse("notices:list")
    return [
        {"label": "All", "url": url, "current": not only_unread},
        {"label": "Unread", "url": f"{url}?unread", "count": unread, "current": only_unread},
    ]


def _few(request: Request, few: list[Notice]) -> dict[str, Any]:
    unread = Notice.objects.of(request.user).unread().count()
    return {"groups": reading.grouped(few, request.user), "unread": unread}


def _read_words(number: int) -> str:
    return f"{number} marked as read." if number else "Everything was read already."


def _on_to(request: Request, url: str) -> HttpResponse:
    if not request.htmx:
        return see_other(url)
    return HttpResponse(status=204, headers={"HX-Redirect": url})


def _field(form: PreferencesForm, error: PreferenceError) -> str | None:
    if error.field in form.fields:
        return error.field
    return f"{error.field}_from" if f"{error.field}_from" in form.fields else None


def _show(
    request: Request, form: PreferencesForm, *, status: int, stale: Stale | None = None
) -> HttpResponse:
    given = request.POST.get("seen", "")
    facts = choosing.facts(preferences.of(request.user))
    context = {
        "form": form,
        "channels": CHANNELS,
        "closed": {name: why for name, why in preferences.offered_channels().items() if why},
        "seen": given if given and not stale else seen.keep(facts),
        "stale": _meanwhile(stale, request.user.role) if stale else None,
        "lately": _lately(request),
        "quiet_until": preferences.quiet_until(
            preferences.of(request.user), request.user, request.now or instant.now()
        ),
    }
    return render(request, "notices/preferences.html", context, status=status)


def _meanwhile(stale: Stale, role: str) -> dict[str, Any]:
    """Only what is different: one's choices are many, and nobody else makes them."""
    before, after = (choosing.in_words(said, role=role) for said in (stale.seen, stale.now))
    return {"who": "Another window of yours", "change": seen.between(before, after)}


def _lately(request: Request) -> list[tuple[Sending, str]]:
    """What went out to me lately, or could not, newest first."""
    mine = Sending.objects.filter(user=request.user).select_related("notice")
    return [(one, letters.shown(one.notice, request.user)) for one in mine.order_by("-pk")[:FEW]]
