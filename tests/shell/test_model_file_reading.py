"""Strict YAML: what is read, and what is refused with its line."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from meshline.sections import Node
from meshline.shell.model_file import reading, writing
from meshline.shell.model_file.refused import Refused

PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3),
    max_leaves=8,
)


def plain(node: Node):
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def read(text: str | bytes):
    return plain(reading.read(text.encode() if isinstance(text, str) else text))


def refusal(text: str | bytes) -> str:
    with pytest.raises(Refused) as caught:
        read(text)
    return str(caught.value)


def test_keys_lists_and_values_are_read_with_their_lines():
    root = reading.read(b"people:\n  - email: a@example.com\n    team:\n      - x\n")
    person = root.value["people"].value[0]
    assert (root.line, root.value["people"].line, person.line) == (1, 1, 2)
    assert (person.value["email"].line, person.value["team"].line) == (2, 3)
    assert person.value["team"].value[0].line == 4


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"), ("NO", "NO"), ("on", "on"), ("true", True), ("'true'", "true"), ("~", None),
        ("null", None), ("", None), ("12", 12), ("-3", -3), ("'12'", "12"), ("012", "012"),
        ("17:00", "17:00"), ("1_000", "1_000"), ("0x1f", "0x1f"), ("1.5", "1.5"), ("1e3", "1e3"),
        ("2026-12-25", "2026-12-25"), (".inf", ".inf"),
    ],
)  # fmt: skip
def test_only_true_false_null_and_whole_numbers_are_more_than_text(written, meant):
    assert read(f"key: {written}\n") == {"key": meant}


@pytest.mark.parametrize("text", ["", "\n# nothing here\n", "---\n", "\ufeff"])
def test_an_empty_file_says_nothing(text):
    assert read(text) == {}


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert read("\ufeffpeople: []\n") == {"people": []}


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (BOMB, 1, "Anchors (&) and aliases (*) are not taken"),
        ("a: 1\nb: *a\n", 2, "Anchors (&) and aliases (*) are not taken"),
        ("a: 1\nb:\n  <<: *a\n", 3, "Anchors (&) and aliases (*) are not taken"),
        ("a: 1\nb: !!python/object/apply:os.system [id]\n", 2, "Tags (!) are not taken"),
        ("a: 1\nb: !local x\n", 2, "Tags (!) are not taken"),
        ("a: 1\nb: 2\na: 3\n", 3, "“a” was said on line 1 already"),
        ("a: 1\nb:\tc\n", 2, "There is a tab here; use spaces"),
        ("a:\n\t- b\n", 2, "There is a tab here; use spaces"),
        ("a: 1\nb: \x07\n", 2, "The character U+0007 cannot be here"),
        ("a: 1\n\nb: \u2028\n", 3, "The character U+2028 cannot be here"),
        (b"a: 1\nb: \xff\n", 2, "This is not UTF-8"),
        ("a: b".encode("utf-16"), 1, "This is not UTF-8"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "This is not YAML"),
        ("a: 1\n b: 2\n", 2, "This is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "A second document begins here"),
        ("a: 1\n? [b, c]\n: 2\n", 2, "A key is a word"),
        ("a: " + "[" * 5000, 1, "nested more than 20 deep"),
        ("[" * 500_000, 1, "nested more than 20 deep"),
        ("a: 1\n" + "- " * 5000, 2, "This is not YAML"),
        (b"#" * (1024 * 1024 + 1), 1, "The file is larger than 1 MiB"),
        ("a: [" + "1," * 200_001 + "]", 1, "More than 200,000 values"),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_line(text, line, sentence):
    said = refusal(text)
    assert said.startswith(f"line {line}: ")
    assert sentence in said


def test_a_file_of_exactly_one_mebibyte_is_read():
    assert read(b"#" * (1024 * 1024)) == {}


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_what_is_written_is_read_as_the_same(value):
    assert read(writing._dumped({"key": value})) == {"key": value}


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_any_other_writer_of_yaml_is_understood_as_well(value):
    written = yaml.safe_dump({"key": value}, allow_unicode=True)
    if "&id" not in written:
        assert read(written) == {"key": value}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | PRINTABLE.map(str.encode))
def test_whatever_bytes_come_the_answer_is_a_reading_or_a_line(data):
    said = ""
    try:
        reading.read(data)
    except Refused as error:
        said = str(error)
    assert said == "" or said.startswith("line ")
