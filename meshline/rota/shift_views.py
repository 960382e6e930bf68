"""The rota: who is on call now and next, the weeks ahead and their gaps, and every change of it."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.models import OnCallShift, ShiftOverride, Team, User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.policy.operating_model import Facts, ModelError, Stale
from meshline.rota import checks, doubles, overrides, shifts, showing, wording
from meshline.rota.shift_forms import (
    HandOverForm,
    NewShiftForm,
    OverrideForm,
    ShiftForm,
    SwapForm,
    people,
)
from meshline.web import seen
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

_LATEST = 10
BEGUN = "It has begun: put somebody else in for what is left of it."
ENDED = "What one of them would have taken over from themselves has ended with that."


# --- To read ---------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def rota(request: Request) -> HttpResponse:
    """One team's rota; `?team=revops` says which."""
    at, teams = _now(request), list(Team.objects.select_related("lead").order_by("name", "pk"))
    team = _team_asked(request, teams)
    absences = showing.ahead(at)
    context: dict[str, Any] = {
        "team": team,
        "tabs": [_tab(one, team) for one in teams],
        "refusal": refusal_for(request.user, Permission.KEEP_ROTA),
    }
    if team is not None:
        context |= {
            "coverage": showing.Coverage(team, absences, at=at),
            "weeks": showing.weeks(team, absences, at=at),
            "notes": showing.notes(team, request.user, at=at),
            "out": showing.out_of(team, absences),
        }
    return render(request, "rota/rota.html", context)


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def coverage(request: Request) -> HttpResponse:
    """Every team's working hours of the next four weeks in which nobody is on call."""
    teams = Team.objects.select_related("lead").order_by("name", "pk")
    found = showing.coverages(teams, at=_now(request))
    context = {
        "kept": [one for one in found if one.keeps_rota],
        "not_kept": [one for one in found if not one.keeps_rota],
        "refusal": refusal_for(request.user, Permission.KEEP_ROTA),
    }
    return render(request, "rota/coverage.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_OPERATING_MODEL)
def shift(request: Request, shift_id: int) -> HttpResponse:
    """One shift: to read for everybody, to change for whose it is and who keeps the rota."""
    found = _found(shift_id)
    at = instant.now()
    reason = _reason(request.user, found, at)
    if request.method == "POST" and reason:
        return refusal(request, reason, status=409 if found.ends_at <= at else 403)
    begun = found.starts_at <= at
    form = ShiftForm(_sent(request), by=request.user, shift=found, begun=begun)
    if request.method != "POST" or not form.is_valid():
        return _show_shift(request, found, form, reason, at, status=422 if form.errors else 200)
    try:
        saved = shifts.change(
            shift_id=found.pk, by=request.user, at=at, seen=_seen_by(request), **form.asked
        )
    except Stale as error:
        return _show_shift(request, _found(shift_id), form, reason, at, stale=error, status=409)
    except ModelError as error:
        _add_error(form, error)
        return _show_shift(request, found, form, reason, at, status=422)
    _warn(request, saved.user, [saved])
    return done(request, "The shift is saved.", _rota_of(found.team))


# --- To change -------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.KEEP_ROTA)
def add(request: Request) -> HttpResponse:
    """Put somebody on call; a gap leads here with its times."""
    form = NewShiftForm(_sent(request), by=request.user, initial=_asked_for(request))
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form, _NEW, status=422 if form.errors else 200)
    zone = timezone.get_current_timezone_name()
    try:
        made = shifts.add(by=request.user, at=instant.now(), zone=zone, **form.asked)
    except ModelError as error:
        _add_error(form, error)
        return _show_form(request, form, _NEW, status=422)
    again = f", {len(made)} weeks" if len(made) > 1 else ""
    when = wording.span(made[0].starts_at, made[0].ends_at)
    said = f"{made[0].user.name} is on call {when}{again}."
    _warn(request, made[0].user, made)
    return done(request, said, _rota_of(made[0].team))


@require_POST
@requires(Permission.KEEP_ROTA)
def remove(request: Request, shift_id: int) -> HttpResponse:
    found = _found(shift_id)
    try:
        shifts.remove(shift_id=found.pk, by=request.user, at=instant.now(), seen=_seen_by(request))
    except ModelError as error:
        return refusal(request, error)
    return done(request, f"{found.user.name}'s shift is taken away.", _rota_of(found.team))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.KEEP_ROTA)
def override(request: Request, shift_id: int) -> HttpResponse:
    """Somebody else has a stretch of it."""
    found, at = _found(shift_id), instant.now()
    starts = {"starts_at": max(found.starts_at, at), "ends_at": found.ends_at}
    form = OverrideForm(_sent(request), by=request.user, shift=found, initial=starts)
    about = _About(
        "Somebody else for a stretch", "They are on call while it lasts.", "Take over", found
    )  # fmt: skip
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form, about, status=422 if form.errors else 200)
    try:
        made = overrides.add(shift_id=found.pk, by=request.user, at=at, **form.cleaned_data)
    except ModelError as error:
        _add_error(form, error)
        return _show_form(request, form, about, status=422)
    _warn(request, made.user, [made])
    return done(request, f"{made.user.name} takes over for {found.user.name}.", _page_of(found))


