"""Who owns a proposal by the rules in force, and what is kept of how that was decided."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import Absence, OnCallShift, Team, User
from proposals import lifecycle
from proposals.models import Proposal, RoutingDecision, RoutingPool
from proposals.routing import rules, turns
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.proposals.routes import DEFAULT, LARGE, NAMED, pool, publish, rule

pytestmark = pytest.mark.django_db

IS_LARGE = {"grand_total": {"amount": "64000.00", "currency": "EUR"}}
ALL = {"field": "source", "op": "is_told"}
SALES = ("sam@example.com", "remy@example.com", "olivia@example.com")


def out(user, stand_in=None):
    now = instant.now()
    return Absence.objects.create(
        user=user, stand_in=stand_in, starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
    )  # fmt: skip


def decision(proposal):
    return RoutingDecision.objects.filter(record=proposal.record).latest("pk")


# --- As it was before there were rules -----------------------------------------------------------
def test_the_founding_rules_give_it_to_whom_the_source_names(sent, staff):
    assert sent.owner == staff["remy"]
    assert sent.owner_why == "PandaDoc names Remy Park (remy@example.com) as owner."
    made = decision(sent)
    assert (made.rule, made.rules.number, made.owner) == ("named-owner", 1, staff["remy"])
    assert made.signal == sent.signals.get()


def test_and_what_names_nobody_we_know_to_the_fallback_owner_with_a_ticket(tell, staff):
    proposal = tell("sent", owner="gone@example.com")
    assert (proposal.owner, proposal.owner_is_temporary) == (staff["rosa"], True)
    ticket = Ticket.objects.get(kind="role-drift")
    assert ticket.cause == "role-drift:pandadoc:gone@example.com"
    assert decision(proposal).rule == "default"


def test_a_viewer_who_is_named_is_given_no_work_and_somebody_is_told(tell, staff):
    proposal = tell("sent", owner="vera@example.com")
    assert (proposal.owner, proposal.owner_is_temporary) == (staff["rosa"], True)
    assert "who only looks on here and is given no work" in Ticket.objects.get().reason


# --- Each target ------------------------------------------------------------------------------
def test_a_rule_gives_to_a_person_and_the_trail_says_by_which(tell, staff):
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    proposal = tell("sent", **IS_LARGE)
    assert proposal.owner == staff["sam"]
    assert proposal.owner_why == "“Large” gives it to Sam Dube."
    assert not proposal.owner_is_temporary
    line = TrailLine.objects.get(what="proposal.moved")
    assert line.after["by the rule"] == "Large (version 2)"
    assert tell("sent", "small").owner == staff["remy"]


def test_what_was_seen_is_kept_with_the_decision(tell, staff):
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    made = decision(tell("sent", **IS_LARGE))
    assert (made.rules.number, made.rule) == (2, "large")
    seen = rules.from_json(made.facts)
    assert seen["amount"] == 64000
    assert (seen["owner_known"], seen["owner_present"], seen["owner_team"]) == (True, True, "sales")
    assert set(seen) == set(rules.FIELDS["proposal"])


def test_whoever_is_out_has_a_stand_in_and_the_why_says_so(tell, staff):
    out(staff["sam"], stand_in=staff["remy"])
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    proposal = tell("sent", **IS_LARGE)
    assert proposal.owner == staff["remy"]
    assert proposal.owner_why == (
        "“Large” gives it to Sam Dube; they are out, and Remy Park stands in."
    )
    assert decision(proposal).meant_for == staff["sam"]
    assert not proposal.owner_is_temporary


def test_so_has_whoever_the_source_names(tell, staff):
    out(staff["remy"], stand_in=staff["sam"])
    proposal = tell("sent")
    assert (proposal.owner, decision(proposal).meant_for) == (staff["sam"], staff["remy"])


def test_with_nobody_standing_in_it_is_the_fallback_owner(tell, staff):
    out(staff["remy"])
    proposal = tell("sent")
    assert proposal.owner == staff["rosa"]
    assert "nobody stands in. Rosa Marin is the fallback owner." in proposal.owner_why
    assert not Ticket.objects.filter(kind="role-drift").exists()


def test_a_person_who_left_since_is_a_ticket(tell, staff):
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    proposal = tell("sent", **IS_LARGE)
    assert (proposal.owner, proposal.owner_is_temporary) == (staff["rosa"], True)
    ticket = Ticket.objects.get(kind="role-drift")
    assert ticket.title == "“Large” gives it to Sam Dube, who no longer works here"


def test_a_team_is_who_is_on_call_then_its_lead_then_who_is_there_longest(tell, staff):
    team = Team.objects.get(slug="sales")
    publish(rule("all", ALL, {"to": "team", "team": "sales"}), DEFAULT, by=staff["rosa"])
    assert tell("sent", "longest").owner == staff["sam"]
    team.lead = staff["remy"]
    team.save()
    assert tell("sent", "lead").owner == staff["remy"]
    now = instant.now()
    OnCallShift.objects.create(
        team=team, user=staff["sam"], starts_at=now - timedelta(1), ends_at=now + timedelta(1)
    )
    on_call = tell("sent", "on-call")
    assert on_call.owner == staff["sam"]
    assert on_call.owner_why == "“All” gives it to Sales: Sam Dube is there for it now."


def test_the_queue_is_a_ticket_that_ends_when_a_person_chooses(tell, staff):
    queue = {"to": "queue", "process": "proposal-state"}
    publish(rule("large", LARGE, queue), NAMED, DEFAULT, by=staff["rosa"])
    proposal = tell("sent", **IS_LARGE)
    assert (proposal.owner, proposal.owner_is_temporary) == (staff["olivia"], True)
    ticket = Ticket.objects.get(kind="route-by-hand")
    assert (ticket.owner, ticket.record) == (staff["olivia"], proposal.record)
    lifecycle.assign(
        proposal_id=proposal.pk, owner=staff["sam"], version=proposal.version, reason="Knows them",
        by=staff["rosa"], at=MONDAY,
    )  # fmt: skip
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


# --- Pools -------------------------------------------------------------------------------------
def many(tell, count, **more):
    return [tell("sent", f"doc-{n}", **more).owner.email for n in range(count)]


def test_a_pool_takes_turns(tell, staff):
    publish(rule("all", ALL, pool(*SALES)), DEFAULT, by=staff["rosa"])
    assert many(tell, 4) == [*SALES, SALES[0]]


def test_a_batch_takes_turns_as_single_events_do(pandadoc, staff):
    publish(rule("all", ALL, pool(*SALES, sam=2)), DEFAULT, by=staff["rosa"])
    post_pandadoc([document("sent", id=f"d{n}") for n in range(8)])
    digest_all()
    owners = list(Proposal.objects.values_list("owner__email", flat=True))
    assert [owners.count(email) for email in SALES] == [4, 2, 2]


def test_the_absent_are_passed_over_and_find_no_heap(tell, staff):
    publish(rule("all", ALL, pool(*SALES)), DEFAULT, by=staff["rosa"])
    absence = out(staff["sam"])
    assert set(many(tell, 4)) == set(SALES[1:])
    absence.delete()
    owners = [tell("sent", f"later-{n}").owner.email for n in range(6)]
    assert owners.count("sam@example.com") == 2


def test_nobody_gets_more_than_their_limit_of_open_records(tell, staff):
    publish(rule("all", ALL, pool(*SALES[:2], most_open=2)), DEFAULT, by=staff["rosa"])
    assert many(tell, 5) == [SALES[0], SALES[1], SALES[0], SALES[1], "rosa@example.com"]
    ticket = Ticket.objects.get(kind="role-drift")
    assert ticket.cause == "role-drift:rule:all"
    assert "Nobody in the pool of “All” is present below their limit of 2." in ticket.reason
    # What is over counts no more.
    tell("voided", "doc-1", at=MONDAY + timedelta(hours=1))
    assert tell("sent", "next").owner.email == SALES[1]


def test_the_limit_counts_within_a_batch(pandadoc, staff):
    publish(rule("all", ALL, pool(*SALES[:2], most_open=2)), DEFAULT, by=staff["rosa"])
    post_pandadoc([document("sent", id=f"d{n}") for n in range(5)])
    digest_all()
    owners = list(Proposal.objects.order_by("pk").values_list("owner__email", flat=True))
    assert (
        sorted(owners) == ["remy@example.com"] * 2 + ["rosa@example.com"] + ["sam@example.com"] * 2
    )


def test_whose_turn_was_given_away_is_owed_one(tell, staff):
    publish(rule("all", ALL, pool(*SALES)), DEFAULT, by=staff["rosa"])
    first = tell("sent", "first")
    assert first.owner == staff["sam"]
    lifecycle.assign(
        proposal_id=first.pk, owner=staff["remy"], version=first.version, reason="Knows them",
        by=staff["rosa"], at=MONDAY,
    )  # fmt: skip
    second = tell("sent", "second")
    assert second.owner == staff["sam"]
    assert second.owner_why == (
        "“All” goes in turn: it is the turn of Sam Dube, for one that was given away."
    )
    assert tell("sent", "third").owner == staff["remy"]


def test_a_turn_is_kept_when_the_story_is_told_anew(tell, staff):
    publish(rule("all", ALL, pool(*SALES)), DEFAULT, by=staff["rosa"])
    assert tell("sent", "first", at=MONDAY).owner == staff["sam"]
    # Another owner is named, and an earlier event comes late: both are decided anew.
    later = tell("viewed", "first", at=MONDAY + timedelta(hours=1), owner="olivia@example.com")
    assert later.owner == staff["sam"]
    tell("draft", "first", at=MONDAY - timedelta(hours=1), **IS_LARGE)
    assert tell("sent", "second").owner == staff["remy"]
    assert RoutingPool.objects.get().turns["credit"] != {}


def test_pools_stand_where_they_stood_when_the_rules_change(tell, staff):
    publish(rule("all", ALL, pool(*SALES)), DEFAULT, by=staff["rosa"])
    tell("sent", "first")
    publish(rule("all", ALL, pool(*SALES), note="Reviewed"), DEFAULT, by=staff["rosa"])
    assert tell("sent", "second").owner == staff["remy"]


# --- When it is decided anew ------------------------------------------------------------------
def test_an_owner_stays_while_nobody_else_is_named(tell, staff):
    first = tell("sent", at=MONDAY)
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    later = tell("viewed", at=MONDAY + timedelta(hours=1), **IS_LARGE)
    assert later.owner == first.owner == staff["remy"]
    named = tell("viewed", at=MONDAY + timedelta(hours=2), owner="olivia@example.com", **IS_LARGE)
    assert named.owner == staff["sam"]


def test_whom_a_person_chose_stays_whatever_the_rules_say(tell, staff):
    first = tell("sent", at=MONDAY)
    lifecycle.assign(
        proposal_id=first.pk, owner=staff["olivia"], version=first.version, reason="Knows them",
        by=staff["rosa"], at=MONDAY,
    )  # fmt: skip
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    later = tell("viewed", at=MONDAY + timedelta(1), owner="sam@example.com", **IS_LARGE)
    assert later.owner == staff["olivia"]


def test_what_was_decided_before_there_were_rules_stays(tell, staff):
    first = tell("sent", at=MONDAY)
    Proposal.objects.filter(pk=first.pk).update(owner_basis="")
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    tell("draft", at=MONDAY - timedelta(hours=1), **IS_LARGE)
    assert Proposal.objects.get().owner == staff["remy"]


LIFE = [
    ("draft", "remy@example.com", "1000.00"), ("sent", "remy@example.com", "64000.00"),
    ("viewed", "olivia@example.com", "70000.00"), ("completed", "olivia@example.com", "900.00"),
]  # fmt: skip


def test_whatever_order_its_events_come_in_it_has_the_same_owner(pandadoc, staff):
    """A rule on the amount, which differs from event to event."""
    viewed = {"field": "state", "op": "is", "value": "viewed"}
    large = rule("large", {"all": [LARGE, viewed]})
    publish(large, NAMED, DEFAULT, by=staff["rosa"])
    for order in permutations(range(len(LIFE))):
        name = "".join(map(str, order))
        for place in order:
            state, owner, amount = LIFE[place]
            total = {"amount": amount, "currency": "EUR"}
            at = MONDAY + timedelta(minutes=place)
            event = document(state, id=name, at=at, owner=owner, grand_total=total)
            post_pandadoc([event], event_id=f"{name}-{place}")
            digest_all()
    owners = set(Proposal.objects.values_list("owner__email", flat=True))
    assert owners == {"sam@example.com"}
    for proposal in Proposal.objects.all():
        assert proposal.version == proposal.transitions.count()


# --- Set-based ----------------------------------------------------------------------------------
def asked(pandadoc, start, count):
    post_pandadoc(
        [document("sent", id=f"d{n}", **IS_LARGE) for n in range(start, start + count)],
        event_id=f"evt-{start}",
    )
    with CaptureQueriesContext(connection) as caught:
        digest_all()
    return len(caught)


def test_more_events_are_no_more_questions(pandadoc, staff):
    out(staff["remy"], stand_in=staff["sam"])
    publish(
        rule("small", {"field": "amount", "op": "less_than", "value": "5"}),
        rule("large", LARGE, pool(*SALES, most_open=500)), NAMED, DEFAULT, by=staff["rosa"],
    )  # fmt: skip
    asked(pandadoc, 0, 1)
    assert asked(pandadoc, 1, 40) == asked(pandadoc, 100, 2)


def test_the_founding_rules_cost_two_questions_a_batch(pandadoc, staff):
    """Which version is in force, and writing the decisions down."""
    asked(pandadoc, 0, 1)
    with CaptureQueriesContext(connection) as caught:
        post_pandadoc([document("sent", id="x")], event_id="x")
        digest_all()
    routing = [one["sql"] for one in caught if "routing" in one["sql"]]
    assert len(routing) == 2, routing


def test_open_records_are_those_somebody_still_works_on():
    assert [state.value for state in turns.OPEN] == [
        "draft", "sent", "viewed", "signed", "disputed", "invoiced",
    ]  # fmt: skip
