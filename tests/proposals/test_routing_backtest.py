"""What a draft would have made of the last events: counted in parts, and nothing is written."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import InternalError, connection

from connectors.models import Message
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Team, User
from meshline.policy import operating_model
from meshline.policy.operating_model import Calendar
from proposals.models import Outcome, RoutingDecision, RoutingPool
from proposals.routing import backtest, rulebook, rules
from tests.factories import digest_all, document, post_pandadoc
from tests.proposals.routes import DEFAULT, LARGE, NAMED, draft, pool, publish, rule

pytestmark = pytest.mark.django_db

IS_LARGE = {"grand_total": {"amount": "64000.00", "currency": "EUR"}}
ALL = {"field": "source", "op": "is_told"}


def read(*content):
    return rules.read(list(content))


def judged(rule_set):
    now = instant.now()
    tally = backtest.whole(rule_set, now=now)
    return tally, backtest.summary(rule_set, tally)


def everything():
    """Every table with its rows, and where the pools stand."""
    models = [model for model in apps.get_models() if model._meta.managed]
    counts = {model.__name__: model.objects.count() for model in models}
    return counts, list(RoutingPool.objects.values_list("rule", "turns").order_by("rule"))


def events(count, start=0, **more):
    post_pandadoc(
        [document("sent", id=f"d{n}", **more) for n in range(start, start + count)],
        event_id=f"many-{start}",
    )
    digest_all()


# --- What it counts -------------------------------------------------------------------------------
def test_the_rules_in_force_change_nothing(tell, staff):
    tell("sent", "one", **IS_LARGE)
    tell("sent", "two", owner="gone@example.com")
    tally, summary = judged(rulebook.in_force().rules)
    assert (tally.total, tally.done, summary.owners, summary.others) == (2, 2, 0, [])


def test_who_would_have_had_what_and_by_which_rule(tell, staff):
    large = tell("sent", "large", **IS_LARGE)
    tell("sent", "small")
    tally, summary = judged(read(rule("large"), NAMED, DEFAULT))
    assert (tally.total, summary.owners) == (2, 1)
    (other,) = summary.others
    assert (other.proposal, other.owner_then, other.owner_now) == (
        large, staff["remy"], staff["sam"],
    )  # fmt: skip
    assert (other.rule_then, other.rule_now) == ("The owner its source names", "Large")
    assert [(one.name, one.gained, one.lost) for one in summary.shares] == [
        ("Large", 1, 0), ("The owner its source names", 0, 1),
    ]  # fmt: skip


def test_another_rule_with_the_same_owner_is_told_but_is_no_other_owner(tell, staff):
    tell("sent")
    theirs = rule("theirs", ALL, {"to": "person", "person": "remy@example.com"})
    _, summary = judged(read(theirs, NAMED, DEFAULT))
    assert summary.owners == 0
    assert [(one.has_other_owner, one.rule_now) for one in summary.others] == [(False, "Theirs")]


def test_turns_are_taken_in_order_from_where_the_pool_stands(tell, staff):
    everybody = rule("all", ALL, pool("sam@example.com", "remy@example.com"))
    publish(everybody, DEFAULT, by=staff["rosa"])
    tell("sent", "real")
    events(4)
    # The pool gives the next turn to Remy; the draft's new rule begins with its own pool.
    other = rule("other", ALL, pool("olivia@example.com", "sam@example.com"))
    _, summary = judged(read(other, DEFAULT))
    assert [one.owner_now.name for one in reversed(summary.others)] == [
        "Olivia Ortiz", "Sam Dube", "Olivia Ortiz", "Sam Dube", "Olivia Ortiz",
    ]  # fmt: skip


def test_people_are_asked_for_as_they_were_present_then(tell, staff):
    at = instant.now()
    staff["sam"].absences.create(
        stand_in=staff["olivia"], starts_at=at + timedelta(1), ends_at=at + timedelta(2)
    )
    tell("sent", **IS_LARGE)
    later = at + timedelta(days=1, hours=2)
    tally = backtest.whole(read(rule("large"), NAMED, DEFAULT), now=later)
    assert tally.others[0][1] == staff["sam"].pk


def test_only_the_last_week_and_at_most_250(tell, staff, monkeypatch):
    tell("sent", "old")
    RoutingDecision.objects.update(at=instant.now() - timedelta(days=8))
    events(5)
    assert backtest.begin(at=instant.now()).total == 5
    monkeypatch.setattr(backtest, "MOST_EVENTS", 3)
    assert backtest.begin(at=instant.now()).total == 3


def test_nothing_decided_is_nothing_to_compare(db):
    tally, summary = judged(rulebook.in_force().rules)
    assert (tally.total, tally.is_over, summary.others) == (0, True, [])


def test_a_part_at_a_time_comes_to_the_same_as_all_at_once(pandadoc, staff, monkeypatch):
    events(7, **IS_LARGE)
    monkeypatch.setattr(backtest, "AT_ONCE", 3)
    asked = read(rule("all", ALL, pool("sam@example.com", "olivia@example.com")), DEFAULT)
    now, steps = instant.now(), []
    tally = backtest.begin(at=now)
    while not tally.is_over:
        tally = backtest.Tally(**backtest.go_on(asked, tally, now=now).as_json())
        steps.append(tally.done)
    assert steps == [3, 6, 7]
    assert tally.others == backtest.whole(asked, now=now).others
    assert len(tally.others) == 7


# --- Due times ------------------------------------------------------------------------------------
def test_an_owner_of_another_team_has_other_hours_and_so_another_due_time(tell, staff):
    at = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    sales = Team.objects.get(slug="sales")
    weekend = tuple((day, "09:00", "17:00") for day in (5, 6))
    operating_model.set_calendar(
        Calendar("sales", "Sales", "UTC", weekend, {}, team=sales), by=SETUP, at=at
    )
    # Remy of Sales works at weekends; Olivia of RevOps from Monday to Friday.
    with instant.stopped(at):
        tell("sent", at=at)
        asked = read(rule("all", ALL, {"to": "person", "person": "olivia@example.com"}), DEFAULT)
        assert backtest.whole(asked, now=at + timedelta(days=1)).moved == 1
        # Two of her days are over on Thursday, two of his only after the weekend.
        tally = backtest.whole(asked, now=at + timedelta(days=3, hours=1))
    assert (tally.moved, tally.late, tally.in_time) == (1, 1, 0)


# --- Nothing is written -----------------------------------------------------------------------
def test_nothing_is_written_and_no_turn_is_taken(pandadoc, staff):
    everybody = pool("sam@example.com", "remy@example.com", most_open=100)
    publish(rule("all", ALL, everybody), DEFAULT, by=staff["rosa"])
    events(5, **IS_LARGE)
    queue = rule("queue", LARGE, {"to": "queue", "process": "delivery"})
    draft(queue, rule("all", ALL, pool("olivia@example.com")), DEFAULT, by=staff["rosa"])
    before = everything()
    judged(rules.read(rulebook.draft().content))
    assert everything() == before
    assert Outcome.objects.exists()
    assert Message.objects.exists()


def test_the_database_itself_refuses_to_write_meanwhile(db):
    with (
        pytest.raises(InternalError, match="read-only transaction"),
        backtest.reading_only(),
    ):
        RoutingPool.objects.create(rule="x")


def test_afterwards_it_writes_again(db):
    with backtest.reading_only():
        User.objects.count()
    RoutingPool.objects.create(rule="x")
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("off",)
