"""Working windows as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshline.policy import windows
from meshline.policy.windows import WindowError


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", []),
        ("09:00-17:00", [(0, "09:00", "17:00")]),
        ("9-17", [(0, "09:00", "17:00")]),
        ("13:00 – 17:30, 9-12", [(0, "09:00", "12:00"), (0, "13:00", "17:30")]),
        ("0:00—24:00;", [(0, "00:00", "24:00")]),
        ("9-12,12-17", [(0, "09:00", "12:00"), (0, "12:00", "17:00")]),
    ],
)
def test_what_people_type_is_read(typed, kept):
    assert windows.read(0, typed) == kept


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("late", "“late” is no span of the day"),
        ("9", "“9” is no span"),
        ("9-12-13", "is no span"),
        ("17-9", "the earlier time first"),
        ("9-9", "the earlier time first"),
        ("9-25", "up to 24:00"),
        ("9:60-10", "write 09:00-17:00"),
        ("24:00-24:00", "write 09:00-17:00"),
        ("9-12, 11-17", "Two windows overlap on monday"),
        ("٩-١٧", "is no span"),
        ("9\0-17", "is no span"),
        (", ".join(["9-10"] * 10_000), "At most 24 windows a day"),
        ("x" * 100_000, "is no span"),
    ],
)
def test_what_is_no_window_is_refused_in_a_sentence(typed, sentence):
    with pytest.raises(WindowError, match=sentence) as refused:
        windows.read(0, typed)
    assert len(str(refused.value)) < 120


def test_as_many_windows_as_a_day_has_hours_are_taken_and_not_one_more():
    hours = [(2, f"{hour:02}:00", f"{hour:02}:30") for hour in range(24)]
    windows.check(hours)
    with pytest.raises(WindowError, match="At most 24 windows a day, also on wednesday"):
        windows.check([*hours, (2, "23:40", "23:50")])


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(typed):
    try:
        found = windows.read(3, typed)
    except WindowError:
        return
    windows.check(found)
    assert windows.read(3, windows.write(found, 3)) == found
