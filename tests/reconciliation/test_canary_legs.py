"""The rules of a canary, pure: when a leg is broken, and that red comes within seven minutes."""

from datetime import timedelta

import pytest

from reconciliation.canary_legs import (
    BUDGETS,
    LEGS,
    LOOKS_EVERY,
    RED_WITHIN,
    Leg,
    Look,
    Verdict,
    judge,
    legs,
    rhythm,
)  # fmt: skip
from tests.factories import MONDAY

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("leg", LEGS)
def test_a_leg_is_broken_once_its_time_is_over_and_not_before(leg):
    waits = Look(seen="Nothing yet.")
    at = MONDAY + BUDGETS[leg]
    assert judge(leg, waits, since=MONDAY, at=at) is Verdict.WAITING
    assert judge(leg, waits, since=MONDAY, at=at + SECOND) is Verdict.BROKEN


@pytest.mark.parametrize("leg", LEGS)
def test_what_no_wait_helps_is_broken_at_once(leg):
    said_no = Look(seen="HTTP 401", is_final=True)
    assert judge(leg, said_no, since=MONDAY, at=MONDAY) is Verdict.BROKEN


@pytest.mark.parametrize("leg", LEGS)
def test_what_was_passed_is_passed_however_late_one_looks(leg):
    passed = Look(at=MONDAY)
    late = MONDAY + timedelta(hours=1)
    assert judge(leg, passed, since=MONDAY, at=late) is Verdict.PASSED


@pytest.mark.parametrize("broken", LEGS)
def test_whichever_leg_breaks_and_however_slow_all_before_it_were_red_is_within_7_minutes(broken):
    """Every leg before it uses up its time; the broken one is looked at in the rhythm of looks."""
    now = since = MONDAY
    for leg in LEGS[: LEGS.index(broken)]:
        since += BUDGETS[leg]
        while now < since:
            now += LOOKS_EVERY
        assert judge(leg, Look(at=since), since=MONDAY, at=now) is Verdict.PASSED
    while judge(broken, Look(seen="Nothing."), since=since, at=now) is not Verdict.BROKEN:
        now += LOOKS_EVERY
    assert now - MONDAY <= RED_WITHIN


def test_what_asks_the_crm_for_nothing_has_all_legs_but_the_crms():
    assert legs(reaches_crm=True) == LEGS
    gone = [leg for leg in LEGS if leg not in legs(reaches_crm=False)]
    assert gone == [Leg.CARRIED, Leg.PROVEN]


def test_it_is_tried_often_in_business_hours_and_while_it_is_red():
    agreed = {"fast": 3, "slow": 15}
    assert rhythm(**agreed, is_business=True, is_red=False) == timedelta(minutes=3)
    assert rhythm(**agreed, is_business=False, is_red=True) == timedelta(minutes=3)
    assert rhythm(**agreed, is_business=False, is_red=False) == timedelta(minutes=15)
