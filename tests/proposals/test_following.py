"""Which follow-ups must stand: the rule by itself."""

from datetime import timedelta

import pytest

from proposals import following
from proposals.contracts.promises import ContractSpec, OutcomeSpec, Wanted
from proposals.following import Asked, Known
from proposals.history import Episode
from proposals.states import State
from tests.factories import MONDAY

ALIVE = frozenset({State.SENT, State.VIEWED})


def spec(name="follow-up", kind="task.create", minutes=960):
    params = {"due_within": minutes} if minutes else {}
    return OutcomeSpec(name, kind, "crm", ALIVE, params)


def wanted(*specs, slug="sent", events=(1,), since=MONDAY, until=None):
    contract = ContractSpec(7, slug, State.SENT, specs, until=until)
    return [Wanted(contract, one, Episode(State.SENT, since, events)) for one in specs]


def asked(required, state=State.SENT, now=None):
    return following.asked(required, state, now or {})


def known(id=1, *, signal=1, kind="follow-up", slug="sent", stands="open"):
    return Known(id, kind, slug, signal, stands == "open", stands == "completed")


ONE = Asked("follow-up", "sent", 7, (1, 2), MONDAY, 960)


# --- What is asked for ---------------------------------------------------------------------------
def test_a_task_for_the_owner_with_a_time_is_a_follow_up():
    one = Asked("follow-up", "sent", 7, (1,), MONDAY, 960)
    assert asked(wanted(spec())) == [one]


def test_what_is_no_task_or_has_no_time_is_none():
    others = wanted(spec(kind="deal.upsert"), spec(kind="notice.tell"), spec("chat", minutes=0))
    assert asked(others) == []


def test_of_one_kind_the_last_in_the_story_counts():
    later = MONDAY + timedelta(hours=2)
    twice = wanted(spec(minutes=960)) + wanted(spec(minutes=60), slug="viewed", since=later)
    assert [(one.slug, one.minutes) for one in asked(twice)] == [("viewed", 60)]
    both = wanted(spec(), spec("onboarding"))
    assert [one.kind for one in asked(both)] == ["follow-up", "onboarding"]


@pytest.mark.parametrize("closed", [State.CLOSED_WON, State.CLOSED_LOST])
def test_what_is_closed_has_none(closed):
    assert asked(wanted(spec()), closed) == []


def test_the_sla_of_now_counts_for_what_is_under_way():
    now = following.slas([ContractSpec(8, "sent", State.SENT, (spec(minutes=60),))])
    assert now == {("sent", "follow-up"): 60}
    (one,) = asked(wanted(spec(minutes=960), until=8), now=now)
    assert (one.minutes, one.contract_id) == (60, 7)
    replaced = ContractSpec(7, "sent", State.SENT, (spec(),), until=8)
    assert following.slas([replaced]) == {}


# --- Compared with what there was ----------------------------------------------------------------
def test_what_is_missing_is_made_and_what_stands_is_kept():
    assert following.plan([ONE], []).create == [ONE]
    plan = following.plan([ONE], [known()])
    assert (plan.create, plan.keep, plan.cancel) == ([], [(1, ONE)], [])


def test_an_event_that_turns_out_to_be_the_first_asks_for_no_second_one():
    plan = following.plan([ONE], [known(signal=2)])
    assert (plan.create, plan.keep) == ([], [(1, ONE)])


def test_another_stretch_is_another_follow_up():
    plan = following.plan([ONE], [known(signal=9)])
    assert (plan.create, plan.cancel) == ([ONE], [1])


def test_what_is_asked_for_no_longer_is_cancelled_and_comes_back_when_it_is():
    assert following.plan([], [known()]).cancel == [1]
    plan = following.plan([ONE], [known(stands="cancelled")])
    assert (plan.create, plan.reopen) == ([], [(1, ONE)])


def test_what_was_completed_is_done():
    plan = following.plan([ONE], [known(stands="completed")])
    assert plan == following.Plan()
    # Also when it had been superfluous for a while.
    both = [known(1, stands="cancelled"), known(2, signal=2, stands="completed")]
    assert following.plan([ONE], both) == following.Plan()


def test_of_two_stretches_that_became_one_the_second_is_called_off_when_the_first_is_done():
    plan = following.plan([ONE], [known(1, stands="completed"), known(2, signal=2)])
    assert (plan.create, plan.cancel) == ([], [2])


def test_the_same_name_in_another_contract_is_another_follow_up():
    plan = following.plan([ONE], [known(slug="viewed")])
    assert (plan.create, plan.cancel) == ([ONE], [1])
