"""`GET /metrics`: every floor's gauges in Prometheus's format, read when they are asked for."""

import hmac
import platform
from collections.abc import Iterator
from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, exposition
from prometheus_client.registry import Collector

from connectors import gauges as of_connectors
from exceptions import gauges as of_exceptions
from meshline import patience
from meshline.audit import gauges as of_the_trail
from meshline.gauges import gauge, single
from meshline.notices import gauges as of_the_notices
from meshline.pulse import gauges as of_the_pulse
from meshline.pulse import pulse
from meshline.shell import invariants, reach
from proposals import gauges as of_proposals
from reconciliation import gauges as of_looking_back

# All floors together; a scraper asks again soon anyway.
_DATABASE_SECONDS = 5.0
_SET_A_TOKEN = (
    "Set METRICS_TOKEN and show it as a bearer token: without one only this machine itself may ask."
)
# What proxies say of whom they ask for; of ours Meshline itself wants X-Forwarded-Proto.
_FORWARDED = "HTTP_X_FORWARDED_"
_PROXIED = frozenset({"HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"})


_FLOORS = (
    of_looking_back, of_connectors, of_proposals, of_exceptions, of_the_notices, of_the_pulse,
    of_the_trail,
)  # fmt: skip


class Floors(Collector):
    """What every floor says of itself now."""

    def collect(self) -> Iterator[Metric]:
        for floor in _FLOORS:
            yield from floor.gauges()
        yield from _of_the_shell()


@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """503 at once without the database; 401 without METRICS_TOKEN, but for this machine itself."""
    if refusal := _refusal_for(request):
        refused = HttpResponse(f"{refusal}\n", status=401, content_type="text/plain")
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused
    if not reach.database_answers():
        return _away()
    try:
        with patience.at_most(_DATABASE_SECONDS):
            return HttpResponse(_text(), content_type=exposition.CONTENT_TYPE_PLAIN_0_0_4)
    except DatabaseError:
        return _away()


def _text() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Floors())
    # Memory, processor time and open files of the one web process that answers.
    ProcessCollector(registry=registry)
    return exposition.generate_latest(registry)


def _of_the_shell() -> Iterator[Metric]:
    known = pulse.detail(invariants.CHECKED)
    help = "Invariants that were broken at the last hourly look."
    yield single("invariants_broken", help, len(known["broken"]) if known else None)
    verified = pulse.detail(invariants.VERIFIED)
    help = "Up to which link the trail's chain was recomputed last."
    yield single("trail_verified_position", help, verified.get("position"))
    help = "1; the labels say what runs."
    yield gauge("build_info", help, ("python",), [((platform.python_version(),), 1)])


def _refusal_for(request: HttpRequest) -> str:
    """Why not, as a sentence; empty when the numbers may be read."""
    if settings.METRICS_TOKEN:
        return "" if _shows_token(request) else "A bearer token is needed."
    # The same host takes the world's webhooks: whoever comes from elsewhere must be known.
    return "" if _is_from_here(request) else _SET_A_TOKEN


def _shows_token(request: HttpRequest) -> bool:
    kind, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    wanted = settings.METRICS_TOKEN.encode()
    is_it = hmac.compare_digest(given.strip().encode("latin-1", "replace"), wanted)
    return kind.lower() == "bearer" and is_it


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a process of this machine asks, and not a proxy of this machine for somebody."""
    if any(name in _PROXIED or name.startswith(_FORWARDED) for name in request.META):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _away() -> HttpResponse:
    answer = HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    answer.headers["Retry-After"] = "15"
    return answer
