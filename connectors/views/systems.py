"""The systems as the operating model sees them: who answers for the health of each connection."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connectors.models import Connection
from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy import processes, raci, raci_sets
from meshline.web.access import requires
from meshline.web.requests import Request


@require_safe
@requires(Permission.SEE_CONNECTIONS)
def health_owners(request: Request) -> HttpResponse:
    """Who answers for each connection's health now: a page, and a part of the owners' page."""
    context = {
        "rows": _health(request.now or instant.now()),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
    }
    is_part = request.htmx and not request.htmx.history_restore_request
    name = "_health_owners" if is_part else "health_owners"
    return render(request, f"connectors/{name}.html", context)


def _health(at: datetime) -> list[dict[str, Any]]:
    own = {rows[0].process: rows[0].effective_from for rows in raci_sets.everything(at=at)}
    return [_health_of(one, own, at) for one in Connection.objects.order_by("name", "pk")]


def _health_of(one: Connection, own: dict[str, datetime], at: datetime) -> dict[str, Any]:
    process = processes.of_connection(one.slug)
    last = own.get(process)
    return {
        "connection": one,
        "process": process,
        "accountable": raci.accountable_for(process, at=at),
        "responsible": raci.responsible_for(process, at=at),
        "has_own": last is not None,
        "planned": last if last and last > at else None,
    }
