"""Keyset pages in the order of size: by currency, in each the largest first, ties by id.

The place of a row stands in the URL; a place that cannot be read is the first page.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from meshline.web.paging import Page
from reconciliation import unbilled

SIZE = 50
# As on every list: further down, and back up.
_DOWN, _UP = "before", "after"
_LONGEST = 60
Place = tuple[str, Decimal, int]


def page(found: QuerySet, request: HttpRequest, *, is_masked: bool) -> Page:
    """The page the URL asks for. Who does not see amounts pages by id alone."""
    ordered, size = unbilled.by_size(found, is_masked=is_masked), SIZE
    if at := _read(request.GET.get(_UP), is_masked=is_masked):
        above = list(ordered.reverse().filter(_above(at, is_masked=is_masked))[: size + 1])
        if len(above) > size:
            return _page(request, above[size - 1 :: -1], is_up=True, is_down=True, masked=is_masked)
    elif at := _read(request.GET.get(_DOWN), is_masked=is_masked):
        rows = list(ordered.filter(_below(at, is_masked=is_masked))[: size + 1])
        is_down = len(rows) > size
        return _page(request, rows[:size], is_up=True, is_down=is_down, masked=is_masked)
    rows = list(ordered[: size + 1])
    return _page(request, rows[:size], is_up=False, is_down=len(rows) > size, masked=is_masked)


def _page(
    request: HttpRequest, rows: list[Any], *, is_up: bool, is_down: bool, masked: bool
) -> Page:  # fmt: skip
    down = _url(request, _DOWN, rows[-1], masked) if rows and is_down else ""
    up = _url(request, _UP, rows[0] if rows else None, masked) if is_up else ""
    return Page(rows, down, up)


def _read(text: str | None, *, is_masked: bool) -> Place | None:
    parts = (text or "")[:_LONGEST].split("~")
    if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdecimal()):
        return None
    try:
        size = Decimal(0) if is_masked else Decimal(parts[1])
    except InvalidOperation:
        return None
    key = int(parts[2])
    return (parts[0], size, key) if size.is_finite() and key < 2**63 else None


def _below(at: Place, *, is_masked: bool) -> Q:
    currency, size, key = at
    same = Q(currency=currency)
    if is_masked:
        return Q(currency__gt=currency) | (same & Q(pk__gt=key))
    smaller = Q(open_amount__lt=size) | Q(open_amount=size, pk__gt=key)
    return Q(currency__gt=currency) | (same & smaller)


def _above(at: Place, *, is_masked: bool) -> Q:
    currency, size, key = at
    same = Q(currency=currency)
    if is_masked:
        return Q(currency__lt=currency) | (same & Q(pk__lt=key))
    larger = Q(open_amount__gt=size) | Q(open_amount=size, pk__lt=key)
    return Q(currency__lt=currency) | (same & larger)


def _url(request: HttpRequest, word: str, row: Any, masked: bool) -> str:
    query = request.GET.copy()
    query.pop(_UP, None)
    query.pop(_DOWN, None)
    if row is not None:
        size = "0" if masked else f"{row.open_amount}"
        query[word] = f"{row.currency}~{size}~{row.pk}"
    return f"?{query.urlencode()}"
