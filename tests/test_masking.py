"""Masking: what is left of words and of data."""

import pytest

from meshline import masking


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("nina@customer.example signed.", "••• signed."),
        ("<a.b+c@d.example>, (x@y.example)", "<•••>, (•••)"),
        ("It is over 1,234.50 EUR now.", "It is over ••• now."),
        ("HubSpot answered 503 eleven times.", "HubSpot answered 503 eleven times."),
        ("They said “nina@customer.example”.", "They said “•••”."),
        ("", ""),
    ],
)
def test_addresses_and_amounts_are_masked_in_words(said, left):
    assert masking.words(said) == left


def test_sentences_are_masked_however_deep_they_stand():
    deep = {"a": [{"b": "to nina@customer.example"}], "n": 3, "x": None, "y": "plain"}
    left = {"a": [{"b": "to •••"}], "n": 3, "x": None, "y": "plain"}
    assert masking.words_within(deep) == left


@pytest.mark.parametrize(
    ("data", "left"),
    [
        ({"a": {"b": ["x", 1.5]}, "n": None}, {"a": {"b": ["•••", "•••"]}, "n": None}),
        ('{"email": "a@b.example"}', {"email": "•••"}),
        ("{not json", "•••"),
        ("[" * 100_000, "•••"),
        ("plain", "•••"),
        (True, True),
    ],
)
def test_data_keeps_its_shape_and_loses_its_values(data, left):
    assert masking.structure(data) == left
