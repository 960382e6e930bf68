"""How messages and what is typed are cut into words: pure rules."""

import json

import pytest

from connectors import lexemes


def words(value):
    return lexemes.of_payload(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("value", "cut"),
    [
        ("Website relaunch", {"website", "relaunch"}),
        ("nina@customer.example.com",
         {"nina@customer.example.com", "nina", "customer.example.com", "customer", "example"}),
        (1234.5, {"1234.5", "1234.50"}),
        ("1234.50", {"1234.50", "1234.5"}),
        ("1,234.50", {"1,234.50", "1234.5"}),
        (17, {"17"}),
        ("(Größe)", {"größe"}),
        ("ﬁne", {"fine"}),
        ([True, None, {"a": {"b": ["deep"]}}], {"deep"}),
        ("\ud800x", {"x"}),
        ("nul\0nul", {"nul"}),
    ],
)  # fmt: skip
def test_a_value_is_found_by(value, cut):
    assert cut <= set(words(value))


def test_names_of_fields_are_no_words():
    assert words({"amount": "x1"}) == ["x1"]


def test_what_is_kept_of_one_message_is_bounded():
    many = words([f"word{number}" for number in range(9_000)])
    assert len(many) == lexemes.MOST
    assert max(map(len, words("y" * 5_000))) == lexemes.LONGEST
    wide = words(["ü" * 190 + str(number) for number in range(2_000)])
    assert sum(len(word.encode()) for word in wide) <= lexemes.MOST_BYTES


def test_bytes_that_cannot_be_read_are_cut_all_the_same():
    assert "tulip" in lexemes.of_payload(b'\xff\x00{"a": Tulip')


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", []), ("% _ ' *", []), ("Nina  BROOK", ["nina", "brook"]), ("a a", ["a"]),
        ("it's", ["it's"]), ("'x'", ["x"]), ("message:7", ["message:7"]),
    ],
)  # fmt: skip
def test_what_is_typed_is_cut_by_the_same_rules(typed, found):
    assert [one.beginning for one in lexemes.asked(typed)] == found


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("1234.5", {"1234.5", "1234.50", "123450"}), ("12.34", {"12.34", "1234"}),
        ("12.340", {"12.34", "1234", "12340"}), ("12.345", {"12.345", "12345"}),
        ("1,234.500", {"1234.5", "1234.50", "123450", "1234500"}), ("12.3450", {"12.345"}),
        ("12", {"12"}), ("x12.345", set()),
    ],
)  # fmt: skip
def test_an_amount_is_looked_for_as_it_may_be_written_and_in_its_smallest_units(typed, also):
    (one,) = lexemes.asked(typed)
    assert set(one.exactly) == also


def test_a_reference_is_taken_to_the_letter():
    (one,) = lexemes.asked("Outcome:5")
    assert one.reference == ("outcome", 5)
    assert lexemes.query(one, ids_only=False) == "'outcome:5'"
    assert lexemes.query(one, ids_only=True) == "'outcome:5':A"
    assert lexemes.asked("outcome:٥")[0].reference is None


def test_nothing_typed_is_an_operator():
    (one,) = lexemes.asked("a'b\\c|d")
    assert lexemes.query(one, ids_only=False) == "'a''b\\\\c|d':*"


def test_bytes_are_spelt_as_the_database_spells_them():
    assert lexemes.escaped("Ä\\") == ["\\303\\204\\\\", "\\\\u00c4\\\\\\\\"]
