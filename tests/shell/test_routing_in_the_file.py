"""The routing rules in the operating model file: through the same versions, all or nothing."""

from textwrap import dedent, indent

import pytest

from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import Refused
from proposals.models import RoutingRules
from proposals.routing import rulebook
from tests.factories import MONDAY
from tests.proposals.routes import DEFAULT, LARGE, NAMED, pool, publish, rule

pytestmark = pytest.mark.django_db

LARGE_DEALS = """\
- slug: large
  name: Large deals
  when:
    all:
    - {field: amount, op: at_least, value: 50000}
    - any:
      - {field: currency, op: is_one_of, value: [EUR, CHF]}
      - not: {field: owner_known, op: is, value: true}
  then: {to: person, person: Sam@example.com}
  note: Sam knows them
- slug: rest
  name: The rest
  then: {to: fallback}
"""


def file_of(entries):
    return f"routing_rules:\n- record: proposal\n  rules:\n{indent(dedent(entries), '  ')}"


def told(done):
    return [*telling.lines(done), telling.summary(done)]


def plan(text):
    return told(model_file.plan(text.encode(), by=SETUP, at=MONDAY))


def apply(text, by=SETUP):
    return told(model_file.apply(text.encode(), by=by, at=MONDAY))


def refusal(text):
    before = RoutingRules.objects.count(), TrailLine.objects.count()
    with pytest.raises(Refused) as caught:
        plan(text)
    assert (RoutingRules.objects.count(), TrailLine.objects.count()) == before
    first = caught.value.problems[0]
    return first.line, first.sentence


def test_a_file_puts_rules_into_force_as_a_version_with_its_trail_line(staff):
    said = plan(file_of(LARGE_DEALS))
    assert said[0] == "~ rule set proposal"
    assert "+ Large deals: When the amount is at least 50,000 and (the currency is" in said[1]
    assert "- The owner its source names: When the owner named works here" in said[1]
    assert rulebook.in_force().number == 1
    assert apply(file_of(LARGE_DEALS), by=staff["rosa"]) == said
    made = RoutingRules.objects.live().get()
    assert (made.number, made.approver) == (2, "Rosa Marin (RevOps manager)")
    assert made.content[0]["then"] == {"to": "person", "person": "sam@example.com"}
    line = TrailLine.objects.get(what="routing-rules.published")
    assert "Large deals" in line.after
    assert plan(file_of(LARGE_DEALS)) == ["No differences."]


def test_a_condition_names_a_team_that_is_here(staff):
    entries = LARGE_DEALS.replace("all:", "all:\n    - {field: owner_team, op: is, value: no-team}")
    assert (
        "Team of the owner named is never “no-team”; there is revops"
        in refusal(file_of(entries))[1]
    )
    assert plan(file_of(entries.replace("no-team", "sales")))


def test_exporting_and_applying_is_no_change(staff):
    small = {"field": "amount", "op": "less_than", "value": "5"}
    deep = {"any": [{"all": [LARGE, {"not": {"any": [small, {"cel": "title == 'a: \"b\"'"}]}}]}]}
    publish(
        rule("deep", deep, pool("sam@example.com", "remy@example.com", sam=2, most_open=9)),
        rule(
            "team", {"field": "tier", "op": "is", "value": "hours"},
            {"to": "team", "team": "sales"},
        ),
        rule("queue", {"field": "title", "op": "is_blank"}, {"to": "queue", "process": "delivery"}),
        NAMED, DEFAULT, by=staff["rosa"],
    )  # fmt: skip
    text = writing.export()
    assert plan(text) == ["No differences."]
    assert apply(text) == ["No differences."]
    assert (writing.export(), rulebook.in_force().number) == (text, 2)


def test_people_that_the_same_file_brings_can_be_named(staff):
    people = "people:\n- {email: nina@example.com, name: Nina, role: rep, team: sales}\n"
    text = people + file_of(LARGE_DEALS.replace("Sam@", "nina@"))
    assert apply(text)[-1] == "1 added, 1 changed."
    assert rulebook.in_force().rules.people == {"nina@example.com"}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("value: 50000", "value: much", 8, "rules: rule 1: “much” is no number for the amount"),
        ("field: currency", "field: colour", 10, "There is no field “colour”"),
        ("op: is,", "op: equals,", 11, "cannot be asked “equals”"),
        ("to: person,", "to: everybody,", 12, "A rule gives to one of"),
        ("name: Large deals", "name: '{{ x }}'", 5, "Tags such as"),
        ("slug: rest", "slug: large", 14, "Rule 1 is called “large” already"),
        ("  then: {to: fallback}\n", "", 14, "Say whom it goes to"),
        ("note: Sam knows them", "weight: 3", 4, "A rule has no “weight”"),
        ("Sam@example.com", "who@example.com", 3, "“large”: There is nobody who@example.com here"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(staff, old, new, line, says):
    assert old in LARGE_DEALS
    found = refusal(file_of(LARGE_DEALS.replace(old, new, 1)))
    assert says in found[1]
    assert found[0] == line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("routing_rules:\n- record: proposal\n  rules: []\n", "There is no rule"),
        ("routing_rules:\n- record: proposal\n  rules: 5\n", "There is no rule"),
        ("routing_rules:\n- record: proposal\n  remove: true\n", "no key of a rule set"),
        ("routing_rules:\n- rules: []\n", "This rule set has no record"),
        (
            "routing_rules:\n- record: lead\n  rules:\n"
            "  - {slug: a, name: A, then: {to: fallback}}\n",
            "no kind of record “lead”",
        ),
    ],
)
def test_so_is_what_is_no_rule_set_at_all(db, text, says):
    assert says in refusal(text)[1]


def test_somebody_who_left_is_refused(staff):
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    assert "Sam Dube is not active here any more" in refusal(file_of(LARGE_DEALS))[1]
