"""Versions of the routing rules: drafted, published, brought back; only one is in force."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import NotAllowed
from meshline.policy import drafts
from meshline.policy.operating_model import ModelError, Stale
from proposals.models import RoutingPool, RoutingRules
from proposals.routing import rulebook
from proposals.routing.rulebook import RulesError
from tests.factories import MONDAY
from tests.proposals.routes import DEFAULT, LARGE, NAMED, draft, pool, publish, rule

pytestmark = pytest.mark.django_db


def restore(number, by, seen=None, reason="Large deals went astray"):
    seen = rulebook.in_force().number if seen is None else seen
    return rulebook.restore(number=number, seen=seen, reason=reason, by=by, at=MONDAY)


# --- Publishing ---------------------------------------------------------------------------------
def test_an_operator_drafts_and_a_manager_publishes(olivia, rosa):
    drafted = draft(rule("large"), NAMED, DEFAULT, by=olivia)
    assert rulebook.in_force().number == 1
    made = rulebook.publish(revision=drafted.revision, seen=1, note="Agreed", by=rosa, at=MONDAY)
    assert rulebook.in_force().number == made.number == 2
    assert (made.author, made.approver) == (
        "Olivia Ortiz (RevOps operator)", "Rosa Marin (RevOps manager)",
    )  # fmt: skip
    assert (made.note, made.based_on, made.restores) == ("Agreed", 1, None)
    assert rulebook.draft() is None
    assert RoutingRules.objects.filter(is_live=True).count() == 1


def test_it_stands_on_the_trail_with_before_and_after(olivia, rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    publish(rule("large", {**LARGE, "value": "9"}), NAMED, DEFAULT, by=rosa)
    line = TrailLine.objects.filter(what="routing-rules.published").latest("pk")
    assert line.before["Large"] == "When the amount is at least 50,000, give it to Sam Dube."
    assert line.after["Large"] == "When the amount is at least 9, give it to Sam Dube."
    assert (line.before["version"], line.after["version"]) == (2, 3)


def test_only_who_may_change_the_model_publishes(olivia, rosa, staff):
    drafted = draft(rule("large"), NAMED, DEFAULT, by=olivia)
    for nobody in (olivia, staff["ada"], staff["remy"], staff["vera"]):
        with pytest.raises(NotAllowed):
            rulebook.publish(revision=drafted.revision, seen=1, note="", by=nobody, at=MONDAY)
        with pytest.raises(NotAllowed):
            restore(1, nobody)
    with pytest.raises(NotAllowed):
        draft(NAMED, DEFAULT, by=staff["remy"])


def test_of_two_who_publish_the_second_is_told(olivia, rosa):
    drafted = draft(rule("large"), NAMED, DEFAULT, by=olivia)
    publishing = partial(rulebook.publish, revision=drafted.revision, note="", by=rosa, at=MONDAY)
    publishing(seen=1)
    with pytest.raises(Stale):
        publishing(seen=1)
    with pytest.raises(Stale):
        publishing(seen=2)
    assert RoutingRules.objects.count() == 2


def test_a_draft_of_an_older_version_is_not_published_unseen(olivia, rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    drafted = draft(rule("small"), NAMED, DEFAULT, by=olivia)
    restore(1, rosa)
    with pytest.raises(Stale) as caught:
        rulebook.publish(revision=drafted.revision, seen=3, note="", by=rosa, at=MONDAY)
    assert (caught.value.seen, caught.value.now) == ({"version": 2}, {"version": 3})
    assert drafts.of(rulebook.KIND, rulebook.SLUG)


def test_what_is_in_force_already_is_no_new_version(rosa):
    drafted = draft(NAMED, DEFAULT, by=rosa)
    with pytest.raises(ModelError, match="nothing to publish"):
        rulebook.publish(revision=drafted.revision, seen=1, note="", by=rosa, at=MONDAY)
    assert rulebook.draft()


def test_its_pools_have_their_rows_from_the_start(rosa):
    publish(rule("large", LARGE, pool("sam@example.com")), NAMED, DEFAULT, by=rosa)
    assert [row.rule for row in RoutingPool.objects.all()] == ["large"]


# --- Bringing back ------------------------------------------------------------------------------
def test_an_older_version_comes_back_as_a_new_one(rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    made = restore(1, rosa)
    assert (made.number, made.restores, made.based_on) == (3, 1, 2)
    assert made.content == RoutingRules.objects.get(number=1).content
    line = TrailLine.objects.latest("pk")
    assert (line.what, line.why) == ("routing-rules.restored", "Large deals went astray")
    assert "Large" in line.before
    assert "Large" not in line.after


@pytest.mark.parametrize(("number", "says"), [(2, "in force already"), (9, "in force already")])
def test_what_is_in_force_or_not_there_does_not_come_back(rosa, number, says):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    with pytest.raises(ModelError, match=says):
        restore(number, rosa)


def test_bringing_back_takes_a_reason(rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    with pytest.raises(ModelError, match="Say why it comes back"):
        restore(1, rosa, reason=" ")
    assert rulebook.in_force().number == 2


def test_bringing_back_takes_having_seen_what_is_in_force(rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    with pytest.raises(Stale):
        restore(1, rosa, seen=1)
    assert rulebook.in_force().number == 2


def test_what_names_somebody_who_left_since_does_not_come_back(rosa, staff):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    publish(NAMED, DEFAULT, by=rosa)
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    with pytest.raises(RulesError, match="Sam Dube is not active here any more"):
        restore(2, rosa)


# --- Refused at save ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("then", "part", "says"),
    [
        ({"to": "person", "person": "no@body.de"}, "then.person", "There is nobody no@body.de"),
        ({"to": "person", "person": "vera@example.com"}, "then.person", "cannot follow"),
        (pool("sam@example.com", "gone@example.com"), "then.members.2.person", "not active"),
        ({"to": "team", "team": "nobody"}, "then.team", "There is no team “nobody”"),
        ({"to": "queue", "process": "cooking"}, "then.process", "There is no process “cooking”"),
    ],
)
def test_who_and_what_a_rule_names_must_be_there(rosa, then, part, says):
    User.objects.create(email="gone@example.com", name="Gone", role="rep", is_active=False)
    with pytest.raises(RulesError, match=says) as caught:
        draft(rule("large", LARGE, then), NAMED, DEFAULT, by=rosa)
    assert (caught.value.rule, caught.value.part) == (1, part)
    assert rulebook.draft() is None


def test_a_draft_that_could_not_be_published_by_now_is_refused_then(rosa, staff):
    drafted = draft(rule("large"), NAMED, DEFAULT, by=rosa)
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    with pytest.raises(RulesError, match="Sam Dube is not active"):
        rulebook.publish(revision=drafted.revision, seen=1, note="", by=rosa, at=MONDAY)
    assert rulebook.draft()
    assert rulebook.in_force().number == 1


# --- Versions never change ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE proposals_routingrules SET content = '[]'",
        "UPDATE proposals_routingrules SET number = 7",
        "DELETE FROM proposals_routingrules",
    ],
)
def test_a_version_is_neither_changed_nor_deleted(rosa, change):
    with (
        pytest.raises(IntegrityError, match="never changes"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_what_is_in_force_costs_one_small_question(rosa, django_assert_num_queries):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    rulebook.in_force()
    with django_assert_num_queries(1) as asked:
        rulebook.in_force()
    assert "content" not in asked[0]["sql"]
