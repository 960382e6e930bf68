"""Signing in and out, one's own profile, and the list of people."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people import people as verbs
from meshline.people import profile as own
from meshline.people import sign_ins, throttle, tokens
from meshline.people.forms import (
    ChangePasswordForm,
    InviteForm,
    PasswordForm,
    PeopleFilter,
    PersonForm,
    ProfileForm,
    SignInForm,
    TokenForm,
)  # fmt: skip
from meshline.people.models import Absence, ApiToken, User
from meshline.people.people import PersonError, Stale
from meshline.people.permissions import NotAllowed, Permission, Role, refusal_for
from meshline.rota import absences, showing, wording
from meshline.web import paging, seen, sitting
from meshline.web.access import back_from, done, refusal, requires, see_other
from meshline.web.requests import Request

ENDED = {
    "idle": "You were signed out after a while without activity.",
    "long": "You were signed out because you had been signed in for a whole day's work.",
    "closed": "You were signed out. If you did not expect that, ask an admin.",
}
_BACKEND = "django.contrib.auth.backends.ModelBackend"


# --- Signing in and out ----------------------------------------------------------------------
@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: Request, demo_people: Iterable[Any] = ()) -> HttpResponse:
    """`demo_people` (each with name, role, email, password) are offered under the form."""
    to = _page_after(request)
    if request.user.is_authenticated and request.method != "POST":
        return see_other(to)
    throttled = _throttled(request)
    # Unbound while they must wait: a bound form would try the password all the same.
    data = None if throttled else request.POST or None
    form = SignInForm(request, data=data, initial={"username": _tried(request)[0]})
    if request.method == "POST" and not throttled:
        if form.is_valid():
            throttle.forget(*_tried(request))
            _let_in(request, form.get_user())
            return see_other(to)
        email, address = _tried(request)
        sign_ins.failed(email=email.replace("\0", ""), address=address, at=instant.now())
    context = {
        "form": form,
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "ended": throttled or ENDED.get(request.GET.get("ended", ""), ""),
        "demo_people": [(person, Role(person.role).label) for person in demo_people],
    }
    status = 429 if throttled else 422 if form.errors else 200
    return render(request, "people/sign_in.html", context, status=status)


@login_not_required
@require_POST
def sign_out(request: Request) -> HttpResponse:
    if request.user.is_authenticated:
        sign_ins.went(user=request.user, at=instant.now())
    auth.logout(request)
    return see_other(resolve_url(settings.LOGOUT_REDIRECT_URL))


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: Request, token: str) -> HttpResponse:
    """A one-time link: its person chooses a password and is in."""
    found = verbs.invitation(token, at=instant.now())
    if found is None:
        return render(request, "people/invitation_over.html", status=410)
    form = PasswordForm(request.POST or None, user=found.user)
    if request.method == "POST" and form.is_valid():
        return _accept(request, token, form.cleaned_data["password"])
    context = {"form": form, "person": found.user}
    return render(request, "people/invitation.html", context, status=422 if form.errors else 200)


# --- One's own profile -----------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: Request) -> HttpResponse:
    user = request.user
    form = ProfileForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        own.settle(by=user, at=instant.now(), **form.cleaned_data)
        return done(request, "Your profile is saved.", "people:profile")
    return _show_profile(request, form, TokenForm(auto_id="token-%s"))


@require_POST
@sensitive_post_parameters()
def make_token(request: Request) -> HttpResponse:
    """A new API token of one's own; it is shown here and never again."""
    form = TokenForm(request.POST, auto_id="token-%s")
    if not form.is_valid():
        return _show_profile(request, ProfileForm(user=request.user), form)
    made = tokens.make(
        user_id=request.user.pk, by=request.user, at=instant.now(), **form.cleaned_data
    )
    return render(request, "people/token_made.html", {"made": made})


@require_POST
def revoke_token(request: Request, token_id: int) -> HttpResponse:
    """End a token of one's own, at once."""
    own_token = get_object_or_404(ApiToken, pk=token_id, user=request.user)
    tokens.revoke(token_id=own_token.pk, by=request.user, at=instant.now())
    return done(request, f"{own_token.name} is revoked.", "people:profile")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: Request) -> HttpResponse:
    """A new password of one's own, for the one that is known; other sittings end."""
    user, tried = request.user, (f"own password of {request.user.pk}", _address(request))
    at = instant.now()
    throttled = throttle.refusal(*tried, at=at) if request.method == "POST" else ""
    form = ChangePasswordForm(None if throttled else request.POST or None, user=user)
    if form.is_bound and form.is_valid():
        throttle.forget(*tried)
        own.choose_password(by=user, password=form.cleaned_data["password"], at=at)
        auth.update_session_auth_hash(request, User.objects.get(pk=user.pk))
        return done(request, "Your password is changed; other sittings ended.", "people:profile")
    if "current" in form.errors:
        throttle.note_failure(*tried, at=at)
    status = 429 if throttled else 422 if form.errors else 200
    context = {"form": form, "throttled": throttled}
    return render(request, "people/password.html", context, status=status)


