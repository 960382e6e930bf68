"""The clock of a record: its stamps as the rows say them, and who sees it."""

from datetime import timedelta
from itertools import product

import pytest
from django.test import Client

from meshline import instant
from meshline.audit import trail
from meshline.policy.models import RaciAssignment
from proposals import follow_ups
from proposals.models import FollowUp, Outcome
from reconciliation import legs, passages, stamps
from reconciliation.models import Passage
from tests import factories
from tests.factories import MONDAY
from tests.reading import signed_in, words
from tests.reconciliation.passed import hand_over, prove, tell, touch

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def after(seconds):
    return MONDAY + timedelta(seconds=seconds)


@pytest.fixture
def company(staff):
    factories.pandadoc()
    factories.hubspot()
    with instant.stopped(MONDAY):
        yield staff


def page(user, proposal, **headers):
    return signed_in(user).get(f"/records/proposal:{proposal.pk}/clock/", headers=headers)


# --- The stamps ------------------------------------------------------------------------------
def test_an_event_has_the_stamps_of_its_own_way(company):
    proposal = tell(received=2, digested=5)
    prove(proposal, delivered=4, proven=9)
    touch(proposal, at=after(74))
    [event] = stamps.of([proposal.pk], at=after(100))
    assert (event.path, event.source, event.verdict) == ("sent", "pandadoc", "in-time")
    clock = event.clock(at=after(100))
    lengths = [leg.took.total_seconds() for leg in clock.legs]
    assert lengths == [2, 3, 0, 4, 5, 60]
    assert clock.total == timedelta(seconds=74)


def test_it_is_proven_when_all_of_it_is_and_late_when_one_of_it_was(company):
    proposal = tell()
    prove(proposal, delivered=4, proven=9)
    last = Outcome.objects.filter(proposal=proposal).latest("pk")
    Outcome.objects.filter(pk=last.pk).update(state="due", proven_at=None, delivered_at=None)
    [event] = stamps.of([proposal.pk], at=after(60))
    assert (event.carried, event.proven, event.verdict) == (None, None, "open")
    [event] = stamps.of([proposal.pk], at=after(5 * 60 + 30))
    assert event.verdict == "late"
    Outcome.objects.filter(pk=last.pk).update(state="cancelled")
    [event] = stamps.of([proposal.pk], at=after(5 * 60 + 30))
    assert (event.verdict, event.proven) == ("in-time", event.routed + timedelta(seconds=9))


def test_what_is_held_waits_for_people_and_is_not_late(company):
    proposal = tell()
    Outcome.objects.filter(proposal=proposal).update(state="held")
    [event] = stamps.of([proposal.pk], at=after(86_400))
    assert event.verdict == "open"


def test_what_meshline_tells_itself_to_try_its_ways_is_no_event(company):
    proposal = tell()
    assert len(list(stamps.of([proposal.pk], at=after(9)))) == 1
    proposal.signals.update(is_synthetic=True)
    assert list(stamps.of([proposal.pk], at=after(9))) == []


def test_looking_at_something_is_no_touch(company):
    proposal = tell()
    client = Client()
    client.force_login(company["rosa"])
    message = proposal.signals.get().origin.partition(":")[2]
    with instant.stopped(after(20)):
        assert client.get(f"/messages/{message}/").status_code == 200
    [event] = stamps.of([proposal.pk], at=after(60))
    assert event.touched is None


def test_putting_a_record_right_or_giving_it_away_is_no_contact(company):
    proposal = tell()
    hand_over(proposal, company["sam"], at=after(20))
    trail.record("proposal.edited", subject=proposal, record=proposal.record, by=company["olivia"],
                 at=after(30), after={"title": "Another"})  # fmt: skip
    [event] = stamps.of([proposal.pk], at=after(60))
    assert event.touched is None
    passages.keep([proposal.pk], at=after(60))
    assert (Passage.objects.get().whole, Passage.objects.get().touches) == (None, 2)


@pytest.mark.parametrize("how", ["call", "completed"])
def test_a_call_or_a_completed_follow_up_is_the_first_contact(company, how):
    proposal = tell()
    if how == "call":
        touch(proposal, at=after(40))
    else:
        one = FollowUp.objects.get(proposal=proposal)
        follow_ups.complete(
            follow_up_id=one.pk, version=one.version, by=company["remy"], at=after(40)
        )
    [event] = stamps.of([proposal.pk], at=after(60))
    assert event.touched == after(40)


