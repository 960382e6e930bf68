"""Two answers for machines: the process lives, and everything it needs is there."""

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse

from meshline import patience
from meshline.pulse import pulse, vitals
from meshline.shell import reach

# All questions to the database together, once it was seen to answer.
_DATABASE_SECONDS = 0.5
_UNKNOWN = "It cannot be seen without the database."
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
    """Each part as "ok" or a sentence, the demo as "loaded", "loading" or "none".

    Answers within a second also while Redis or the database hangs.
    """
    parts = _in_the_database()
    parts["redis"] = vitals.redis()
    # Without Redis no worker can be seen, and asking would only take longer.
    parts["workers"] = vitals.workers() if parts["redis"] == vitals.OK else vitals.NOT_SEEN
    demo = parts.pop("demo")
    is_ready = demo != "loading" and all(part == vitals.OK for part in parts.values())
    named = {name: parts[name] for name in ("database", "redis", "workers", "clock")}
    return {"ready": is_ready, **named, "demo": demo}


def _in_the_database() -> dict[str, str]:
    if not reach.database_answers():
        return {"database": vitals.NO_DATABASE, "clock": _UNKNOWN, "demo": _demo(is_loaded=False)}
    with patience.at_most(_DATABASE_SECONDS):
        database = vitals.database()
        clock = vitals.clock() if database != vitals.NO_DATABASE else _UNKNOWN
        is_loaded = database != vitals.NO_DATABASE and _is_loaded()
    return {"database": database, "clock": clock, "demo": _demo(is_loaded=is_loaded)}


def _is_loaded() -> bool:
    try:
        return pulse.age(DEMO) is not None
    except DatabaseError:
        return False


def _demo(*, is_loaded: bool) -> str:
    if is_loaded:
        return "loaded"
    return "loading" if settings.SANDBOX_URL else "none"
