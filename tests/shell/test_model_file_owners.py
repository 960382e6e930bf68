"""Owners in the operating model file: roles, and sets that count from a moment on."""

from datetime import UTC, datetime, timedelta

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy import raci, raci_sets
from meshline.policy.models import RaciAssignment
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import Refused

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NEXT = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)

PLANNED = """\
raci:
- process: delivery
  responsible: ['role:operator', olivia@example.com]
  accountable: role:manager
- process: delivery
  effective_from: 2026-03-09T09:00+01:00
  responsible: [sales]
  accountable: rosa@example.com
  informed: ['role:viewer']
"""


@pytest.fixture(autouse=True)
def monday(staff):
    with instant.stopped(MONDAY):
        yield


def told(done):
    return [*telling.lines(done), telling.summary(done)]


def plan(text):
    return told(model_file.plan(text.encode(), by=SETUP, at=instant.now()))


def apply(text):
    return told(model_file.apply(text.encode(), by=SETUP, at=instant.now()))


def test_roles_and_planned_sets_are_written_and_read(staff):
    said = apply(PLANNED)
    assert "+ process delivery 2026-03-09T08:00Z" in said
    assert said[-1] == "1 added, 1 changed."
    assert raci.accountable_for("delivery", at=MONDAY).user == staff["rosa"]
    held = raci_sets.held(raci_sets.beginning("delivery", NEXT))
    assert held["responsible"] == [staff["sam"].team]
    assert plan(PLANNED) == ["No differences."]


def test_applying_an_export_with_plans_changes_nothing_and_rebuilds_them_elsewhere():
    apply(PLANNED)
    text, lines = writing.export(), TrailLine.objects.count()
    assert "effective_from: 2026-03-09T08:00Z" in text
    assert apply(text) == ["No differences."]
    assert (writing.export(), TrailLine.objects.count()) == (text, lines)
    RaciAssignment.objects.all().delete()
    apply(text)
    assert writing.export() == text


def test_a_planned_set_is_changed_and_called_off_by_the_file():
    apply(PLANNED)
    changed = PLANNED.replace("[sales]", "[revops]")
    assert plan(changed) == [
        "~ process delivery 2026-03-09T08:00Z", "    responsible: sales → revops", "1 changed.",
    ]  # fmt: skip
    apply(changed)
    assert len(raci_sets.planned("delivery", after=MONDAY)) == 1
    gone = "raci:\n- {process: delivery, effective_from: '2026-03-09T08:00Z', remove: true}\n"
    assert apply(gone)[-1] == "1 removed."
    assert raci_sets.planned("delivery", after=MONDAY) == []
    assert apply(gone)[-1] == "No differences."


def test_what_is_planned_beside_a_removal_goes_in_either_order():
    apply(PLANNED)
    both = "".join(
        f"- {{process: delivery, {which}remove: true}}\n"
        for which in ("", "effective_from: '2026-03-09T08:00Z', ")
    )
    assert apply(f"raci:\n{both}")[-1] == "2 removed."
    assert raci_sets.in_force("delivery", at=MONDAY) == []


ENTRY = "raci:\n- process: delivery\n  responsible: [revops]\n  accountable: revops\n"


@pytest.mark.parametrize(
    ("more", "line", "sentence"),
    [
        ("  effective_from: 2026-03-02T09:30Z\n", 5, "This moment has passed"),
        ("  effective_from: 2020-01-01T00:00Z\n", 5, "This moment has passed"),
        ("  effective_from: 2031-01-01T00:00Z\n", 5, "at most two years ahead"),
        ("  effective_from: 2026-03-09T09:00\n", 5, "is no moment; write day, whole minute"),
        ("  effective_from: 2026-03-09T09:00:30Z\n", 5, "is no moment"),
        ("  effective_from: 2026-03-09\n", 5, "is no moment"),
        ("  effective_from: 9999-12-31T23:59-12:00\n", 5, "is no moment"),
        ("  effective_from: 0001-01-01T00:00+12:00\n", 5, "is no moment"),
        ("  effective_from: monday\n", 5, "is no moment"),
        ("  effective_from: 20260309\n", 5, "This is a number"),
        ("  effective_from: [a]\n", 5, "This is a list"),
        ("  informed: ['role:boss']\n", 5, "no person, team or role “role:boss”"),
        ("  informed: ['role:']\n", 5, "no person, team or role"),
        ("  consulted: [['role:rep']]\n", 5, "This is a list"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_line_and_nothing_by_half(more, line, sentence):
    before = writing.export(), TrailLine.objects.count()
    with pytest.raises(Refused) as caught:
        apply(ENTRY + more)
    assert f"line {line}: " in str(caught.value)
    assert sentence in str(caught.value)
    assert (writing.export(), TrailLine.objects.count()) == before


def test_an_export_is_refused_once_a_moment_in_it_has_passed():
    """Rather than taking back what has begun meanwhile."""
    apply(PLANNED)
    text = writing.export()
    with instant.stopped(NEXT + timedelta(minutes=1)), pytest.raises(Refused, match="has passed"):
        apply(text)
