"""`/api/v1/`: each room's own routers under one roof, behind one envelope, with one document."""

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from connectors import api as connectors
from exceptions import api as exceptions
from exceptions import bulk_api
from meshline.audit import api as audit
from meshline.shell import api_docs
from meshline.web.requests import Request
from meshline.web.rest.bearer import Bearer
from meshline.web.rest.envelope import Strict, guarded, nothing_here
from meshline.web.rest.refusals import answer_in_one_form
from proposals import api as proposals
from proposals import follow_up_api
from reconciliation import api as reconciliation
from reconciliation import metrics_api

ROOT = "api/v1/"

api = NinjaAPI(
    title="Meshline",
    version="1",
    description="What Meshline's pages show and the queue's acts, for scripts.",
    auth=Bearer(),
    parser=Strict(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
api.add_router("messages", connectors.messages_router)
api.add_router("signals", proposals.signals_router)
# Only the doors know where a proposal is in the other systems.
api.add_router("proposals", proposals.proposals_router(connectors.links_of))
api.add_router("follow-ups", follow_up_api.router)
api.add_router("outcomes", connectors.outcomes_router)
api.add_router("tickets", exceptions.router)
api.add_router("bulk", bulk_api.router)
api.add_router("checks", reconciliation.router)
api.add_router("runs", reconciliation.runs_router)
api.add_router("divergences", reconciliation.divergences_router)
api.add_router("metrics", metrics_api.router)
api.add_router("trail", audit.router)
answer_in_one_form(api)


@cache
def document() -> dict[str, Any]:
    """Written when it is first asked for: it takes most of a second, which no start has to wait."""
    return api_docs.polished(api.get_openapi_schema(path_prefix=ROOT))


@require_safe
def docs(request: Request) -> HttpResponse:
    """The document as a page for people."""
    context = {
        "chapters": api_docs.chapters(document()),
        "example": f'curl -H "Authorization: Bearer mesh_…" {settings.PUBLIC_URL}/{ROOT}tickets',
        "per_minute": settings.API_PER_MINUTE,
    }
    return render(request, "shell/api_docs.html", context)


def openapi(request: HttpRequest) -> JsonResponse:
    """The document for programs; it tells nothing that is not in the source."""
    return JsonResponse(document())


def _patterns() -> Iterator[URLPattern]:
    for pattern in api.urls[0]:
        route = str(pattern.pattern)
        # Without a route there is only ninja's own front page.
        if isinstance(pattern, URLPattern) and route:
            view = guarded(pattern.callback, partial(_operations, route))
            yield path(f"{ROOT}{route}", view, name=_name(route))


def _operations(route: str) -> Mapping[str, Mapping[str, Any]]:
    as_described = route.replace("<", "{").replace(">", "}")
    return document()["paths"][f"/{ROOT}{as_described}"]


def _name(route: str) -> str:
    """ "tickets/<id>/claim" is api-tickets-one-claim."""
    parts = ("one" if part.startswith("<") else part for part in route.split("/"))
    return "-".join(["api", *parts])


urlpatterns = [
    *_patterns(),
    path(f"{ROOT}openapi.json", guarded(openapi, lambda: {"get": {}}), name="api-openapi"),
    path(f"{ROOT}docs", docs, name="api-docs"),
    path("api/", csrf_exempt(login_not_required(nothing_here))),
    path("api/<path:rest>", csrf_exempt(login_not_required(nothing_here)), name="api-nothing"),
]
