"""What is on its way to people outside, for a scraper."""

from collections.abc import Iterator

from prometheus_client import Metric

from meshline.gauges import gauge, rows

_WAITING = """
SELECT channel, count(*), extract(epoch FROM clock_timestamp() - min(next_attempt_at) FILTER (
    WHERE next_attempt_at <= clock_timestamp() AND state = 'due'))
FROM notices_sending WHERE state IN ('due', 'leased') GROUP BY channel ORDER BY channel
"""


def gauges() -> Iterator[Metric]:
    waiting = rows(_WAITING)
    help = "Notices on their way to people outside: held, due, or being sent."
    yield gauge("notices_waiting", help, ("channel",), [((one[0],), one[1]) for one in waiting])
    help = "How long the longest waiting notice has been due; none while none is."
    labels = [((one[0],), one[2]) for one in waiting]
    yield gauge("notice_oldest_due_age_seconds", help, ("channel",), labels)
