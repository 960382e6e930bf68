"""Owners in the operating model file: roles, and sets that count from a moment on."""

from datetime import UTC, datetime, timedelta

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy import raci, raci_sets
from meshline.policy.models import Company, RaciAssignment
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


def planned(moment, *responsible):
    named = ", ".join(responsible)
    return (
        f"- {{process: delivery, effective_from: '{moment}', responsible: [{named}], "
        "accountable: rosa@example.com}\n"
    )


def responsible_then():
    """Of each planned set, the next one first."""
    sets = raci_sets.planned("delivery", after=MONDAY)
    return [raci_sets.held(rows)["responsible"] for rows in sets]


FIRST, SECOND = "2026-03-09T08:00Z", "2026-03-16T08:00Z"


def test_a_planned_set_that_repeats_what_holds_then_is_no_difference(staff):
    text, lines = writing.export(), TrailLine.objects.count()
    same = planned(FIRST, "olivia@example.com") + planned(SECOND, "olivia@example.com")
    assert plan(f"raci:\n{same}") == ["No differences."]
    assert apply(f"raci:\n{same}") == ["No differences."]
    assert (writing.export(), TrailLine.objects.count()) == (text, lines)


def test_what_holds_then_is_what_the_file_makes_so(staff):
    """Whether a set repeats another one is asked of the file, not of what it finds."""
    now = planned("", "sam@example.com").replace("effective_from: '', ", "")
    back = planned(FIRST, "olivia@example.com")
    assert apply(f"raci:\n{now}{back}")[-1] == "1 added, 1 changed."
    assert len(raci_sets.planned("delivery", after=MONDAY)) == 1
    assert plan(f"raci:\n{now}{back}") == ["No differences."]


def test_planned_sets_may_stand_in_any_order(staff):
    """The later one names who answers now: it counts because of the earlier one, below it."""
    text = planned(SECOND, "olivia@example.com") + planned(FIRST, "sam@example.com")
    assert apply(f"raci:\n{text}")[-1] == "2 added."
    assert responsible_then() == [[staff["sam"]], [staff["olivia"]]]
    # Moved: the first is called off, and another begins later with the same people.
    gone = f"- {{process: delivery, effective_from: '{FIRST}', remove: true}}\n"
    later = planned("2026-03-12T08:00Z", "sam@example.com")
    assert apply(f"raci:\n{gone}{later}")[-1] == "1 added, 1 removed."
    assert responsible_then() == [[staff["sam"]], [staff["olivia"]]]


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


def test_owners_are_taken_away_now_and_named_from_later_on_in_one_file():
    """What the file does not name stays: the set that was planned before."""
    apply(PLANNED)
    both = f"raci:\n- {{process: delivery, remove: true}}\n{planned(SECOND, 'revops')}"
    assert apply(both)[-1] == "1 added, 1 removed."
    assert raci_sets.in_force("delivery", at=MONDAY) == []
    sets = raci_sets.planned("delivery", after=MONDAY)
    assert [f"{rows[0].effective_from:%Y-%m-%dT%H:%MZ}" for rows in sets] == [FIRST, SECOND]
    assert plan(both)[-1] == "No differences."


def test_what_somebody_leaves_open_is_in_the_plan(staff):
    apply("raci:\n- process: delivery\n  responsible: [olivia@example.com]\n")
    leaves = "people:\n- email: olivia@example.com\n  remove: true\n"
    [said] = [
        line for line in plan(leaves) if "Olivia Ortiz leaves" in line and "Delivery:" in line
    ]
    assert said.strip().startswith("Delivery: responsible Olivia Ortiz leaves; then ")
    only_reads = "people:\n- email: olivia@example.com\n  role: viewer\n"
    assert any(
        "Olivia Ortiz may no longer work its tickets; then" in one for one in plan(only_reads)
    )
    instead = f"{leaves}raci:\n- process: delivery\n  responsible: [rosa@example.com]\n"
    assert not any("Delivery:" in line for line in plan(instead))


def test_who_leaves_leaves_a_fallback_and_a_team_and_what_was_planned(staff):
    """As their own page says: each once, and what begins later with its day."""
    apply(
        "company:\n  fallback_owner: rosa@example.com\n"
        "people:\n- {email: max@example.com, role: manager}\n"
        "teams:\n- {slug: revops, name: RevOps, lead: rosa@example.com}\n"
        "raci:\n- process: cadence\n  accountable: rosa@example.com\n"
        "  responsible: [olivia@example.com]\n- process: cadence\n"
        f"  effective_from: '{FIRST}'\n  accountable: rosa@example.com\n"
        "  responsible: [sam@example.com]\n"
    )
    said = [one.strip() for one in plan("people:\n- email: rosa@example.com\n  remove: true\n")]
    notes = [one for one in said if one.startswith(("Cadence", "Team")) or "fallback" in one]
    day = f"{datetime.fromisoformat(FIRST):%-d %b %Y}"
    assert [one.partition(";")[0] for one in notes] == [
        "Cadence: accountable Rosa Marin leaves",
        f"Cadence from {day} on: accountable Rosa Marin leaves",
        f"{Company.objects.get().name}: fallback owner Rosa Marin leaves",
        "Team RevOps: its lead Rosa Marin leaves",
    ]
