"""Keyset pages: each begins where the last one ended, so that the thousandth costs as the first.

A page is named by the row it stands after (`?after=`) or before (`?before=`) in the list's own
order. A name that cannot be read is the first page, never an error.
"""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

# The words in the URL: further down the list, and back up.
_DOWN, _UP = "before", "after"
_MARK = "~"
_LONGEST = 200


@dataclass(frozen=True)
class Page:
    """Some rows, and where the ones around them are; empty where there are none."""

    items: list[Any]
    older_url: str
    newer_url: str

    @property
    def has_others(self) -> bool:
        return bool(self.older_url or self.newer_url)


def page(
    queryset: QuerySet, request: HttpRequest, size: int = 50, by: str = "-id", *,
    none_without: bool = False,
) -> Page:  # fmt: skip
    """The page of `queryset` that the URL asks for, in the order of `by` (ties by id).

    `by` is a field that is never null, with a minus for descending; or one without which no row is
    among these (`none_without`). Any index that serves ORDER BY (field, id) serves every page.
    """
    order = _Order(queryset.model, by, none_without=none_without)
    rows = order.sorted(queryset)
    if at := order.read(request.GET.get(_UP)):
        above = list(order.sorted(queryset.filter(order.above(at)), upwards=True)[: size + 1])
        if len(above) > size:
            return _page(request, order, above[size - 1 :: -1], more_up=True, more_down=True)
    elif at := order.read(request.GET.get(_DOWN)):
        below = list(rows.filter(order.below(at))[: size + 1])
        return _page(request, order, below[:size], more_up=True, more_down=len(below) > size)
    top = list(rows[: size + 1])
    return _page(request, order, top[:size], more_up=False, more_down=len(top) > size)


def first_after(queryset: QuerySet, row: Any, by: str = "-id") -> Any:
    """The row that comes after `row` in the order of `by`, be that one among them or not; after the
    last one the first. None where there is none."""
    order = _Order(queryset.model, by, none_without=True)
    rows = order.sorted(queryset)
    at = order.value_of(row), row.pk
    below = rows.filter(order.below(at)).first() if at[0] is not None else None
    return below or rows.first()


class _Order:
    """A list's order by one field and the id, and the names of places in it."""

    def __init__(self, model: Any, by: str, *, none_without: bool = False) -> None:
        self.descends = by.startswith("-")
        self.name = by.lstrip("-")
        self.key = model._meta.pk
        self.field = self.key if self.name in ("id", "pk") else model._meta.get_field(self.name)
        if self.field.null and not none_without:
            raise FieldDoesNotExist(f"{self.name} may be null: a page could not say where it is.")

    def sorted(self, queryset: QuerySet, *, upwards: bool = False) -> QuerySet:
        sign = "-" if self.descends != upwards else ""
        names = ["pk"] if self.field is self.key else [self.name, "pk"]
        if self.field.null:
            # It leaves nothing out, and lets the index begin where the values do.
            queryset = queryset.filter(**{f"{self.name}__isnull": False})
        return queryset.order_by(*(sign + name for name in names))

    def below(self, at: tuple[Any, Any]) -> Q:
        return self._beyond(at, "lt" if self.descends else "gt")

    def above(self, at: tuple[Any, Any]) -> Q:
        return self._beyond(at, "gt" if self.descends else "lt")

    def value_of(self, row: Any) -> Any:
        return getattr(row, self.field.attname)

    def name_of(self, row: Any) -> str:
        if self.field is self.key:
            return str(row.pk)
        return f"{self.field.value_to_string(row)}{_MARK}{row.pk}"

    def read(self, text: str | None) -> tuple[Any, Any] | None:
        """The place a name in the URL means; None when it means nothing."""
        if not text or len(text) > _LONGEST or "\0" in text:
            return None
        value, _, key = text.rpartition(_MARK)
        try:
            key = _valid(self.key, key)
            return (key if self.field is self.key else _valid(self.field, value)), key
        except (ValidationError, ArithmeticError, ValueError):
            return None

    def _beyond(self, at: tuple[Any, Any], side: str) -> Q:
        value, key = at
        if self.field is self.key:
            return Q(**{f"pk__{side}": key})
        # The first condition lets the index find its place; the second settles ties.
        beyond = Q(**{f"{self.name}__{side}": value}) | Q(**{self.name: value, f"pk__{side}": key})
        return Q(**{f"{self.name}__{side}e": value}) & beyond


def _valid(field: Any, text: str) -> Any:
    value = field.to_python(text)
    if value is None or (hasattr(value, "tzinfo") and timezone.is_naive(value)):
        raise ValueError(text)
    field.run_validators(value)
    return value


def _page(
    request: HttpRequest, order: _Order, items: list[Any], *, more_up: bool, more_down: bool
) -> Page:
    down = _url(request, _DOWN, order.name_of(items[-1])) if items and more_down else ""
    if not more_up:
        return Page(items, down, "")
    # Beyond the end (the rows are gone meanwhile) the way back is the first page.
    up = _url(request, _UP, order.name_of(items[0])) if items else _url(request, _UP, None)
    return Page(items, down, up)


def _url(request: HttpRequest, word: str, name: str | None) -> str:
    query: QueryDict = request.GET.copy()
    query.pop(_UP, None)
    query.pop(_DOWN, None)
    if name:
        query[word] = name
    return f"?{query.urlencode()}"
