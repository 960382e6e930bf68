"""CSV: harmless in a spreadsheet, the same when read back, and streamed."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from meshline.web import csv_export

AT = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))


def read(answer):
    text = b"".join(answer.streaming_content).decode("utf-8")
    return text, list(csv.reader(io.StringIO(text, newline="")))


RUN = [
    "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\tx", "\rx", "\nx", 
    '=cmd|" /C calc"!A0',
    " =1+1", "   @x", "\xa0=1", "\ufeff=1", "\u200b=1", '"=1', "'=1", '" =1', "＝1", "＋1", "－1",
]  # fmt: skip
PLAIN = [
    "",
    "x",
    "1",
    "a=b",
    "a\n=b",
    "0-1",
    "nina@x.example",
    "(=1)",
    '"quoted"',
    "Zoë, 山田 🧵",
    "'",
]


@pytest.mark.parametrize("text", RUN)
def test_what_a_spreadsheet_would_run_is_kept_from_it(text):
    assert csv_export.cell(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(text):
    assert csv_export.cell(text) == text


def test_numbers_stay_numbers_and_moments_are_in_utc():
    assert csv_export.cell(Decimal("-12.50")) == "-12.50"
    assert csv_export.cell(-3) == "-3"
    assert csv_export.cell(None) == ""
    assert csv_export.cell(AT) == "2026-03-03T04:30:00.000000Z"


def test_what_is_not_text_itself_is_guarded_as_well():
    class Person:
        def __str__(self):
            return "=HYPERLINK(1)"

    assert csv_export.cell(Person()) == "'=HYPERLINK(1)"


ODD = ["a,b", 'say "x"', "two\nlines", "two\r\nlines", "a\rb", ";", "\\", "‮x", "", "x" * 100_000]


def test_it_is_read_back_to_the_letter():
    answer = csv_export.answer("trail", ["a", "b"], ([odd, odd] for odd in ODD), at=AT)
    text, rows = read(answer)
    assert rows == [["a", "b"], *([odd, odd] for odd in ODD)]
    assert not text.startswith("\ufeff")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="trail-2026-03-03.csv"'


def test_rows_are_made_as_they_are_sent():
    made = []

    def rows():
        for number in range(10 * csv_export.CHUNK):
            made.append(number)
            yield [number]

    pieces = iter(csv_export.answer("x", ["n"], rows(), at=AT).streaming_content)
    assert made == []
    next(pieces)
    assert len(made) == csv_export.CHUNK
    assert sum(1 for _ in pieces) == 10
    assert datetime.now(UTC) > AT
