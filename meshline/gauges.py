"""Numbers for a scraper: each floor offers its own (`gauges.gauges`), the shell hands them out.

They are read from the database when they are asked for: there are several processes, and what one
of them counted would be its own affair. They name kinds, states and connections, never people.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from prometheus_client.core import GaugeMetricFamily

Labelled = Iterable[tuple[Sequence[Any], Any]]


def gauge(name: str, help: str, labels: Sequence[str], values: Labelled) -> GaugeMetricFamily:
    """`meshline_<name>` with a sample for each (label values, number); without a number, none."""
    family = GaugeMetricFamily(f"meshline_{name}", help, labels=labels)
    for names, number in values:
        if number is not None:
            family.add_metric([str(one) for one in names], float(number))
    return family


def single(name: str, help: str, number: Any) -> GaugeMetricFamily:
    """A gauge without labels; without a number it has no sample."""
    return gauge(name, help, (), [((), number)])


def rows(statement: str, **values: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