def test_who_called_before_we_heard_of_it_kept_nobody_waiting(company):
    proposal = tell(received=30, digested=31)
    touch(proposal, at=after(10))
    [event] = stamps.of([proposal.pk], at=after(60))
    assert event.touched == event.received == after(30)
    passages.keep([proposal.pk], at=after(60))
    assert Passage.objects.get().touched == timedelta(0)


@pytest.mark.parametrize("touched", [None, 4, 40])
def test_the_rows_of_many_are_as_the_rule_has_it(company, touched):
    """Every order of the stamps, told by the rule and by the database."""
    proposal = tell(received=2, digested=3)
    if touched:
        touch(proposal, at=after(touched))
    outcomes = Outcome.objects.filter(proposal=proposal)
    signal = proposal.signals.get(origin__startswith="message:")
    for occurred, carried, proven in product((0, 9), (None, 1, 10, 50), (None, 2, 30, 60)):
        type(signal).objects.filter(pk=signal.pk).update(occurred_at=after(occurred))
        outcomes.update(
            delivered_at=carried and after(carried), proven_at=proven and after(proven),
            state="proven" if proven else "due",
        )  # fmt: skip
        passages.keep([proposal.pk], at=after(100))
        row = Passage.objects.get()
        [event] = stamps.of([proposal.pk], at=after(100))
        clock = event.clock(at=after(100))
        ruled = [leg.took if leg.ended else None for leg in clock.legs]
        assert [getattr(row, stage.name) for stage in legs.STAGES] == ruled
        assert (row.began_at, row.ahead) == (clock.began, clock.ahead)
        assert row.whole == (clock.total if touched else None)
        if touched:
            assert row.whole == sum((one for one in ruled if one), timedelta(0))
            assert row.before_owner == clock.before_owner


# --- Its page --------------------------------------------------------------------------------
def test_the_page_says_each_leg_its_debtor_the_total_and_the_persons_part_apart(company):
    proposal = tell(received=2, digested=5)
    prove(proposal, delivered=4, proven=9)
    touch(proposal, at=after(74))
    RaciAssignment.objects.filter(letter="responsible", process="delivery").update(
        user=company["rosa"]
    )
    said = words(page(company["olivia"], proposal))
    assert "In all 1 m 14 s The person's own part 1 m" in said
    assert "Before assignment 5.0 s" in said
    assert "Routed → carried 4.0 s 5 %" in said
    assert "Delivery Rosa Marin" in said
    assert "Health of PandaDoc" in said


def test_a_leg_that_is_not_reached_is_shown_as_open(company):
    proposal = tell()
    with instant.stopped(after(65)):
        said = words(page(company["olivia"], proposal))
    assert "So far 1 m 5 s The person's own part not their turn yet" in said
    assert "Carried → proven not reached yet" in said


def test_a_clock_ahead_of_ours_is_said(company):
    proposal = tell(received=-3, digested=3)
    said = words(page(company["olivia"], proposal))
    assert "their clock is 3 s ahead of ours" in said


def test_it_is_a_part_of_the_proposals_page_and_nobody_elses_business(company):
    proposal = tell()
    client = Client()
    client.force_login(company["olivia"])
    here = client.get(f"/proposals/{proposal.pk}/").text
    assert f'hx-get="/records/proposal:{proposal.pk}/clock/"' in here
    part = page(company["olivia"], proposal, **HTMX)
    assert "<html" not in part.text
    assert "In all" in words(part) or "So far" in words(part)
    other = tell(id="doc-2", owner="olivia@example.com")
    assert page(company["sam"], other).status_code == 404
    assert page(company["remy"], proposal).status_code == 200
    client.force_login(company["rosa"])
    assert client.get("/records/ticket:1/clock/").status_code == 404


def test_a_record_that_nothing_happened_to_says_so(company):
    proposal = tell()
    proposal.follow_ups.all().delete()
    Outcome.objects.filter(proposal=proposal).delete()
    assert "No clock runs here" in words(page(company["olivia"], proposal))
