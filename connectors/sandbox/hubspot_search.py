"""Searching the HubSpot stand-in: filters, order and pages over the records its index shows."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.hubspot_objects import DATES, error
from connectors.sandbox.records import Record

MOST_PER_PAGE = 200
MOST_RESULTS = 10_000  # beyond this every query is refused
MOST_GROUPS, MOST_FILTERS = 5, 6


def comparable(name: str, value: str) -> tuple[int, Any]:
    """A value to compare with others of its property: dates, then numbers, then text."""
    if name in DATES:
        try:
            return (0, times.read(value))
        except (ValueError, OverflowError):
            raise error(400, f"{value[:80]} is not a date", "VALIDATION_ERROR") from None
    try:
        number = Decimal(value)
        if number.is_finite():
            return (1, number)
    except InvalidOperation:
        pass
    return (2, value.casefold())


def _within(name: str, value: str, low: str, high: str) -> bool:
    return comparable(name, low) <= comparable(name, value) <= comparable(name, high)


# Operator → does (property, value of the record, filter) match? No value matches none of these.
OPERATORS: dict[str, Callable[[str, str, dict[str, Any]], bool]] = {
    "EQ": lambda n, v, f: comparable(n, v) == comparable(n, _value(f)),
    "NEQ": lambda n, v, f: comparable(n, v) != comparable(n, _value(f)),
    "GT": lambda n, v, f: comparable(n, v) > comparable(n, _value(f)),
    "GTE": lambda n, v, f: comparable(n, v) >= comparable(n, _value(f)),
    "LT": lambda n, v, f: comparable(n, v) < comparable(n, _value(f)),
    "LTE": lambda n, v, f: comparable(n, v) <= comparable(n, _value(f)),
    "BETWEEN": lambda n, v, f: _within(n, v, _value(f), _value(f, "highValue")),
    "IN": lambda n, v, f: comparable(n, v) in [comparable(n, one) for one in _values(f)],
    "NOT_IN": lambda n, v, f: comparable(n, v) not in [comparable(n, one) for one in _values(f)],
    "HAS_PROPERTY": lambda n, v, f: True,
}


def search(records: list[Record], asked: dict[str, Any]) -> tuple[int, list[Record], str | None]:
    """How many fit, the page of them that was asked for, and where the next one begins."""
    limit, after = _page(asked)
    groups = _groups(asked)
    found = [record for record in records if _fits(record, groups)]
    for name, descending in reversed(_order(asked)):
        found.sort(key=lambda record: _sort_key(name, record), reverse=descending)
    ended = after + limit
    following = str(ended) if ended < len(found) else None
    return len(found), found[after:ended], following


def _page(asked: dict[str, Any]) -> tuple[int, int]:
    try:
        limit, after = int(asked.get("limit", 10)), int(asked.get("after") or 0)
    except (TypeError, ValueError):
        raise error(400, "Invalid input JSON: limit or after", "VALIDATION_ERROR") from None
    if not 0 <= limit <= MOST_PER_PAGE:
        raise error(400, f"limit must be at most {MOST_PER_PAGE}", "VALIDATION_ERROR")
    if after < 0 or after + limit > MOST_RESULTS:
        message = f"Paging beyond {MOST_RESULTS} results is not supported"
        raise error(400, message, "VALIDATION_ERROR")
    return limit, after


def _groups(asked: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Filters joined by and, in groups joined by or; none at all fits everything."""
    try:
        groups = [list(group["filters"]) for group in asked.get("filterGroups") or []]
        known = all(one["operator"] in OPERATORS | {"NOT_HAS_PROPERTY": 0}
                    and isinstance(one["propertyName"], str)
                    for group in groups for one in group)  # fmt: skip
    except (KeyError, TypeError):
        raise error(400, "Invalid input JSON: filterGroups", "VALIDATION_ERROR") from None
    if not known:
        raise error(400, "Invalid input JSON: unknown operator", "VALIDATION_ERROR")
    if len(groups) > MOST_GROUPS or any(len(group) > MOST_FILTERS for group in groups):
        raise error(400, "There are too many filters", "VALIDATION_ERROR")
    return groups


def _fits(record: Record, groups: list[list[dict[str, Any]]]) -> bool:
    return not groups or any(all(_meets(record, one) for one in group) for group in groups)


def _meets(record: Record, wanted: dict[str, Any]) -> bool:
    name = wanted["propertyName"]
    value = record.body.get(name, "")
    if wanted["operator"] == "NOT_HAS_PROPERTY":
        return not value
    return bool(value) and OPERATORS[wanted["operator"]](name, value, wanted)


def _value(wanted: dict[str, Any], name: str = "value") -> str:
    value = wanted.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise error(400, f"A filter lacks its {name}", "VALIDATION_ERROR")
    return str(value)


def _values(wanted: dict[str, Any]) -> list[str]:
    values = wanted.get("values")
    if not isinstance(values, list):
        raise error(400, "A filter lacks its values", "VALIDATION_ERROR")
    return [str(value) for value in values]


def _order(asked: dict[str, Any]) -> list[tuple[str, bool]]:
    """What to sort by and whether downwards, the most important first."""
    order = []
    for sort in asked.get("sorts") or []:
        if isinstance(sort, str):
            order.append((sort.removeprefix("-"), sort.startswith("-")))
        elif isinstance(sort, dict) and isinstance(sort.get("propertyName"), str):
            order.append((sort["propertyName"], sort.get("direction") == "DESCENDING"))
        else:
            raise error(400, "Invalid input JSON: sorts", "VALIDATION_ERROR")
    return order


def _sort_key(name: str, record: Record) -> tuple[Any, ...]:
    value = record.body.get(name, "")
    return (1, *comparable(name, value)) if value else (0,)
