"""Looking through a connection: how it stands, and asking for it now, from a day on, or whole."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from connectors import sync_showing
from connectors import syncs as verbs
from connectors.forms import BackfillForm
from connectors.models import Connection, Sync
from connectors.syncs import SyncError
from meshline import instant
from meshline.people.permissions import Permission
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_CONNECTIONS)
def part(request: Request, slug: str) -> HttpResponse:
    """How it stands, asked for again while something is read."""
    found = get_object_or_404(Connection, slug=slug)
    return _show(request, found)


@require_POST
@requires(Permission.SYNC_CONNECTION)
def now(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Connection, slug=slug)
    try:
        made = verbs.look_now(slug=slug, by=request.user, at=instant.now())
    except SyncError as error:
        return refusal(request, error)
    return _told(request, found, sync_showing.asked(made, "It is looked through now"))


@require_POST
@requires(Permission.SYNC_CONNECTION)
def backfill(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Connection, slug=slug)
    form = BackfillForm(request.POST)
    if not form.is_valid():
        return refusal(request, "Write a day, such as 2026-03-02.", status=422)
    try:
        made = verbs.backfill(slug=slug, since=form.begins, by=request.user, at=instant.now())
    except SyncError as error:
        return refusal(request, error)
    return _told(request, found, sync_showing.asked(made, "It is looked through"))


@require_POST
@requires(Permission.SYNC_CONNECTION)
def snapshot(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Connection, slug=slug)
    try:
        made = verbs.snapshot(slug=slug, by=request.user, at=instant.now())
    except SyncError as error:
        return refusal(request, error)
    return _told(request, found, sync_showing.asked(made, "Everything it holds is read now"))


@require_POST
@requires(Permission.SYNC_CONNECTION)
def cancel(request: Request, sync_id: int) -> HttpResponse:
    found = get_object_or_404(Sync.objects.select_related("connection"), pk=sync_id)
    try:
        verbs.cancel(sync_id=sync_id, by=request.user, at=instant.now())
    except SyncError as error:
        return refusal(request, error)
    return _told(request, found.connection, "Cancelled. What was brought before stays.")


def _told(request: Request, found: Connection, sentence: str) -> HttpResponse:
    if request.htmx:
        return _show(request, found)
    return done(request, sentence, reverse("connectors:connection", args=[found.slug]))


def _show(request: Request, found: Connection) -> HttpResponse:
    context = {
        "connection": found,
        "syncs": sync_showing.of(found, by=request.user, at=request.now or instant.now()),
        "backfill_form": BackfillForm(auto_id="id_backfill_%s"),
    }
    return render(request, "connectors/_connection_syncs.html", context)
