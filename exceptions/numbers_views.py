"""The numbers of the queue, on a page and as a file."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions import numbers as counting
from exceptions.figures import Line, Number, Table
from exceptions.models import Ticket
from exceptions.numbers_forms import AskedNumbers
from exceptions.showing import Seen
from meshline import instant
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import csv_export
from meshline.web.access import refusal, requires
from meshline.web.requests import Request

COLUMNS = ("table", "of", "failure class", "number", "value", "unit", "tickets", "rows")

_STATS: list[tuple[str, list[tuple[str, str]]]] = [
    ("Open", [("came back", "Open, came back")]),
    ("Opened", []),
    ("Acknowledged", [("median", "Acknowledged: median"), ("p95", "Acknowledged: p95")]),
    ("Resolved", [("median", "Resolved: median"), ("p95", "Resolved: p95")]),
    ("Reopen rate", []),
    ("Human minutes", []),
]


@require_safe
@requires(Permission.SEE_QUEUE)
def numbers(request: Request) -> HttpResponse:
    """As it stands now, and what happened in the period that the URL says."""
    asked, found = _asked(request)
    context = {
        "asked": asked,
        "numbers": found,
        "stats": _stats(asked, found.whole),
        "parts": [_shown(asked, table) for table in found.open],
        "modes": _shown(asked, found.modes),
        "causes": _shown(asked, _named(request, found.causes)),
        "export_url": f"{reverse('exceptions:export-numbers')}?{asked.query}",
        "export_refusal": refusal_for(request.user, Permission.EXPORT_QUEUE),
        "exports_own": scope(request.user, Permission.EXPORT_QUEUE) is Scope.OWN,
    }
    return render(request, "exceptions/numbers.html", context)


@require_POST
@requires(Permission.EXPORT_QUEUE)
def export(request: Request) -> HttpResponseBase:
    """What the page shows as CSV, each number with the way to its rows."""
    asked, found = _asked(request)
    if faults := csv_export.faults_of(asked.form) or csv_export.faults_of(asked.narrowed.form):
        return refusal(request, faults, status=422)
    tables = [*found.tables[:-1], _named(request, found.causes)]
    cells = [row for table in tables for row in _cells(asked, table)]
    csv_export.note(
        "queue-numbers.exported", by=request.user, at=asked.at, asked=asked.words, rows=len(cells)
    )
    return csv_export.answer("queue-numbers", COLUMNS, cells, at=asked.at)


# --- Underneath ------------------------------------------------------------------------------
def _asked(request: Request) -> tuple[AskedNumbers, counting.Numbers]:
    at = request.now or instant.now()
    asked = AskedNumbers.of(request, at)
    return asked, counting.of(asked.tickets(request), asked.period, at=at)


def _named(request: Request, causes: Table) -> Table:
    """Each cause by its newest ticket's title, as this person sees it."""
    tickets = Ticket.objects.in_bulk([int(line.label) for line in causes.lines])
    seen = [Seen(tickets[int(line.label)], request.user) for line in causes.lines]
    lines = [
        Line(one.title, line.numbers, one.ticket.about.label)
        for line, one in zip(causes.lines, seen, strict=True)
    ]
    return Table(causes.title, causes.columns, lines)


def _stats(asked: AskedNumbers, whole: Line) -> list[dict[str, Any]]:
    """The main numbers, each with what is told beneath it."""
    return [
        {"name": name, "main": _link(asked, whole.numbers[name]),
         "more": [(words, _link(asked, whole.numbers[one])) for words, one in more]}
        for name, more in _STATS
    ]  # fmt: skip


def _link(asked: AskedNumbers, number: Number) -> tuple[Number, str]:
    return number, asked.rows_of(number)


def _shown(asked: AskedNumbers, table: Table) -> dict[str, Any]:
    """A table with the way to the rows of each of its numbers."""
    rows = [
        {"line": line, "bar": bar,
         "cells": [(name, *_link(asked, line.numbers[name])) for name in table.columns]}
        for line, bar in table.bars
    ]  # fmt: skip
    return {"title": table.title, "rows": rows}


def _cells(asked: AskedNumbers, table: Table) -> Iterator[list[Any]]:
    for line in table.lines:
        for name in table.columns:
            yield _cell(asked, table.title, line, name, line.numbers[name])


def _cell(asked: AskedNumbers, title: str, line: Line, name: str, number: Number) -> list[Any]:
    return [title, line.label, line.sub, name, number.raw, number.unit, number.rows,
            asked.rows_of(number)]  # fmt: skip
