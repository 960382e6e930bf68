"""Conditions in forms: what was read comes back the same, and a no stands where it belongs."""

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from meshline import clauses
from meshline.clauses import ClauseError, Field, Kind
from meshline.web import condition_forms

FIELDS = {
    "amount": Field("Amount", Kind.NUMBER),
    "title": Field("Title"),
    "state": Field("State", choices={"sent": "Sent", "signed": "Signed"}),
    "repeat": Field("Repeat customer", Kind.FLAG),
}
LARGE = {"field": "amount", "op": "at_least", "value": "50000"}
TOLD = {"field": "title", "op": "is_told"}
BAD = {"field": "amount", "op": "at_least", "value": "much"}


def posted(tree):
    """What a browser sends of this form."""
    sent = {}
    if tree.is_group:
        sent[f"{tree.place}.join"] = tree.join
        for part in tree.parts:
            sent |= posted(part)
        return sent
    sent |= {f"{tree.place}.field": tree.field, f"{tree.place}.op": tree.op}
    return sent | ({f"{tree.place}.value": tree.value} if tree.takes_value else {})


def saved(node):
    """A condition that somebody opened, and saved as it stood."""
    read = condition_forms.read(posted(condition_forms.of(node, FIELDS)), FIELDS)
    return condition_forms.as_kept(read, node, FIELDS)


def refused(node):
    """The form of a condition that cannot be, with the no in it."""
    tree = condition_forms.of(node, FIELDS)
    with pytest.raises(ClauseError) as caught:
        clauses.read(tree.as_json(), FIELDS)
    condition_forms.put_error(tree, caught.value.place, str(caught.value))
    return tree


def test_a_word_that_joins_nothing_is_refused_with_its_field():
    sent = {
        "c.join": "all", "c.1.join": "wat", "c.1.1.field": "title", "c.1.1.op": "is_told",
        "c.2.field": "", "c.2.op": "is",
    }  # fmt: skip
    tree = condition_forms.read(sent, FIELDS)
    assert condition_forms.fault(tree) == "A row of the condition is empty."
    tree = condition_forms.read(sent | {"c.2.field": "amount"}, FIELDS)
    said = "c.1.join: choose one of all, any, none, not-all."
    assert condition_forms.fault(tree) == f"In the condition: {said}"
    assert tree.parts[0].error == said
    assert not condition_forms.fault(
        condition_forms.read(sent | {"c.1.join": "any", "c.2.field": "amount"}, FIELDS)
    )


@pytest.mark.parametrize(
    "node",
    [
        LARGE,
        {"not": LARGE},
        {"not": {"any": [LARGE]}},
        {"all": [LARGE]},
        {"any": [{"all": [LARGE]}, TOLD]},
        {"not": {"all": [LARGE, TOLD]}},
        {"not": {"not": {"not": {"not": LARGE}}}},
        {"all": [{"not": {"any": [{"not": LARGE}, TOLD]}}, TOLD]},
        {"not": {"any": [{"all": [TOLD, {"any": [LARGE, TOLD]}]}]}},
        {"all": [{"field": "amount", "op": "is", "value": 5}, TOLD]},
        {"any": [{"field": "state", "op": "is_one_of", "value": ["sent", "signed"]}, TOLD]},
        {"not": {"field": "repeat", "op": "is", "value": True}},
        {"not": {"cel": "amount > 5.0"}},
    ],
)
def test_what_nobody_changed_is_saved_as_it_was_kept(node):
    kept = clauses.read(node, FIELDS).as_json()
    assert saved(kept) == kept


def test_what_is_changed_is_written_without_words_for_groups_of_one():
    tree = condition_forms.of({"not": {"any": [LARGE]}}, FIELDS)
    tree.parts[0].value = "60000"
    assert condition_forms.as_kept(tree, {"not": {"any": [LARGE]}}, FIELDS) == {
        "not": {**LARGE, "value": "60000"}
    }


def test_the_deepest_condition_is_still_one_in_its_form():
    deep = {"all": [TOLD, {"any": [TOLD, {"all": [TOLD, {"not": LARGE}]}]}]}
    tree = condition_forms.read(posted(condition_forms.of(deep, FIELDS)), FIELDS)
    next(row for row in condition_forms.rows(tree) if row.field == "amount").value = "1"
    assert clauses.read(tree.as_json(), FIELDS)


@pytest.mark.parametrize(
    ("node", "place"),
    [
        (BAD, "c.1"),
        ({"not": BAD}, "c.1"),
        ({"all": [TOLD, BAD]}, "c.2"),
        ({"all": [TOLD, {"not": {"any": [TOLD, BAD]}}]}, "c.2.2"),
        ({"all": [TOLD, {"not": BAD}]}, "c.2.1"),
        ({"all": [{"any": [TOLD, {"all": [BAD]}]}]}, "c.1.2.1"),
    ],
)
def test_a_no_stands_at_its_row(node, place):
    bad = [row for row in condition_forms.rows(refused(node)) if row.error]
    assert [row.place for row in bad] == [place]


def _groups(number, each):
    return {"all": [{"any": [TOLD] * each}] * number}


def test_as_many_clauses_as_a_condition_may_have_are_read_in_however_many_groups():
    node = _groups(25, 2)
    assert saved(node) == clauses.read(node, FIELDS).as_json() == node


def test_more_than_that_are_refused_and_none_of_them_vanishes():
    tree = condition_forms.read(posted(condition_forms.of(_groups(17, 3), FIELDS)), FIELDS)
    assert len(list(condition_forms.rows(tree))) == 51
    with pytest.raises(ClauseError, match="50 clauses") as caught:
        clauses.read(tree.as_json(), FIELDS)
    condition_forms.put_error(tree, caught.value.place, str(caught.value))
    assert "50 clauses" in tree.error


def test_far_too_many_are_refused_without_being_read():
    sent = {"c.join": "all"} | {f"c.{n}.{m}.field": "title" for n in range(1, 9) for m in range(99)}
    sent |= {f"c.{n}.join": "any" for n in range(1, 9)}
    tree = condition_forms.read(sent, FIELDS)
    assert len(list(condition_forms.rows(tree))) == condition_forms.MOST_ROWS


# --- The row --------------------------------------------------------------------------------------
def _question(rf, field, op):
    """The row's choice of a question, and whether a value is asked for."""
    tree = condition_forms.of({"field": field, "op": op, "value": "1"}, FIELDS)
    context = {"row": tree.parts[0], "fields": FIELDS, "cel": condition_forms.CEL}
    page = render_to_string("web/_clause_row.html", context | {"request": rf.get("/here/")})
    select = page.partition('name="c.1.op"')[2].partition("<option")[0]
    return "hx-post" in select, 'name="c.1.value"' in page


@pytest.mark.parametrize("field", list(FIELDS))
def test_from_a_question_without_a_value_one_comes_to_any_other(rf, field):
    assert _question(rf, field, "is_blank") == (True, False)


def test_what_is_typed_is_not_lost_to_an_answer_that_nobody_needs(rf):
    assert _question(rf, "amount", "is") == (False, True)
    assert _question(rf, "state", "is") == (True, True)


def test_a_value_goes_with_the_choice_of_a_question_without_one():
    style = (settings.BASE_DIR / "static/meshline.css").read_text()
    [rule] = [line for line in style.splitlines() if line.startswith(".clause:has(option")]
    without = [name for name, one in clauses.OPERATORS.items() if one.takes == "none"]
    assert [f'[value="{name}"]' in rule for name in without] == [True] * len(without)
