"""The seconds tier: how soon what comes in it is proven, and what a burst of others does to it."""

import os
import time
from urllib.parse import urlsplit

from django.db import connection

from connectors import http
from connectors.sandbox import Sandbox
from meshline import instant
from meshline.shell import sandbox_control
from proposals.models import Outcome
from proposals.tiers import Tier
from tests import factories
from tests.bench import events, rig
from tests.bench.load import at_rate, saturate
from tests.bench.report import Ratio, medians
from tests.bench.rig import Rig

TOKEN = "pat-of-the-benches"
# Events of the seconds tier a second, and for how long; posts of the other tier at once.
RATE, SECONDS = 5, 10
BURST = 10_000


def seconds_tier(bed: Rig) -> list[Ratio]:
    """Accepted → proven at an instant stand-in ÷ two round trips to it + drain, all p95."""
    with _crm() as there:
        return medians(lambda: _seconds_tier(bed, there))


def starvation(bed: Rig) -> list[Ratio]:
    """The same while 10,000 events of the hours tier are being digested ÷ without them."""
    with _crm():
        return medians(lambda: _starvation(bed))


class _crm:
    """The stand-in CRM, connected, beside a quoting tool of each tier."""

    def __enter__(self) -> str:
        self._sandbox = Sandbox()
        url = self._sandbox.__enter__().url
        os.environ["SANDBOX_URL"] = url
        from django.conf import settings

        settings.SANDBOX_URL = url
        sandbox_control.configure(hubspot={"token": TOKEN, "owners": [_REMY]})
        for slug, tier in (("urgent", Tier.SECONDS), ("patient", Tier.HOURS)):
            if not factories.Connection.objects.filter(slug=slug).exists():
                factories.pandadoc(slug, tier=tier)
        _connect(f"{url}/hubspot")
        return f"{url}/hubspot"

    def __exit__(self, *error: object) -> None:
        self._sandbox.__exit__(*error)


_REMY = {"email": "remy@example.com", "firstName": "Remy", "lastName": "Park"}


def _connect(url: str) -> None:
    found = factories.Connection.objects.filter(slug="hubspot")
    if found.exists():
        found.update(base_url=url)
    else:
        factories.hubspot(url, token=TOKEN)


def _seconds_tier(bed: Rig, there: str) -> list[Ratio]:
    with bed.running(rig.web(), *rig.workers(), port=int(os.environ["PORT"])):
        _warm_up()
        proven, drained = _urgent()
        limit = 2 * _round_trip(there) + drained
    return [
        Ratio("seconds tier: accepted → proven ÷ 2 trips + drain", proven, limit, "ms", at_most=1.5)
    ]


def _starvation(bed: Rig) -> list[Ratio]:
    port = int(os.environ["PORT"])
    with bed.running(rig.web(), *rig.workers(), port=port):
        _warm_up()
        alone, _ = _urgent()
    with bed.running(rig.web(), port=port):
        saturate(port, events.sent(BURST, slug="patient"))
    with bed.running(rig.web(), *rig.workers(), port=port):
        _warm_up()
        crowded, _ = _urgent()
        still = _waiting()
    assert still, "The burst was over before the measurement."
    Outcome.objects.filter(state="due").update(state="cancelled")
    _forget_waiting()
    name = "starvation: p95 in a burst of 10,000 ÷ without"
    return [Ratio(name, crowded, alone, "ms", at_most=1.5)]


def _warm_up() -> None:
    at_rate(int(os.environ["PORT"]), events.sent(10, slug="urgent"), per_second=5)
    rig.until(lambda: not _open("urgent"))


def _urgent() -> tuple[float, float]:
    """p95 in milliseconds, of the deals: accepted → proven, and accepted → there to be carried.

    Both until the transaction was committed that says so, by the database's own word.
    """
    since = instant.now()
    posts = events.sent(RATE * SECONDS, slug="urgent")
    at_rate(int(os.environ["PORT"]), posts, per_second=RATE)
    rig.until(lambda: not _open("urgent"))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM
                       pg_xact_commit_timestamp(o.xmin) - s.received_at) * 1000),
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM
                       pg_xact_commit_timestamp(t.xmin) - s.received_at) * 1000), count(*)
            FROM proposals_outcome o JOIN proposals_signal s ON s.id = o.signal_id
            JOIN proposals_transition t ON t.signal_id = s.id
            WHERE s.source = 'urgent' AND s.received_at >= %s AND o.kind = 'deal.upsert'
            """,
            [since],
        )
        proven, promised, count = cursor.fetchone()
    assert count == RATE * SECONDS
    return float(proven), float(promised)


def _round_trip(there: str) -> float:
    """p95 in milliseconds of a call to the stand-in, over the one door out."""
    parts = urlsplit(there)
    url = f"{parts.scheme}://{parts.netloc}{parts.path}/crm/v3/owners"
    took = []
    for _ in range(100):
        started = time.perf_counter()
        http.call("GET", url, headers={"Authorization": f"Bearer {TOKEN}"}, allow_loopback=True)
        took.append(time.perf_counter() - started)
    return sorted(took)[94] * 1000


def _open(source: str) -> bool:
    waiting = factories.Message.objects.filter(connection__slug=source, status="accepted")
    unproven = Outcome.objects.filter(proposal__source=source, kind="deal.upsert")
    return waiting.exists() or unproven.exclude(state__in=["proven", "cancelled"]).exists()


def _waiting() -> int:
    found = factories.Message.objects.filter(connection__slug="patient", status="accepted")
    return found.count()


def _forget_waiting() -> None:
    found = factories.Message.objects.filter(connection__slug="patient", status="accepted")
    found.update(status="ignored", lease_owner=None, lease_until=None)