@require_POST
def theme(request: Request) -> HttpResponse:
    """Light, dark, or as the system says; back to the page the person was on."""
    chosen = request.POST.get("theme", "")
    if chosen not in own.THEMES:
        return refusal(request, "Choose light, dark or system.", status=400)
    own.choose_theme(by=request.user, theme=chosen)
    return see_other(back_from(request))


@require_POST
def keys(request: Request) -> HttpResponse:
    """Whether a letter alone does something; back to the page the person was on."""
    single = request.POST.get("single") == "on"
    own.choose_keys(by=request.user, single=single)
    return done(request, f"Single keys are {'on' if single else 'off'}.", back_from(request))


# --- Everybody -------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PEOPLE)
def people(request: Request) -> HttpResponse:
    now = instant.now()
    narrowed = PeopleFilter(request.GET or None)
    found = User.objects.visible_to(request.user).select_related("team")
    page = paging.page(
        narrowed.narrow(found) if request.GET else found.active(), request, by="name"
    )
    context = {
        "filter": narrowed,
        "page": page,
        "away": _away(page.items, now),
        "refusal": refusal_for(request.user, Permission.MANAGE_PEOPLE),
    }
    return render(request, "people/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_PEOPLE)
def invite(request: Request) -> HttpResponse:
    """Add a person, or a new link for one; the link is shown here and never again."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token = verbs.invite(by=request.user, at=instant.now(), **form.cleaned_data)
        except PersonError as error:
            form.add_error(error.field, str(error))
        else:
            return _show_link(request, form.cleaned_data["email"], token)
    context = {"form": form}
    return render(request, "people/invite.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.SEE_PEOPLE)
def person(request: Request, user_id: int) -> HttpResponse:
    """Somebody's page, and for who may, their role; what somebody else changed meanwhile is
    shown."""
    found = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    reason = refusal_for(request.user, Permission.MANAGE_PEOPLE)
    if request.method != "POST":
        return _show_person(request, found, None if reason else PersonForm(user=found), reason)
    if reason:
        return refusal(request, reason, status=403)
    form = PersonForm(request.POST, user=found)
    try:
        if form.is_valid() and _leaves(request, found, form):
            return _show_person(request, found, form, reason, asks=True)
        if form.is_valid() and _change(request, found, form):
            return done(request, f"{form.cleaned_data['name']} is saved.", "people:people")
    except Stale as error:
        now = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
        return _show_person(request, now, form, reason, stale=error, status=409)
    return _show_person(request, found, form, reason, status=422)


@require_POST
@requires(Permission.MANAGE_PEOPLE)
def invite_again(request: Request, user_id: int) -> HttpResponse:
    """A new one-time link for somebody who lost theirs, or their password."""
    found = get_object_or_404(User.objects.active(), pk=user_id)
    try:
        token = verbs.invite(
            email=found.email, role=found.role, by=request.user, at=instant.now(), again=True
        )
    except PersonError as error:
        return refusal(request, error)
    return _show_link(request, found.email, token)


@require_POST
@requires(Permission.MANAGE_PEOPLE)
def revoke_their_token(request: Request, user_id: int, token_id: int) -> HttpResponse:
    """End somebody's token, at once."""
    token = get_object_or_404(ApiToken, pk=token_id, user=user_id)
    tokens.revoke(token_id=token.pk, by=request.user, at=instant.now())
    return done(request, f"{token.name} is revoked.", reverse("people:person", args=[user_id]))


# --- Underneath ------------------------------------------------------------------------------
def _page_after(request: Request) -> str:
    wanted = request.POST.get("next") or request.GET.get("next")
    return sitting.safe_page(request, wanted) or resolve_url(settings.LOGIN_REDIRECT_URL)


def _tried(request: Request) -> tuple[str, str]:
    """Under which e-mail, and from where."""
    return request.POST.get("username", "")[:254], _address(request)


def _address(request: Request) -> str:
    return request.META.get("REMOTE_ADDR", "")


def _throttled(request: Request) -> str:
    if request.method != "POST":
        return ""
    return throttle.refusal(*_tried(request), at=instant.now())


def _let_in(request: Request, user: User) -> None:
    at = instant.now()
    sign_ins.came_in(user=user, address=_address(request), at=at)
    auth.login(request, user, backend=_BACKEND)
    sitting.begin(request, at=at)


def _accept(request: Request, token: str, password: str) -> HttpResponse:
    try:
        user = verbs.accept_invitation(token=token, password=password, at=instant.now())
    except PersonError:
        return render(request, "people/invitation_over.html", status=410)
    _let_in(request, user)
    return see_other(resolve_url(settings.LOGIN_REDIRECT_URL))


def _themes(user: User) -> list[dict[str, Any]]:
    icons = {"light": "sun", "dark": "moon", "system": "device-desktop"}
    return [
        {"value": value, "icon": icons[value], "chosen": user.dark is dark}
        for value, dark in own.THEMES.items()
    ]


def _show_profile(request: Request, form: ProfileForm, token_form: TokenForm) -> HttpResponse:
    context = {
        "form": form,
        "themes": _themes(request.user),
        "token_form": token_form,
        "tokens": tokens.of(request.user, at=instant.now()),
        **_out(request, request.user),
    }
    status = 422 if form.errors or token_form.errors else 200
    return render(request, "people/profile.html", context, status=status)


def _away(users: list[User], now: Any) -> set[int]:
    """Who of these is out at the moment, in one query."""
    out: QuerySet = Absence.objects.filter(user__in=users, starts_at__lte=now, ends_at__gt=now)
    return set(out.values_list("user_id", flat=True))


def _out(request: Request, user: User) -> dict[str, Any]:
    """When somebody is out, and why the reader may not plan it."""
    at = request.now or instant.now()
    rows = user.absences.not_over(at).select_related("user__team", "stand_in")
    left = "" if user.is_active else f"{user.name} is not active here any more."
    return {
        "absences": showing.rows_of(rows.order_by("starts_at"), request.user, at=at),
        "out_refusal": left or absences.refusal(request.user, user),
    }


def _leaves(request: Request, found: User, form: PersonForm) -> bool:
    """Whether somebody would leave, or their role, and it was not said yet what they answer for.

    What cannot be at all stands in the form.
    """
    role, is_active = form.cleaned_data["role"], form.cleaned_data["is_active"]
    is_stale = seen.read(request.POST.get("seen", "")) != verbs.facts(found)
    if is_stale or not found.is_active or (role == found.role and is_active):
        return False
    try:
        verbs.check_stays(found, role=role, is_active=is_active, by=request.user)
    except (PersonError, NotAllowed) as error:
        form.add_error(getattr(error, "field", None), str(error))
        return False
    return request.POST.get("asked") != form.mark


def _change(request: Request, found: User, form: PersonForm) -> bool:
    """Whether it is done; what is wrong stands in the form. Raises Stale."""
    was = seen.read(request.POST.get("seen", ""))
    try:
        verbs.change(
            user_id=found.pk, by=request.user, at=instant.now(), seen=was, **form.cleaned_data
        )
    except Stale:
        raise
    except PersonError as error:
        form.add_error(error.field, str(error))
    except NotAllowed as error:
        form.add_error(None, str(error))
    return not form.errors


def _show_person(
    request: Request, found: User, form: PersonForm | None, reason: str, *, status: int = 200,
    stale: Stale | None = None, asks: bool = False,
) -> HttpResponse:  # fmt: skip
    given = request.POST.get("seen", "")
    context = {
        "person": found,
        "form": form,
        "asks": asks,
        "refusal": reason,
        "seen": given if given and not stale else seen.keep(verbs.facts(found)),
        "stale": _meanwhile(stale, found) if stale else None,
        "tokens": [] if reason else tokens.of(found, at=instant.now()),
        "local_time": wording.moment(request.now or instant.now(), found),
        **_out(request, found),
    }
    return render(request, "people/person.html", context, status=status)


def _meanwhile(stale: Stale, found: User) -> dict[str, Any]:
    lines = TrailLine.objects.filter(
        what="person.changed", subject_kind="user", subject_id=str(found.pk)
    )
    change = {"before": stale.seen, "after": stale.now}
    return {"line": lines.newest_first().first(), "change": change}


def _show_link(request: Request, email: str, token: str) -> HttpResponse:
    path = reverse("people:invitation", args=[token])
    context = {
        "email": email,
        "link": f"{settings.PUBLIC_URL}{path}",
        "days": verbs.INVITATION_LASTS.days,
    }
    return render(request, "people/invited.html", context)
