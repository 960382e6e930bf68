"""Lists as CSV: streamed row by row, and harmless in a spreadsheet.

A spreadsheet runs a cell that begins like a formula, whoever wrote it. Such text gets an apostrophe
in front, by which spreadsheets know text.
"""

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.forms import Form
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from meshline import instant, patience
from meshline.audit import trail
from meshline.audit.trail import Personal
from meshline.people.models import User
from meshline.web.access import refusal
from meshline.web.requests import Request

# More than a spreadsheet holds, and minutes of work for the database.
CAP = 1_000_000
CHUNK = 500
# It is read while it is sent, when nothing else ends a wait for the database any more.
CHUNK_SECONDS = 20.0
# What begins a formula, also as typed on East Asian keyboards.
_FORMULA = tuple("=+-@＝＋－＠")
# Some programs read past these and only then look for a formula.
_PASSED_OVER = " \xa0\u3000\u200b\ufeff\"'"
_CONTROL = ("\t", "\r", "\n")


class TooManyRows(Exception):
    """There are more rows than a file is made of, as a sentence."""


class Chosen:
    """Which rows, in which order, as of one moment: eight bytes each, read by a server's cursor.

    The rows themselves are read a chunk at a time as they are sent, so that neither a cursor nor a
    transaction stays open for somebody who downloads slowly or not at all.
    """

    def __init__(self, rows: QuerySet, whole: QuerySet) -> None:
        keys = rows.values_list("pk", flat=True)[: CAP + 1]
        self._keys = array("q", keys.iterator(chunk_size=10_000))
        self._whole = whole
        if len(self._keys) > CAP:
            raise TooManyRows(
                f"These are more than {CAP:,} rows, more than one file is made of. "
                "Narrow the filter, for instance by a shorter time, and export again."
            )

    def __len__(self) -> int:
        return len(self._keys)

    def chunks(self) -> Iterator[list[Any]]:
        """The rows, some hundred at a time."""
        for start in range(0, len(self._keys), CHUNK):
            keys = self._keys[start : start + CHUNK].tolist()
            with patience.at_most(CHUNK_SECONDS):
                found = self._whole.in_bulk(keys)
            yield [found[key] for key in keys]


def send(
    request: Request, rows: QuerySet, *, whole: QuerySet, name: str, columns: Iterable[str],
    asked: Mapping[str, Any],
    write: Callable[[Iterator[list[Any]]], Iterator[Iterable[Any]]],
) -> HttpResponseBase:  # fmt: skip
    """These rows as a download, once the trail says who took them, by which filter, how many.

    `whole` reads whole rows by their keys; `asked` is the filter in words; `write` makes cells of
    them, chunk by chunk.
    """
    try:
        chosen = Chosen(rows, whole)
    except TooManyRows as error:
        return refusal(request, error)
    at = instant.now()
    note(f"{name}.exported", by=request.user, at=at, asked=asked, rows=len(chosen))
    return answer(name, columns, write(chosen.chunks()), at=at)


@transaction.atomic
def note(what: str, *, by: User, at: datetime, asked: Mapping[str, Any], rows: int) -> None:
    """The export's line on the trail. What was typed may name a customer, and is sealed."""
    person = f"person:{by.pk}"
    words = {f"filter {name}": Personal(person, str(value)) for name, value in asked.items()}
    trail.record(what, subject=by, by=by, at=at, after={"rows": rows, **words})


def asked_of(form: Form) -> dict[str, str]:
    """What a filter form was given, without what was left empty."""
    given = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in given.items() if value}


def faults_of(form: Form) -> str:
    """Why a filter cannot be read, as a sentence: a file is not made of more than was asked for."""
    if form.is_valid() or not form.is_bound:
        return ""
    faults = (
        f"{form[name].label}: {' '.join(map(str, said))}"
        for name, said in form.errors.items()
        if name in form.fields
    )
    return f"Nothing was exported, because the filter cannot be read. {' '.join(faults)}"


def answer(
    name: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, at: datetime
) -> StreamingHttpResponse:
    """A download named after the list and the day (UTC)."""
    response = StreamingHttpResponse(
        _written(columns, rows), content_type="text/csv; charset=utf-8"
    )
    day = f"{at.astimezone(UTC):%Y-%m-%d}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{day}.csv"'
    return response


def cell(value: Any) -> str:
    """One cell: moments in UTC, text that a spreadsheet would run kept from it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, int | float | Decimal) else _guarded(str(value))


def _guarded(text: str) -> str:
    begins = text.lstrip(_PASSED_OVER)
    return f"'{text}" if begins.startswith((*_FORMULA, *_CONTROL)) else text


def _written(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Lines of the file, many in one piece: a piece for each would be a chunk of HTTP each."""
    writer = csv.writer(_Echo())
    piece = [writer.writerow(columns)]
    for number, row in enumerate(rows, start=1):
        piece.append(writer.writerow([cell(value) for value in row]))
        if number % CHUNK == 0:
            yield "".join(piece)
            piece = []
    yield "".join(piece)


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text
