"""Connections: how each stands, its settings and secrets, stopping and trying it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors import connections as verbs
from connectors import delivery, looking, metrics, registry, setting_up, showing, sync_showing
from connectors.base import System, Trouble
from connectors.connections import SettingError, Stale
from connectors.forms import PURPOSES, BackfillForm, ConnectionForm, SecretForm, StatusForm
from connectors.models import Connection, DeliveryAttempt, Secret
from meshline import instant
from meshline.audit import filters as trail_filters
from meshline.audit import timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, Scope, may, refusal_for, scope
from meshline.policy.models import SystemRole
from meshline.vault import VaultError
from meshline.web import words
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request

# A person waits for it.
TEST_SECONDS = 5.0
_SHOWN = 8
_PARTS = {
    "quoting": "quoting tool", "crm": "CRM", "billing": "billing tool", "chat": "chat",
    "automation": "automation tool",
}  # fmt: skip


# --- All of them -----------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_CONNECTIONS)
def connections(request: Request) -> HttpResponse:
    found = Connection.objects.select_related("owner").order_by("name", "pk")
    context = {
        "rows": [
            (standing, registry.system(standing.connection.system))
            for standing in metrics.standings(found, at=instant.now())
        ],
        "refusal": refusal_for(request.user, Permission.CONFIGURE_CONNECTION),
        "may_configure": may(request.user, Permission.CONFIGURE_CONNECTION),
        "may_see_messages": may(request.user, Permission.SEE_PAYLOADS),
    }
    return render(request, "connectors/connections.html", context)


# --- Settings and secrets --------------------------------------------------------------------
@sensitive_post_parameters(*PURPOSES)
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_CONNECTION)
def new(request: Request) -> HttpResponse:
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = setting_up.create(form.settings, form.secrets, by=request.user, at=instant.now())
        except SettingError as error:
            form.add_error(_field(form, error), str(error))
        else:
            return done(request, f"{made.name} is connected.", _page_of(made))
    return _show_form(request, form, None)


@sensitive_post_parameters(*PURPOSES)
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CONFIGURE_CONNECTION)
def change(request: Request, slug: str) -> HttpResponse:
    """Change it; what somebody else changed meanwhile is shown beside what was typed."""
    found = get_object_or_404(Connection.objects.select_related("owner"), slug=slug)
    form = ConnectionForm(request.POST or None, connection=found, entered=_entered(request, found))
    if request.method == "POST" and form.is_valid():
        try:
            setting_up.change(
                form.settings, form.secrets, version=form.cleaned_data["version"] or 0,
                by=request.user, at=instant.now(),
            )  # fmt: skip
        except Stale:
            return _show_stale(request, found)
        except SettingError as error:
            form.add_error(_field(form, error), str(error))
        else:
            return done(request, f"{found.name} is saved.", _page_of(found))
    return _show_form(request, form, found)


@sensitive_post_parameters("secret")
@require_POST
@requires(Permission.CONFIGURE_CONNECTION)
def secret(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Connection, slug=slug)
    form = SecretForm(request.POST)
    if not form.is_valid():
        return refusal(request, "Enter a secret: one line of at most 1,000 characters.", 422)
    asked = form.cleaned_data
    try:
        verbs.enter_secret(slug=slug, **asked, by=request.user, at=instant.now())
    except SettingError as error:
        return refusal(request, error, status=422)
    label = Secret.Purpose(asked["purpose"]).label
    return done(request, f"{label} entered. It is never shown again.", _page_of(found))


@require_POST
@requires(Permission.CONFIGURE_CONNECTION)
def end_older(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Connection, slug=slug)
    verbs.end_older_secrets(slug=slug, by=request.user, at=instant.now())
    return done(request, "Only the newest signing secret is good from now on.", _page_of(found))


# --- One of them -----------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_CONNECTIONS)
def connection(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Connection.objects.select_related("owner"), slug=slug)
    return render(request, "connectors/connection.html", _all_of(request, found))


@require_POST
@requires(Permission.PAUSE_CONNECTION)
def status(request: Request, slug: str) -> HttpResponse:
    """Pause, disable, or let it run again."""
    found = get_object_or_404(Connection, slug=slug)
    form = StatusForm(request.POST)
    if not form.is_valid():
        return refusal(request, "Choose active, paused or disabled, and say why.", 422)
    try:
        now = verbs.set_status(slug=slug, by=request.user, at=instant.now(), **form.cleaned_data)
    except SettingError as error:
        return refusal(request, error, status=422)
    return done(request, f"{now.name} is {now.get_status_display().lower()}.", _page_of(found))


@require_POST
@requires(Permission.CONFIGURE_CONNECTION)
def test(request: Request, slug: str) -> HttpResponse:
    """Call it once, now, and say what came of it."""
    found = get_object_or_404(Connection.objects.select_related("owner"), slug=slug)
    tested = _tested(found)
    if request.htmx:
        return render(request, "connectors/_tested.html", {"tested": tested})
    context = _all_of(request, found) | {"tested": tested}
    return render(request, "connectors/connection.html", context)


# --- Underneath ------------------------------------------------------------------------------
def _page_of(found: Connection) -> str:
    return reverse("connectors:connection", args=[found.slug])


def _field(form: ConnectionForm, error: SettingError) -> str | None:
    return error.field if error.field in form.fields else None


def _show_form(
    request: Request, form: ConnectionForm, found: Connection | None, *, status: int = 200,
    now: list[tuple[str, Any]] | None = None,
) -> HttpResponse:  # fmt: skip
    if (form.errors or now is not None) and form.has_typed_secrets:
        for purpose in PURPOSES:
            if form.data.get(purpose) and not form.errors.get(purpose):
                form.add_error(purpose, "Enter it again: a secret is never written into a page.")
    context = {
        "form": form,
        "connection": found,
        "system": registry.system(found.system).name if found else "",
        "now": now,
        "parts": _parts(found),
    }
    code = status if status != 200 else 422 if form.errors else 200
    return render(request, "connectors/connection_form.html", context, status=code)


def _show_stale(request: Request, found: Connection) -> HttpResponse:
    """What was typed is kept; beside it stands what is so now, and saving again is a decision."""
    typed = request.POST.copy()
    found.refresh_from_db()
    typed["version"] = str(found.version)
    form = ConnectionForm(typed, connection=found, entered=_entered(request, found))
    form.is_valid()
    now = [
        (
            str(form.fields[name].label or "") or name.replace("_", " ").capitalize(),
            getattr(found, name),
        )
        for name in ("name", "base_url", "tier", "owner", "expected_every", "allow_loopback")
        if form.cleaned_data.get(name) != getattr(found, name)
    ]
    return _show_form(request, form, found, status=409, now=now)


def _all_of(request: Request, found: Connection) -> dict[str, Any]:
    (standing,) = metrics.standings([found], at=instant.now())
    system = registry.system(found.system)
    return {
        "connection": found,
        "system": system,
        "standing": standing,
        "address": f"{settings.PUBLIC_URL}{reverse('connectors:hook', args=[found.slug])}",
        "base_url": found.base_url or system.default_url,
        "setup": f"connectors/_setup_{system.slug}.html",
        "secrets": _secrets(found),
        "secret_forms": _secret_forms(system),
        "messages_seen": _messages(request, found),
        "refused": _refused(request, found),
        "attempts": _attempts(request, found),
        "trail": _trail(request, found),
        "refusals": _refusals(request, found),
        "may_see_messages": may(request.user, Permission.SEE_PAYLOADS),
        "syncs": sync_showing.of(found, by=request.user, at=request.now or instant.now()),
        "backfill_form": BackfillForm(auto_id="id_backfill_%s"),
        # A template would call what is callable, so it is asked here.
        "is_called": system.client is not None,
        "is_mapped": system.emitter is not None and system.emitter.maps,
        "what": _what(found, system),
    }


def _what(found: Connection, system: System) -> str:
    """Such as "PandaDoc, the quoting tool"."""
    plays = SystemRole.objects.filter(connection=found.slug).order_by("role")
    return ", ".join([system.name, *(f"the {_PARTS.get(one.role, one.role)}" for one in plays)])


def _parts(found: Connection | None) -> dict[str, bool]:
    """Which secrets there is a use for: both, as long as the system is not chosen."""
    if found is None:
        return dict.fromkeys(PURPOSES, True)
    return dict.fromkeys(_secret_forms(registry.system(found.system)), True)


def _secrets(found: Connection) -> dict[str, list[Secret]]:
    """The live ones by purpose, the newest first; nobody reads more of them than that."""
    live = Secret.objects.filter(connection=found).live(at=instant.now())
    kept: dict[str, list[Secret]] = {purpose: [] for purpose in PURPOSES}
    for one in live.defer("sealed"):
        kept[one.purpose].append(one)
    return kept


def _entered(request: Request, found: Connection) -> dict[str, str]:
    """How long ago each secret was entered, in words."""
    newest = {purpose: live[0].created_at for purpose, live in _secrets(found).items() if live}
    now = request.now or instant.now()
    return {
        purpose: words.relative(at, now=now) or f"on {words.day_and_time(timezone.localtime(at))}"
        for purpose, at in newest.items()
    }


def _secret_forms(system: System) -> dict[str, SecretForm]:
    """A form for each secret this system has a use for."""
    labels = {}
    if system.emitter:
        labels["signing"] = system.signing_label
    if system.client:
        labels["credential"] = system.credential_label
    return {
        purpose: SecretForm(
            initial={"purpose": purpose}, label=label, auto_id=f"id_{purpose}_%s",
            help_text="Stored sealed, and never shown again.",
        )
        for purpose, label in labels.items()
    }  # fmt: skip


def _messages(request: Request, found: Connection) -> list:
    seen = looking.visible(request.user).filter(connection=found)
    return list(seen.defer("payload", "body_hash").order_by("-pk")[:_SHOWN])


def _refused(request: Request, found: Connection) -> list:
    seen = looking.visible_refused(request.user).filter(connection=found)
    return list(seen.defer("body", "headers").order_by("-at")[:_SHOWN])


def _attempts(request: Request, found: Connection) -> list:
    """What was tried lately, of the outcomes this person may see."""
    tried = DeliveryAttempt.objects.filter(connection=found.slug, outcome__is_synthetic=False)
    if scope(request.user, Permission.SEE_PROPOSALS) is Scope.TEAM:
        tried = tried.filter(outcome__in=showing.visible(request.user))
    rows = tried.select_related("outcome").defer("calls", "result").order_by("-at", "-pk")
    return [(one, showing.says(one.outcome.kind)) for one in rows[:_SHOWN]]


def _trail(request: Request, found: Connection) -> list[timeline.Entry]:
    reach = scope(request.user, Permission.SEE_TRAIL)
    if reach is None:
        return []
    lines = TrailLine.objects.filter(subject_kind="connection", subject_id=str(found.pk))
    opens = trail_filters.opens(request.user)
    return timeline.read(lines.newest_first()[:20], masked=reach is Scope.MASKED, opens=opens)


def _refusals(request: Request, found: Connection) -> dict[str, str]:
    """Why not, for each act; empty means: go ahead."""
    configure = refusal_for(request.user, Permission.CONFIGURE_CONNECTION)
    return {
        "configure": configure,
        "pause": refusal_for(request.user, Permission.PAUSE_CONNECTION),
        "resume": refusal_for(request.user, Permission.RESUME_CONNECTION),
        "test": configure
        or (
            ""
            if registry.system(found.system).probe
            else "It is push-only: there is nothing to call."
        ),
    }


def _tested(found: Connection) -> dict[str, str]:
    """What came of one call, as the words of an alert."""
    system = registry.system(found.system)
    if system.probe is None:
        return {"tone": "info", "sentence": "It is push-only: there is nothing to call."}
    try:
        client = delivery.client_of(system, found, at=instant.now(), deadline=TEST_SECONDS)
        return {"tone": "ok", "title": "It works.", "sentence": system.probe(client)}
    except Trouble as trouble:
        return {"tone": "danger", "title": _what_went_wrong(trouble), "sentence": str(trouble)}
    except VaultError as error:
        return {
            "tone": "danger",
            "title": "The credential cannot be opened.",
            "sentence": str(error),
        }


def _what_went_wrong(trouble: Trouble) -> str:
    if trouble.credentials:
        return "It refused the credential." if trouble.status else "There is no credential."
    if trouble.status is None:
        return "It cannot be reached."
    return "It answered, but not as it should."
