"""The outbox, for a scraper."""

from collections.abc import Iterator

from prometheus_client import Metric

from meshline.gauges import gauge, rows, single

# Of what ended, at most so many of the newest are looked at.
MOST = 10_000
_WAITING = """
-- Two partial indexes: one has what may be carried, the other what is held.
SELECT connection, state, count(*),
    extract(epoch FROM clock_timestamp() - min(next_attempt_at) FILTER (
        WHERE next_attempt_at <= clock_timestamp() AND state <> 'leased')),
    count(*) FILTER (WHERE state = 'leased' AND lease_until < clock_timestamp())
FROM (
    SELECT connection, state, next_attempt_at, lease_until FROM proposals_outcome
    WHERE state IN ('due', 'leased', 'delivered') AND NOT is_synthetic
    UNION ALL
    SELECT connection, state, next_attempt_at, lease_until FROM proposals_outcome
    WHERE state IN ('due', 'leased', 'held') AND state = 'held' AND NOT is_synthetic
) waiting GROUP BY connection, state
"""
_ENDED = """
WITH newest AS (
    SELECT o.connection, o.state, o.tier, o.promised_at, o.proven_at, s.received_at
    FROM (
        SELECT * FROM proposals_outcome WHERE promised_at > now() - interval '1 hour'
          AND NOT is_synthetic
        ORDER BY promised_at DESC, id DESC LIMIT %(most)s
    ) o LEFT JOIN proposals_signal s ON s.id = o.signal_id
    WHERE o.state IN ('proven', 'given_up', 'cancelled')
)
SELECT 'state', connection, state, count(*), NULL, NULL FROM newest GROUP BY connection, state
UNION ALL
SELECT 'tier', tier, NULL, count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
FROM (
    SELECT tier, extract(epoch FROM proven_at - coalesce(received_at, promised_at)) AS seconds
    FROM newest WHERE state = 'proven'
      AND coalesce(received_at, promised_at) > now() - interval '1 hour'
) proven GROUP BY tier
"""


def gauges() -> Iterator[Metric]:
    waiting, ended = rows(_WAITING), rows(_ENDED, most=MOST)
    counted = [((one[0], one[1]), one[2]) for one in waiting]
    counted += [((one[1], one[2]), one[3]) for one in ended if one[0] == "state"]
    help = "Outcomes by state: all that wait, and those of the last hour's promises that ended."
    yield gauge("outcomes", help, ("connection", "state"), counted)
    oldest: dict[str, float] = {}
    for slug, _, _, age, _ in waiting:
        oldest[slug] = max(oldest.get(slug, 0.0), float(age or 0))
    help = "How long the longest waiting outcome has been due; 0 while none is."
    yield gauge(
        "outcome_oldest_due_age_seconds", help, ("connection",),
        [((slug,), age) for slug, age in oldest.items()],
    )  # fmt: skip
    help = "Leases on outcomes that lapsed and were not taken up yet."
    yield single("outcome_leases_lapsed", help, sum(one[4] for one in waiting))
    tiers = [one for one in ended if one[0] == "tier"]
    help = "From accepted to proven, of what was accepted in the last hour."
    yield gauge(
        "outcome_latency_seconds", help, ("tier", "quantile"),
        [((one[1], "0.5"), one[4]) for one in tiers]
        + [((one[1], "0.95"), one[5]) for one in tiers],
    )  # fmt: skip
    help = "How many outcomes the latency was taken from."
    yield gauge("outcome_latency_outcomes", help, ("tier",), [((one[1],), one[3]) for one in tiers])
