"""The trail, for a scraper."""

from collections.abc import Iterator

from prometheus_client import Metric

from meshline.gauges import rows, single

_HEAD = "SELECT position FROM audit_chainhead WHERE id = 1"


def gauges() -> Iterator[Metric]:
    position = sum(one[0] for one in rows(_HEAD))
    yield single("trail_chain_position", "Links in the trail's chain.", position)
