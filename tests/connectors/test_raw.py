"""Raw bytes on screen: to the letter, in hex, and a value marked where it stands."""

import pytest

from connectors import raw


@pytest.mark.parametrize(
    ("payload", "text", "is_exact"),
    [
        (b'{"a": 1}\n', '{"a": 1}\n', True),
        ("größer".encode(), "größer", True),
        (b"\xff\x00a", r"\xff\x00a", False),
        ("a\u202eb".encode(), r"a\u202eb", False),
        (b"\x1b[31m", r"\x1b[31m", False),
    ],
)
def test_bytes_stand_as_text_with_what_is_none_spelt_out(payload, text, is_exact):
    shown = raw.read(payload)
    assert (shown.text, shown.is_exact, shown.size) == (text, is_exact, len(payload))


def test_hex_says_where_and_what():
    assert raw.hexdump(b"\xff\x00abc") == f"00000000  {'ff 00 61 62 63':<47}  ..abc"
    assert len(raw.hexdump(b"x" * 10**6).splitlines()) == raw.HEX_MOST // 16


@pytest.mark.parametrize(
    ("text", "wanted", "marks"),
    [
        ('{"amount": "1234.50"}', "1234.50", ['"1234.50"']),
        ('{"amount": 1234.5}', "1234.50", ["1234.5"]),
        ('{"amount": 123450}', "1234.50", ["123450"]),
        ('{"amount": 1234}', "1234.00", ["1234"]),
        ('{"1234.50": "x"}', "1234.50", []),
        ('{"e": "Nina@Example.com"}', "nina@example.com", ['"Nina@Example.com"']),
        ('{"f": "Nina", "l": "Brook", "o": "Ninas"}', "Nina Brook", ['"Nina"', '"Brook"']),
        ('{"s": "document.sent"}', "sent", ['"document.sent"']),
        (r'{"t": "gr\u00f6\u00dfer"}', "größer", [r'"gr\u00f6\u00dfer"']),
        ('["a", "a"]', "a", ['"a"', '"a"']),
        ('"alone"', "alone", ['"alone"']),
        ('{"n": NaN}', "5", []),
        ("", "x", []),
    ],
)
def test_a_value_is_marked_where_it_stands(text, wanted, marks):
    pieces = raw.marked(text, wanted)
    assert [one.text for one in pieces if one.is_marked] == marks
    assert "".join(one.text for one in pieces) == text
