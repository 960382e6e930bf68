"""Teams: who is in them, who leads them, and where and when their people are."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people import availability
from meshline.people import teams as verbs
from meshline.people.models import Team, User
from meshline.people.permissions import Permission, Scope, refusal_for
from meshline.people.team_forms import TeamForm
from meshline.people.teams import Stale, TeamError
from meshline.rota import wording
from meshline.web import seen
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_PEOPLE)
def teams(request: Request) -> HttpResponse:
    at, found = _now(request), list(_seen(request))
    on_call = availability.on_call_in(found, at=at)
    context = {
        "rows": [(team, on_call.get(team.pk)) for team in found],
        "refusal": refusal_for(request.user, Permission.MANAGE_PEOPLE),
    }
    return render(request, "people/teams.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def add(request: Request) -> HttpResponse:
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.add(by=request.user, at=instant.now(), **form.cleaned_data)
        except TeamError as error:
            form.add_error(error.field, str(error))
        else:
            return done(request, f"{made.name} is made.", _page_of(made))
    return _show(request, None, form, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_PEOPLE)
def team(request: Request, slug: str) -> HttpResponse:
    """A team and its people; what somebody else changed meanwhile is shown."""
    found = get_object_or_404(_seen(request), slug=slug)
    reason = refusal_for(request.user, Permission.MANAGE_PEOPLE)
    if request.method == "POST" and reason:
        return refusal(request, reason, status=403)
    form = TeamForm(request.POST if request.method == "POST" else None, team=found)
    if request.method != "POST" or not form.is_valid():
        return _show(request, found, form, status=422 if form.errors else 200)
    was = seen.read(request.POST.get("seen", ""))
    try:
        verbs.change(
            slug=found.slug, by=request.user, at=instant.now(), seen=was, **form.cleaned_data
        )
    except Stale as error:
        now = get_object_or_404(_seen(request), slug=slug)
        return _show(request, now, form, stale=error, status=409)
    except TeamError as error:
        form.add_error(error.field, str(error))
        return _show(request, found, form, status=422)
    return done(request, f"{form.cleaned_data['name']} is saved.", "people:teams")


@require_POST
@requires(Permission.MANAGE_PEOPLE)
def remove(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(_seen(request), slug=slug)
    try:
        verbs.remove(slug=found.slug, by=request.user, at=instant.now())
    except TeamError as error:
        return refusal(request, error)
    return done(request, f"{found.name} is closed.", "people:teams")


# --- Underneath ------------------------------------------------------------------------------
def _now(request: Request) -> datetime:
    return request.now or instant.now()


def _seen(request: Request) -> QuerySet:
    """The teams this person sees: all, or their own."""
    rows = Team.objects.select_related("lead", "calendar").order_by("name", "pk")
    rows = rows.annotate(people=Count("members", filter=Q(members__is_active=True)))
    if request.scope is not Scope.TEAM:
        return rows
    return rows.filter(pk=request.user.team_id) if request.user.team_id else rows.none()


def _page_of(found: Team) -> str:
    return reverse("people:team", args=[found.slug])


def _show(
    request: Request, found: Team | None, form: TeamForm, *, status: int, stale: Stale | None = None
) -> HttpResponse:
    given, at = request.POST.get("seen", ""), _now(request)
    now = verbs.facts(found) if found else {}
    context: dict[str, Any] = {
        "team": found,
        "form": form,
        "refusal": refusal_for(request.user, Permission.MANAGE_PEOPLE),
        "seen": given if given and not stale else seen.keep(now),
        "stale": _meanwhile(stale, found) if stale and found else None,
    }
    if found is not None:
        members = list(found.members.active().order_by("name", "pk"))
        back = availability.back_at([one.pk for one in members], at=at)
        context |= {
            "members": [(one, wording.moment(at, one), back.get(one.pk)) for one in members],
            "on_call": availability.on_call(found, at=at),
            "no_remove": f"Move its {len(members)} people to another team first."
            if members
            else "",
        }
    return render(request, "people/team.html", context, status=status)


def _meanwhile(stale: Stale, found: Team) -> dict[str, Any]:
    lines = TrailLine.objects.filter(subject_kind="team", subject_id=str(found.pk))
    change = {"before": _named(stale.seen), "after": _named(stale.now)}
    return {"line": lines.newest_first().first(), "change": change}


def _named(facts: dict[str, Any]) -> dict[str, Any]:
    """The lead by name: for the trail they are a number."""
    number = str(facts.get("lead") or "").removeprefix("person:")
    lead = User.objects.filter(pk=number).first() if number.isdigit() else None
    return {**facts, "lead": lead.name if lead else ""}
