"""Text that people write down: what becomes a step or a link, and what stays text."""

import pytest

from exceptions import prose


def looks(text):
    return [
        (one.look, [[[p.words for p in line] for line in item] for item in one.items])
        for one in prose.read(text)
    ]


def links(text):
    found = [p for b in prose.read(text) for item in b.items for line in item for p in line]
    return [(one.words, one.url) for one in found if one.url]


def test_lines_stay_lines_and_an_empty_one_begins_a_paragraph():
    assert looks("One\ntwo\n\nThree") == [
        ("text", [[["One"], ["two"]]]),
        ("text", [[["Three"]]]),
    ]


def test_numbered_lines_are_steps_and_what_is_indented_goes_on_with_them():
    assert looks("First:\n3. Look\n   closely\n\n4) Act\n- a\n* b") == [
        ("text", [[["First:"]]]),
        ("steps", [[["Look"], ["closely"]], [["Act"]]]),
        ("points", [[["a"]], [["b"]]]),
    ]
    assert prose.read("3. Look")[0].start == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://a.example/x.", ["https://a.example/x"]),
        ("(http://a.example/x_(y))", ["http://a.example/x_(y)"]),
        ("https://a.example/?q=1&r=2, then", ["https://a.example/?q=1&r=2"]),
        ("javascript:alert(1)", []),
        ("ftp://a.example", []),
        ("data:text/html,https", []),
        ("www.example.com and nina@example.com", []),
        ("https://", []),
        ("https://...", []),
    ],
)
def test_only_addresses_of_pages_are_links(text, found):
    assert links(text) == [(one, one) for one in found]


@pytest.mark.parametrize("text", ["", "\n \n", "1.", "1. ", "-", "1234. x", "12.3 is a number"])
def test_what_is_no_step_is_no_step(text):
    assert all(one.look == "text" for one in prose.read(text))


def test_a_difference_names_the_lines_that_went_and_came():
    assert prose.difference("a\nb\nc", "a\nB\nc\nd") == {
        "before": {"Line 2": "b"},
        "after": {"Line 2": "B", "Line 4": "d"},
    }
    assert prose.difference("a", "a") == {"before": {}, "after": {}}