@require_POST
@requires(Permission.KEEP_ROTA)
def remove_override(request: Request, override_id: int) -> HttpResponse:
    one = get_object_or_404(ShiftOverride.objects.select_related("user"), pk=override_id)
    try:
        found = overrides.remove(override_id=one.pk, by=request.user, at=instant.now())
    except ModelError as error:
        return refusal(request, error)
    return done(request, f"{one.user.name} takes over no longer.", _page_of(found))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.KEEP_ROTA)
def swap(request: Request, shift_id: int) -> HttpResponse:
    """Two people exchange two shifts that are still ahead."""
    found, at = _found(shift_id), instant.now()
    others = OnCallShift.objects.filter(team=found.team, starts_at__gt=at)
    others = others.exclude(user=found.user).select_related("user", "team").order_by("starts_at")
    form = SwapForm(_sent(request), others=others)
    about = _About(
        "Swap with somebody", "Each has the other's shift from then on; both are told.", "Swap",
        found, refusal=BEGUN if found.starts_at <= at else "",
    )  # fmt: skip
    now = {str(one.pk): checks.facts(one) for one in (found, *others[:100])}
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form, about, now=now, status=422 if form.errors else 200)
    other = form.cleaned_data["other"]
    ends = _ends_with(found, other.user) or _ends_with(other, found.user)
    try:
        swapped = shifts.swap(
            shift_id=found.pk, other_id=other.pk, by=request.user, at=at, seen=_seen_by(request)
        )
    except Stale as error:
        return _show_form(request, form, about, now=now, stale=error, status=409)
    except ModelError as error:
        _add_error(form, error)
        return _show_form(request, form, about, now=now, status=422)
    said = f"Swapped: {other.user.name} has {found.user.name}'s shift, and the reverse."
    if ends:
        messages.info(request, ENDED)
    for one in swapped:
        _warn(request, one.user, [one])
    return done(request, said, _rota_of(found.team))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.KEEP_ROTA)
def hand_over(request: Request, shift_id: int) -> HttpResponse:
    """What the next one on call should know."""
    found = _found(shift_id)
    # Also to read it in the form: it may name customers.
    checks.check_may(request.user, found.team_id, *_had(found, instant.now()))
    now = shifts.noted(found)
    form = HandOverForm(_sent(request), initial=now)
    about = _About("Hand-over note", "The next one on call is told, and reads it on the rota.",
                   "Save", found)  # fmt: skip
    if request.method != "POST" or not form.is_valid():
        return _show_form(request, form, about, now=now, status=422 if form.errors else 200)
    try:
        shifts.leave_note(
            shift_id=found.pk, by=request.user, at=instant.now(), seen=_seen_by(request),
            **form.cleaned_data,
        )  # fmt: skip
    except Stale as error:
        return _show_form(request, form, about, now=error.now, stale=error, status=409)
    except ModelError as error:
        _add_error(form, error)
        return _show_form(request, form, about, now=now, status=422)
    return done(request, "The hand-over note is saved.", _page_of(found))


# --- Underneath ------------------------------------------------------------------------------
def _warn(request: Request, user: User, spans: list[Any]) -> None:
    """Say that somebody is on call for another team then as well, if they are."""
    found = spans[0]
    team = found.shift.team if isinstance(found, ShiftOverride) else found.team
    if said := doubles.said(user, team, [(one.starts_at, one.ends_at) for one in spans]):
        messages.warning(request, said)


def _ends_with(found: OnCallShift, user: User) -> bool:
    """Whether they take over a stretch of the shift that is to be theirs."""
    return found.overrides.filter(user=user).exists()


class _About:
    """What a form on the rota is for; of which shift, if there is one."""

    def __init__(
        self, title: str, sub: str, submit: str, shift: OnCallShift | None = None, refusal: str = ""
    ) -> None:
        self.title, self.sub, self.submit, self.shift = title, sub, submit, shift
        self.refusal = refusal

    @property
    def back(self) -> str:
        return _page_of(self.shift) if self.shift else reverse("rota:rota")


_NEW = _About("Add a shift", "Who is on call, from when until when.", "Add it")


def _now(request: Request) -> datetime:
    return request.now or instant.now()


def _sent(request: Request) -> Any:
    """What was sent, if anything was: an empty form is one all the same."""
    return request.POST if request.method == "POST" else None


def _found(shift_id: int) -> OnCallShift:
    rows = OnCallShift.objects.select_related("user", "team", "handover_by")
    return get_object_or_404(rows, pk=shift_id)


