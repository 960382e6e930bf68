"""Runbooks in the operating model file: the same verb, versions and trail as on the screens."""

import pytest

from exceptions import escalation_terms, runbooks
from exceptions.models import Runbook
from exceptions.runbook_defaults import DEFAULTS
from exceptions.runbooks import Place
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]

KIND = "runbooks:\n- kind: dispute\n  text: |\n    1. Call.\n    2. Write it down.\n"
FAILURE = "runbooks:\n- kind: delivery-failed\n  failure: rejected\n  text: 1. Map it.\n"


def lines(act, text, by=SETUP):
    done = act(text.encode(), by=by, at=instant.now())
    return [*telling.lines(done), telling.summary(done)]


def apply(text, by=SETUP):
    return lines(model_file.apply, text, by)


def refused(text):
    with pytest.raises(Refused) as error:
        model_file.plan(text.encode(), by=SETUP, at=instant.now())
    return str(error.value)


def test_what_meshline_comes_with_is_not_exported():
    assert "runbooks" not in writing.export()


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        (KIND, Place("dispute"), ["+ runbook dispute", "    text: 2 lines", "1 added."]),
        (
            FAILURE,
            Place("delivery-failed", "rejected"),
            ["+ runbook delivery-failed rejected", "    text: 1 lines", "1 added."],
        ),
    ],
)
def test_one_comes_is_exported_and_applied_again_as_no_change(rosa, text, place, told):
    before = Runbook.objects.count()
    assert lines(model_file.plan, text) == told
    assert Runbook.objects.count() == before
    assert apply(text, by=rosa) == told
    exported = writing.export()
    assert f"runbooks:\n- kind: {place.kind}\n" in exported
    assert apply(exported) == ["No differences."]
    live = runbooks.in_force(place)
    assert (live.author, live.note) == (
        "Rosa Marin (RevOps manager)", "From the operating model file.",
    )  # fmt: skip
    assert TrailLine.objects.get(what="runbook.published").after["text"] == live.text


def test_it_is_changed_and_goes_back_to_what_meshline_comes_with():
    apply(KIND)
    assert apply(KIND.replace("1. Call.", "1. Call.\n    - Twice.")) == [
        "~ runbook dispute", "    text: 2 lines → 3 lines", "1 changed.",
    ]  # fmt: skip
    assert apply("runbooks:\n- kind: dispute\n  remove: true\n")[-1] == "1 removed."
    assert runbooks.in_force(Place("dispute")).text == DEFAULTS["dispute"].strip()
    assert "runbooks" not in writing.export()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (KIND.replace("dispute", "disputed"), "There is no ticket kind “disputed”"),
        (KIND + "  failure: ' x'\n", "failure: Write up to 80 printable characters"),
        (f"runbooks:\n- kind: dispute\n  text: {'x' * 10_001}\n", "Keep it under 10,000"),
        ("runbooks:\n- kind: dispute\n  failure: x\n", "text"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(text, sentence):
    assert sentence in refused(text)


def test_the_numbers_of_what_is_to_be_fixed_for_good_stand_with_the_escalation():
    assert "  recurs_in_weeks: 3\n  recurs_of_weeks: 4\n  same_fix_times: 5\n" in writing.export()
    apply("escalation: {recurs_in_weeks: 2, same_fix_within: 14}\n")
    row = escalation_terms.in_force()
    assert (row.recurs_in_weeks, row.recurs_of_weeks, row.same_fix_within) == (2, 4, 14)
    assert "Make it at most as many as" in refused("escalation: {recurs_in_weeks: 5}\n")
