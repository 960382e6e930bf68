"""Reading what strangers send: strict, bounded, exact; and times that are never guessed."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import moments, parsing
from connectors.parsing import MAX_EVENTS, Unreadable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=20,
)
# Pieces that make JSON-like text, so that chance meets the grammar.
MARKS = st.sampled_from(
    [b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b'\\"', b" ", b"\n", b"1", b"-0", b"1e9",
     b"1e999999999999999999999", b"null", b"NaN", b'"a"', b"\xff", b"\xef\xbb\xbf", b"\\ud800",
     b'"\\u0000"', b"\x00", b"\x0c"]
)  # fmt: skip


# --- parse ---------------------------------------------------------------------------------------
@given(JSON)
def test_what_is_json_is_read_as_json(value):
    written = json.dumps(value).encode()
    assert parsing.parse(written) == json.loads(written)


@given(st.binary(max_size=60) | st.lists(MARKS, max_size=40).map(b"".join))
@example(b"1e999999999999999999999")
@example(b"[1e-9999999999999999999999]")
@example(b"-")
@settings(max_examples=400)
def test_nothing_that_comes_raises_anything_but_unreadable(raw):
    for read in (parsing.parse, parsing.elements):
        with suppress(Unreadable):
            read(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff\xfe{}", "It is not UTF-8 (byte 0)."),
        (b'{"a": "\xc3\x28"}', "It is not UTF-8 (byte 7)."),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"", "It is not JSON"),
        (b"{", "It is not JSON"),
        (b"{} {}", "It is not JSON: Extra data"),
        (b"{'a': 1}", "It is not JSON"),
        (b'{"a": NaN}', "NaN is not a number that can be kept."),
        (b'{"a": -Infinity}', "-Infinity is not a number that can be kept."),
        (b'{"a": 1, "b": 2, "a": 3}', "The key 'a' stands twice in one object."),
        (b'{"a": {"b": 1, "b": 1}}', "The key 'b' stands twice in one object."),
        (b"[1e500]", "The number 1e500 has too many digits to be meant."),
        (b"[1e131071]", "too many digits"),
        (b"[1e99999999999999999999]", "too many digits"),
        (b"[" + b"9" * 5000 + b"]", "The number 99999999999999999999… has too many digits"),
        (b"[0." + b"1" * 5000 + b"]", "too many digits"),
        (b"[" * 65 + b"]" * 65, "It is nested deeper than 64 levels."),
        (b"[" * 500_000, "It is nested deeper than 64 levels."),
        (b'{"a":' * 100_000, "It is nested deeper than 64 levels."),
        (b"[" + b"0," * 9_999 + b"0]", "It holds more than 10,000 values."),
    ],
)
def test_what_cannot_be_read_says_why(raw, said):
    with pytest.raises(Unreadable) as caught:
        parsing.parse(raw)
    assert said in str(caught.value)


def test_sixty_four_levels_and_ten_thousand_values_are_read():
    assert parsing.parse(b"[" * 64 + b"]" * 64)
    assert len(parsing.parse(b"[" + b"0," * 9_998 + b"0]")) == 9_999


def test_a_fraction_is_exact():
    assert parsing.parse(b"[0.1, 199.00, 1e3]") == [
        Decimal("0.1"), Decimal("199.00"), Decimal("1000"),
    ]  # fmt: skip


def test_whole_numbers_beyond_two_to_the_53_keep_every_digit():
    assert parsing.parse(b"9007199254740993") == 9007199254740993


def test_places_and_values_do_not_part_what_has_one_cause():
    causes = set()
    for raw in (b"{", b'{"a": ', b"nothing"):
        with pytest.raises(Unreadable) as caught:
            parsing.parse(raw)
        causes.add(caught.value.cause)
    assert causes == {"not JSON"}


# --- elements ------------------------------------------------------------------------------------
@given(st.lists(JSON, min_size=1, max_size=6), st.sampled_from([None, 2]))
def test_the_elements_of_an_array_joined_again_are_that_array(values, indent):
    raw = json.dumps(values, indent=indent).encode()
    found = parsing.elements(raw)
    assert [json.loads(one) for one in found] == values
    assert json.loads(b"[" + b",".join(found) + b"]") == values
    assert all(one in raw for one in found)


@given(st.lists(MARKS, max_size=60).map(b"".join))
def test_no_byte_of_an_array_is_lost_in_its_elements(raw):
    blanks = b" \n"
    found = parsing.elements(raw)
    if found == [raw]:
        return
    joined = b"[" + b",".join(found) + b"]"
    assert joined.translate(None, blanks) == raw.translate(None, blanks)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"[]", []),
        (b" [ \n ] ", []),
        (b'[{"a": 1}]', [b'{"a": 1}']),
        (b'[{"a": ","}, {"b": "]"}]', [b'{"a": ","}', b'{"b": "]"}']),
        (b'["\\"", "[\\\\"]', [b'"\\""', b'"[\\\\"']),
        (b"[[1, 2], {}]", [b"[1, 2]", b"{}"]),
        (b"[nonsense, {}]", [b"nonsense", b"{}"]),
        (b"[{}, {1: 2}, {}]", [b"{}", b"{1: 2}", b"{}"]),
        (b"[\xff, {}]", [b"\xff", b"{}"]),
        (b"[{},]", [b"{}", b""]),
        (b"{}", [b"{}"]),
        (b"", [b""]),
        (b"[", [b"["]),
        (b"[{}", [b"[{}"]),
        (b"[{}]]", [b"[{}]]"]),
        (b"[1], [2]", [b"[1], [2]"]),
        (b'[{"a": "never ends}, {}]', [b'[{"a": "never ends}, {}]']),
    ],
)
def test_an_array_is_cut_by_its_own_commas_alone(raw, found):
    assert parsing.elements(raw) == found


def test_more_than_a_thousand_events_are_one_unreadable_post():
    assert len(parsing.elements(b"[" + b",".join([b"{}"] * MAX_EVENTS) + b"]")) == MAX_EVENTS
    with pytest.raises(Unreadable, match=r"It holds more than 1,000 events\."):
        parsing.elements(b"[" + b",".join([b"{}"] * (MAX_EVENTS + 1)) + b"]")


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + b'"' + b'\\"' * 500_000 + b"]",
        b"[" + b"\\" * 1_000_000 + b"]",
        b"[" + b'"' * 999_999 + b"]",
        b"[" + b"[{" * 500_000 + b"]",
        b"[" * 1_000_000 + b"]" * 10,
    ],
)
def test_a_megabyte_made_to_hurt_is_cut_at_once(raw):
    started = time.monotonic()
    parsing.elements(raw)
    assert time.monotonic() - started < 30  # quadratic, it would take minutes


# --- text, keys, money ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, ""),
        ("", ""),
        ({"a": 1}, ""),
        (["a"], ""),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800", "?"),
        (9007199254740993, "9007199254740993"),
        ("x" * 301, "x" * 300),
    ],
)
def test_text_is_what_every_column_takes(value, found):
    assert parsing.text(value) == found


def test_two_long_ids_that_begin_alike_are_two_keys():
    first, second = (parsing.key("x" * 400 + end) for end in "ab")
    assert first != second
    assert len(first) == len(second) == 300
    assert parsing.key("evt-1") == "evt-1"


@pytest.mark.parametrize(
    ("value", "currency", "found"),
    [
        ("199", "EUR", "199.00"),
        ("199.00", "EUR", "199.00"),
        ("199.5", "eur", "199.50"),
        (199, "EUR", "199.00"),
        (Decimal("1E+3"), "USD", "1000.00"),
        ("1500", "JPY", "1500"),
        ("1500.00", "JPY", "1500"),
        ("1.234", "BHD", "1.234"),
        ("-5", "EUR", "-5.00"),
        ("0", "EUR", "0.00"),
    ],
)
def test_money_is_told_in_its_own_minor_units(value, currency, found):
    told = parsing.amount(value, currency, field="data.amount")
    assert told == {"amount": found, "currency": currency.upper()}


@pytest.mark.parametrize(
    ("value", "currency", "said"),
    [
        ("1500.50", "JPY", "finer than JPY allows"),
        ("1.2345", "BHD", "finer than BHD allows"),
        ("199.001", "EUR", "finer than EUR allows"),
        ("1e500", "EUR", "'1e500'; it must be a decimal number"),
        ("1e99", "EUR", "below 1,000,000,000,000,000"),
        ("1e-9", "EUR", "finer than EUR allows"),
        ("NaN", "EUR", "it must be a decimal number"),
        ("Infinity", "EUR", "it must be a decimal number"),
        ("1_000", "EUR", "it must be a decimal number"),
        (" 5", "EUR", "it must be a decimal number"),
        ("١٢", "EUR", "it must be a decimal number"),
        ("1.234,50", "EUR", "it must be a decimal number"),
        ("9" * 5000, "EUR", "it must be a decimal number"),
        (True, "EUR", "it must be a decimal number"),
        ({}, "EUR", "it must be a decimal number"),
        ("5", "", "'' is not a currency"),
        ("5", None, "'' is not a currency"),
        ("5", "EURO", "'EURO' is not a currency"),
        ("5", "€", "'€' is not a currency"),
        ("5", ["EUR"], "'' is not a currency"),
    ],
)
def test_money_that_cannot_be_kept_exactly_is_refused(value, currency, said):
    with pytest.raises(Unreadable) as caught:
        parsing.amount(value, currency, field="data.amount")
    assert said in str(caught.value)
    assert str(caught.value).startswith("data.amount")
    assert len(str(caught.value)) < 300


# --- moments -------------------------------------------------------------------------------------
NINE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2026-03-01T09:30:00Z", NINE),
        ("2026-03-01T10:30:00+01:00", NINE),
        ("2026-03-01T00:30:00-09:00", NINE),
        ("2026-03-01T09:30:00.123456Z", NINE.replace(microsecond=123456)),
        ("2026-03-01T09:30:00.1234567Z", NINE.replace(microsecond=123456)),
        ("2026-03-01T09:30Z", NINE),
    ],
)
def test_a_time_with_an_offset_is_that_moment(written, found):
    assert moments.moment(written, field="timestamp") == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "timestamp is missing"),
        ("", "timestamp is missing"),
        ("2026-03-01T09:30:00", "without Z or an offset; the zone is not guessed"),
        ("2026-03-01", "without Z or an offset"),
        ("9999-12-31T23:59:59Z", "cannot be meant"),
        ("9999-12-31T23:59:59-23:00", "out of range"),
        ("0001-01-01T00:00:00+23:00", "out of range"),
        ("1970-01-01T00:00:00Z", "cannot be meant"),
        ("yesterday", "not an ISO 8601 time"),
        ("2026-02-30T00:00:00Z", "not an ISO 8601 time"),
        ("2026-03-01T09:30:00+25:00", "not an ISO 8601 time"),
        ("\ud800", "not an ISO 8601 time"),
        ("٢٠٢٦-03-01T09:30:00Z", "not an ISO 8601 time"),
        (1772357400, "timestamp is '1772357400', which is not an ISO 8601 time"),
        (True, "not an ISO 8601 time"),
        ({"a": 1}, "not an ISO 8601 time"),
    ],
)
def test_a_time_that_is_not_certain_is_refused(written, said):
    with pytest.raises(Unreadable) as caught:
        moments.moment(written, field="timestamp")
    assert said in str(caught.value)
