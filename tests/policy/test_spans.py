"""Spans of business time: what people write is read, what is kept is said, nonsense is refused."""

import pytest

from meshline.policy import spans


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(30, "30 min"), (240, "4 h"), (90, "1 h 30 min"), (2400, "40 h"), (0, "0 min")],
)
def test_a_span_in_words(minutes, words):
    assert spans.words(minutes) == words


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("90", 90), ("90m", 90), ("90 min", 90), ("4 h", 240), ("4H", 240), ("1 h 30 min", 90),
        (" 1h30 ", 90), ("1h  30m", 90), ("0", 0),
    ],
)  # fmt: skip
def test_a_span_as_people_write_it(written, minutes):
    assert spans.read(written) == minutes


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "-5",
        "soon",
        "1.5 h",
        "4 d",
        "1 h 2 h",
        "h",
        "min",
        "٣",
        "1e9",
        "9" * 400,
        "\0",
        "1\0",
    ],
)
def test_what_is_no_span_is_refused_with_what_would_be_right(written):
    with pytest.raises(ValueError, match="such as 90, 4 h or 1 h 30 min"):
        spans.read(written)


@pytest.mark.parametrize("minutes", [1, 59, 60, 61, 480, spans.LONGEST])
def test_what_is_said_is_read_back_as_it_was(minutes):
    assert spans.read(spans.words(minutes)) == minutes