def _page_of(found: OnCallShift) -> str:
    return reverse("rota:shift", args=[found.pk])


def _rota_of(team: Team) -> str:
    return f"{reverse('rota:rota')}?team={team.slug}"


def _team_asked(request: Request, teams: list[Team]) -> Team | None:
    """The team in the URL, one's own, or the first one."""
    slug = request.GET.get("team", "")
    own = next((one for one in teams if one.pk == request.user.team_id), None)
    asked = next((one for one in teams if one.slug == slug), None)
    return asked or own or next(iter(teams), None)


def _tab(one: Team, current: Team | None) -> dict[str, Any]:
    return {"label": one.name, "url": f"?team={one.slug}", "current": one == current}


def _asked_for(request: Request) -> dict[str, Any]:
    """What of the form the URL fills in."""
    team = Team.objects.filter(slug=request.GET.get("team", "").replace("\0", "")).first()
    given = {"starts_at": request.GET.get("starts"), "ends_at": request.GET.get("ends")}
    return {"team": team or request.user.team_id, "weeks": 1, **given}


def _reason(user: User, found: OnCallShift, at: datetime) -> str:
    return checks.OVER if found.ends_at <= at else checks.refusal(user, found.team_id, found.user)


def _seen_by(request: Request) -> Facts:
    return seen.read(request.POST.get("seen", ""))


def _add_error(form: forms.Form, error: ModelError) -> None:
    form.add_error(error.field if error.field in form.fields else None, str(error))


def _show_shift(
    request: Request, found: OnCallShift, form: ShiftForm, reason: str, at: datetime, *,
    status: int, stale: Stale | None = None,
) -> HttpResponse:  # fmt: skip
    may = refusal_for(request.user, Permission.KEEP_ROTA)
    others = people().exclude(pk=found.user_id)
    over = checks.OVER if found.ends_at <= at else ""
    context = {
        "shift": found,
        "form": None if reason else form,
        "refusal": reason,
        "begun": found.starts_at <= at,
        "overrides": found.overrides.select_related("user").order_by("starts_at"),
        "next": shifts.next_of(found),
        "override_refusal": over or may or ("" if others else "There is nobody else."),
        "swap_refusal": over or may or (BEGUN if found.starts_at <= at else ""),
        "note_refusal": _note_refusal(request.user, found, at),
        "seen": _kept(request, checks.facts(found), stale),
        "stale": _meanwhile(stale, found) if stale else None,
        "note": showing.note_of(found, request.user),
        "trail": _trail(request, found),
    }
    return render(request, "rota/shift.html", context, status=status)


def _trail(request: Request, found: OnCallShift) -> list[timeline.Entry]:
    """Its latest changes, for who may search the trail."""
    about = {"subject_kind": "oncallshift", "subject_id": str(found.pk)}
    reach = scope(request.user, Permission.SEE_TRAIL)
    lines = TrailLine.objects.newest_first().filter(**about)
    seen_ones = trail_filters.within(lines, request.user, reach)[:_LATEST]
    opens = trail_filters.opens(request.user)
    return timeline.read(seen_ones, masked=reach is Scope.MASKED, opens=opens)


def _note_refusal(user: User, found: OnCallShift, at: datetime) -> str:
    if found.starts_at > at:
        return "This shift has not begun; there is nothing to hand over yet."
    return checks.refusal(user, found.team_id, *_had(found, at))


def _had(found: OnCallShift, at: datetime) -> list[User]:
    """Whoever has been on call in it."""
    others = found.overrides.filter(starts_at__lte=at).select_related("user")
    return [found.user, *(one.user for one in others)]


def _show_form(
    request: Request, form: forms.Form, about: _About, *, status: int,
    now: dict[str, Any] | None = None, stale: Stale | None = None,
) -> HttpResponse:  # fmt: skip
    context = {
        "form": form,
        "about": about,
        "seen": _kept(request, now or {}, stale),
        "stale": _meanwhile(stale, about.shift) if stale else None,
    }
    return render(request, "rota/form.html", context, status=status)


def _kept(request: Request, now: dict[str, Any], stale: Stale | None) -> str:
    """What the form was filled in against: kept over a correction, renewed once it was shown."""
    given = request.POST.get("seen", "")
    return given if given and not stale else seen.keep(now)


def _meanwhile(stale: Stale, found: OnCallShift | None) -> dict[str, Any]:
    pk = found.pk if found else 0
    lines = TrailLine.objects.filter(subject_kind="oncallshift", subject_id=str(pk))
    sides = {"before": stale.seen, "after": stale.now}
    change = {
        side: {name: timeline.readable(value) for name, value in facts.items()}
        for side, facts in sides.items()
    }
    return {"line": lines.newest_first().first(), "change": change}
