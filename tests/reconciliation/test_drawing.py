"""The drawing: boxes where they belong, words that fit, lines between what belongs together."""

from reconciliation import drawing
from reconciliation.drawing import Row, Said

HEAD = [Said(name, name) for name in ("Source", "Trigger", "Routing", "Owner")]
FAILURE = [Said("Failure", "A ticket"), Said("How soon", "15 min"), Said("Who", "Olivia")]


def row(gate=None, look=""):
    return Row(gate, Said("Outcome", "Deal", look), Said("QA", "Read back"), Said("Metric", "1"))


def test_a_path_without_outcomes_is_its_head():
    picture = drawing.draw(HEAD, [], FAILURE)
    assert [box.name for box in picture.boxes] == ["Source", "Trigger", "Routing", "Owner"]
    assert len(picture.lines) == 3


def test_each_outcome_has_a_row_and_what_fails_has_one_way():
    picture = drawing.draw(HEAD, [row(Said("Gate", "A manager")), row()], FAILURE)
    assert len(picture.boxes) == 4 + 4 + 3 + 3
    fails = [line for line in picture.lines if line.look == "fails"]
    assert len(fails) == 2 + 1
    joins = [line for line in picture.lines if line.look == "joins"]
    assert len(joins) == 2
    # Each foot ends on the one line down.
    down = fails[-1].way.split(" ")[0].removeprefix("M")
    assert all(line.way.endswith(f"H{down}") for line in joins)
    assert picture.height == max(box.bottom for box in picture.boxes) + 2


def test_no_two_boxes_overlap_and_all_are_inside():
    picture = drawing.draw(HEAD, [row(Said("Gate", "x")) for _ in range(8)], FAILURE)
    for box in picture.boxes:
        assert box.x >= 0
        assert box.right <= picture.width + 2
        assert box.bottom <= picture.height
        for other in picture.boxes:
            apart = (
                other is box
                or box.right < other.x or other.right < box.x
                or box.bottom < other.y or other.bottom < box.y
            )  # fmt: skip
            assert apart


def test_words_fit_their_box_and_end_with_an_ellipsis_where_they_do_not():
    assert drawing.wrap("Deal") == ("Deal",)
    assert drawing.wrap("") == ("",)
    for words in ("word " * 40, "x" * 500):
        lines = drawing.wrap(words)
        assert len(lines) == drawing.LINES
        assert all(len(line) <= drawing.FITS for line in lines)
        assert lines[-1].endswith("…")


def test_a_gap_is_red_and_says_the_whole_of_it():
    picture = drawing.draw(HEAD, [row(look="gap")], FAILURE)
    assert [box.whole for box in picture.boxes if box.look == "gap"] == ["Deal"]
