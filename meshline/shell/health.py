"""Two answers for machines: the process lives, and everything it needs is there."""

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse

from meshline.pulse import pulse, vitals

# Beats once, when the demo company has been loaded.
DEMO = "demo"


def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives. Touches nothing, so that nothing else can make it look dead."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """All parts, one by one. 503 only without the database: intake goes on without the rest."""
    parts = readiness()
    return JsonResponse(parts, status=200 if parts["database"] == vitals.OK else 503)


def readiness() -> dict[str, bool | str]:
    """Each part as "ok" or a sentence, the demo as "loaded", "loading" or "none"."""
    parts = {
        "database": vitals.database(),
        "redis": vitals.redis(),
        "workers": vitals.workers(),
        "clock": vitals.clock(),
    }
    demo = _demo()
    is_ready = demo != "loading" and all(part == vitals.OK for part in parts.values())
    return {"ready": is_ready, **parts, "demo": demo}


def _demo() -> str:
    try:
        is_loaded = pulse.age(DEMO) is not None
    except DatabaseError:
        is_loaded = False
    if is_loaded:
        return "loaded"
    return "loading" if settings.SANDBOX_URL else "none"
