"""`/api/v1/`: each room's own routers under one roof, behind one envelope, with one document."""

from collections.abc import Iterator, Mapping
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
from meshline.audit import api as audit
from meshline.shell import api_docs
from meshline.web.requests import Request
from meshline.web.rest.bearer import Bearer
from meshline.web.rest.envelope import Strict, guarded, nothing_here
from meshline.web.rest.refusals import answer_in_one_form
from proposals import api as proposals

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
api.add_router("outcomes", connectors.outcomes_router)
api.add_router("tickets", exceptions.router)
api.add_router("trail", audit.router)
answer_in_one_form(api)

DOCUMENT = api_docs.polished(api.get_openapi_schema(path_prefix=ROOT))


@require_safe
def docs(request: Request) -> HttpResponse:
    """The document as a page for people."""
    context = {
        "chapters": api_docs.chapters(DOCUMENT),
        "example": f'curl -H "Authorization: Bearer mesh_…" {settings.PUBLIC_URL}/{ROOT}tickets',
        "per_minute": settings.API_PER_MINUTE,
    }
    return render(request, "shell/api_docs.html", context)


def openapi(request: HttpRequest) -> JsonResponse:
    """The document for programs; it tells nothing that is not in the source."""
    return JsonResponse(DOCUMENT)


def _patterns() -> Iterator[URLPattern]:
    for pattern in api.urls[0]:
        route = str(pattern.pattern)
        if isinstance(pattern, URLPattern) and (operations := _operations(route)):
            yield path(f"{ROOT}{route}", guarded(pattern.callback, operations), name=_name(route))


def _operations(route: str) -> Mapping[str, Mapping[str, Any]]:
    as_described = route.replace("<", "{").replace(">", "}")
    return DOCUMENT["paths"].get(f"/{ROOT}{as_described}", {})


def _name(route: str) -> str:
    """ "tickets/<id>/claim" is api-tickets-one-claim."""
    parts = ("one" if part.startswith("<") else part for part in route.split("/"))
    return "-".join(["api", *parts])


urlpatterns = [
    *_patterns(),
    path(f"{ROOT}openapi.json", guarded(openapi, {"get": {}}), name="api-openapi"),
    path(f"{ROOT}docs", docs, name="api-docs"),
    path("api/", csrf_exempt(login_not_required(nothing_here))),
    path("api/<path:rest>", csrf_exempt(login_not_required(nothing_here)), name="api-nothing"),
]
