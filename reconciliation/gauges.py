"""What looking back knows, for a scraper: whether canaries get through, and when one last did."""

from collections.abc import Iterator

from prometheus_client import Metric

from meshline.gauges import gauge, rows

_CANARIES = """
SELECT c.slug, y.state, extract(epoch FROM clock_timestamp() - (
    SELECT p.ended_at FROM reconciliation_probe p
    WHERE p.canary_id = y.id AND p.state = 'passed' ORDER BY p.id DESC LIMIT 1
))
FROM reconciliation_canary y JOIN connectors_connection c ON c.id = y.connection_id
WHERE y.is_on ORDER BY c.slug
"""


def gauges() -> Iterator[Metric]:
    there = rows(_CANARIES)
    by_connection = ("connection",)
    yield gauge(
        "canary_red",
        "1 while the canary of this connection does not get through; none while nothing is tried.",
        by_connection,
        [((slug,), state == "red") for slug, state, _ in there if state in ("green", "red")],
    )
    yield gauge(
        "canary_passed_age_seconds",
        "How long ago a canary last went the whole way.",
        by_connection,
        [((slug,), age) for slug, _, age in there],
    )
