"""The doors, for a scraper: what came, what goes out and how, and over which connections."""

from collections.abc import Iterator

from prometheus_client import Metric

from connectors import registry
from meshline.gauges import gauge, rows, single

# Of what ended, at most so many of each connection's newest are looked at.
MOST = 10_000
_CONNECTIONS = """
SELECT c.slug, c.status, c.breaker = 'open', coalesce(w.waiting, 0), coalesce(w.oldest, 0),
    coalesce(w.lapsed, 0), (
        SELECT count(*) FROM proposals_outcome o
        WHERE o.connection = c.slug AND o.state IN ('due', 'leased', 'held')
          AND NOT o.is_synthetic
          AND (o.state = 'held' OR c.status <> 'active' OR c.breaker = 'open')
    )
FROM connectors_connection c LEFT JOIN (
    SELECT connection_id, count(*) AS waiting,
        extract(epoch FROM clock_timestamp() - min(next_attempt_at) FILTER (
            WHERE next_attempt_at <= clock_timestamp()
              AND (lease_until IS NULL OR lease_until < clock_timestamp()))) AS oldest,
        count(*) FILTER (WHERE lease_until < clock_timestamp()) AS lapsed
    FROM connectors_message WHERE status = 'accepted' AND NOT is_synthetic GROUP BY connection_id
) w ON w.connection_id = c.id
ORDER BY c.slug
"""
_ENDED = """
SELECT c.slug, m.status, count(*) FROM connectors_connection c CROSS JOIN LATERAL (
    SELECT status, received_at FROM connectors_message
    WHERE connection_id = c.id AND NOT is_synthetic ORDER BY id DESC LIMIT %(most)s
) m
WHERE m.received_at > now() - interval '1 hour' AND m.status <> 'accepted'
GROUP BY c.slug, m.status
"""
_ATTEMPTS = """
SELECT there.slug, CASE WHEN a.succeeded THEN 'succeeded' ELSE coalesce(nullif(a.failure, ''),
    'failed') END AS result, count(*)
FROM (SELECT slug FROM connectors_connection UNION SELECT %(people)s) there
CROSS JOIN LATERAL (
    SELECT t.succeeded, t.failure FROM connectors_deliveryattempt t
    JOIN proposals_outcome o ON o.id = t.outcome_id AND NOT o.is_synthetic
    WHERE t.connection = there.slug AND t.at > now() - interval '5 minutes'
) a GROUP BY there.slug, result
"""


def gauges() -> Iterator[Metric]:
    there = rows(_CONNECTIONS)
    by_connection = ("connection",)
    yield gauge(
        "messages",
        "Messages by status: all that wait, and those received in the last hour that were read.",
        ("connection", "status"),
        [((one[0], "accepted"), one[3]) for one in there]
        + [((slug, status), number) for slug, status, number in rows(_ENDED, most=MOST)],
    )
    yield gauge(
        "message_oldest_due_age_seconds",
        "How long the longest waiting message has been due; 0 while none is.",
        by_connection,
        [((one[0],), one[4]) for one in there],
    )
    yield single(
        "message_leases_lapsed",
        "Leases on messages that lapsed and were not taken up yet.",
        sum(one[5] for one in there),
    )
    yield gauge(
        "connection_active",
        "1 while the connection is active, 0 while it is paused or disabled.",
        by_connection,
        [((one[0],), one[1] == "active") for one in there],
    )
    yield gauge(
        "connection_breaker_open",
        "1 while the connection does not answer and only one outcome is tried every 30 s.",
        by_connection,
        [((one[0],), one[2]) for one in there],
    )
    yield gauge(
        "outcomes_held",
        "Outcomes that wait behind a pause, a breaker or a hold.",
        by_connection,
        [((one[0],), one[6]) for one in there],
    )
    yield gauge(
        "delivery_attempts",
        "Tries at carrying or proving an outcome in the last five minutes, by result.",
        ("connection", "result"),
        [(one[:2], one[2]) for one in rows(_ATTEMPTS, people=registry.PEOPLE.slug)],
    )
