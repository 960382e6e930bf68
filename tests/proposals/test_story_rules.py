"""The rules behind a proposal's story, without a database: history, promises, moves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshline.shell.founding import CONTRACTS
from proposals import history, states
from proposals.contracts import promises
from proposals.contracts.promises import ContractSpec, Made
from proposals.history import Event
from proposals.states import State

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIVE = [
    ContractSpec(number, slug, trigger, tuple(promises.spec_from(row) for row in outcomes))
    for number, (slug, _, trigger, outcomes) in enumerate(CONTRACTS)
]


def event(id, target, minute, **more):
    return Event(id, target, START + timedelta(minutes=minute), tiebreak=str(id), **more)


targets = st.sampled_from([*State, None])
lives = st.lists(st.tuples(targets, st.integers(0, 8)), max_size=9).map(
    lambda steps: [event(place, target, minute) for place, (target, minute) in enumerate(steps)]
)


def wanted_in(told):
    return [
        (want.contract.slug, want.spec.name, want.episode.since)
        for want in promises.wanted(told, LIVE)
    ]


@settings(max_examples=400)
@given(lives, st.randoms())
def test_the_story_does_not_depend_on_the_order_of_telling(events, random):
    shuffled = list(events)
    random.shuffle(shuffled)
    assert history.tell(shuffled) == history.tell(events)


@settings(max_examples=300)
@given(lives)
def test_a_story_only_makes_moves_of_the_table(events):
    told = history.tell(events)
    walked = [episode.state for episode in told.episodes]
    for here, there in pairwise(walked):
        assert states.is_move(here, there)
    # Every event is in exactly one place: an episode, superseded, or telling fields alone.
    placed = [pk for episode in told.episodes for pk in episode.events]
    moving = [one.id for one in events if one.target]
    assert sorted([*placed, *told.superseded]) == moving


@settings(max_examples=300)
@given(lives, st.randoms())
def test_telling_bit_by_bit_ends_with_the_same_open_work(events, random):
    """Whatever came first and was promised on the way: the open work is that of the whole story."""
    order = list(events)
    random.shuffle(order)
    made: list[Made] = []
    for known in range(1, len(order) + 1):
        told = history.tell(order[:known])
        made = settle(made, told)
    told = history.tell(order)
    open_now = sorted((one.slug, one.name) for one in made if not one.is_cancelled)
    expected = sorted((slug, name) for slug, name, _ in wanted_in(told))
    assert open_now == expected
    # Nothing is promised twice for one stretch of the story.
    live = [(one.slug, one.name, one.signal_id) for one in made if not one.is_cancelled]
    assert len(live) == len(set(live))


def settle(made, told, digest="", contracts=LIVE, facts=None):
    """Carry a plan out on plain rows, as the contracts do on the outbox."""
    required = promises.wanted(told, contracts, facts=facts)
    plan = promises.plan(required, made, {"deal": digest})
    by_id = {one.id: one for one in made}
    for pk in plan.revive:
        by_id[pk] = replaced(by_id[pk], is_cancelled=False)
    for pk in plan.drop:
        by_id[pk] = replaced(by_id[pk], is_cancelled=True)
    for want, _ in plan.create:
        pk = len(by_id)
        content = digest if want.spec.mirrors else ""
        signal = want.episode.events[0]
        by_id[pk] = Made(pk, want.contract.slug, want.spec.name, signal, content, False)
    return list(by_id.values())


def replaced(one, *, is_cancelled):
    return Made(one.id, one.slug, one.name, one.signal_id, one.digest, is_cancelled)


def test_an_event_that_turns_out_to_be_the_first_of_its_stretch_makes_no_second_outcome():
    second = event(2, State.SENT, 5)
    made = settle([], history.tell([second]))
    first = event(1, State.SENT, 0)
    again = settle(made, history.tell([second, first]))
    assert again == made


def test_a_mirror_follows_its_content_and_a_task_does_not():
    told = history.tell([event(1, State.SENT, 0)])
    made = settle([], told, digest="1234.50")
    changed = settle(made, told, digest="999.00")
    new = [one for one in changed if one not in made and not one.is_cancelled]
    assert [(one.name, one.digest) for one in new] == [("deal", "999.00")]


def test_outcomes_are_promised_in_the_contracts_order():
    """The deal comes before the task that hangs on it."""
    told = history.tell([event(1, State.SENT, 0)])
    assert [name for _, name, _ in wanted_in(told)] == ["deal", "follow-up", "tell-owner"]


def test_a_dispute_between_two_sendings_asks_for_a_follow_up_of_its_own():
    told = history.tell(
        [event(1, State.SENT, 0), event(2, State.DISPUTED, 5), event(3, State.SENT, 9)]
    )
    follow_ups = [since for _, name, since in wanted_in(told) if name == "follow-up"]
    assert follow_ups == [START + timedelta(minutes=9)]


def test_a_managers_override_is_stopped_by_no_table():
    events = [event(1, State.CLOSED_WON, 0, forced=True), event(2, State.SENT, 5, forced=True)]
    assert history.tell(events).state is State.SENT
    plain = [event(1, State.CLOSED_WON, 0, forced=True), event(2, State.SENT, 5)]
    assert history.tell(plain).state is State.CLOSED_WON


def test_fields_are_as_last_told_by_the_sources_time():
    late = event(1, None, 0, fields={"amount": "1.00", "title": "Old"})
    new = event(2, State.SENT, 5, fields={"amount": "2.00"})
    assert history.tell([new, late]).fields == {"amount": "2.00", "title": "Old"}


def test_every_state_has_moves_an_authority_and_a_rank():
    assert set(states.MOVES) == set(states.AUTHORITY) == set(states.RANK) == set(State)
    assert len(set(states.RANK.values())) == len(State)


@pytest.mark.parametrize("here", list(State))
def test_what_the_table_has_not_is_refused_in_words(here):
    for to in State:
        if states.is_move(here, to):
            states.check_move(here, to)
        else:
            with pytest.raises(states.MoveError, match="proposal cannot become"):
                states.check_move(here, to)


@pytest.mark.parametrize("ahead", [0.3, 5, 299])
def test_an_invoice_follows_the_signature_it_was_made_for_whatever_its_senders_clock_says(ahead):
    """Billing tells whole seconds, and its clock may be behind the quoting tool's."""
    sent = event(1, State.SENT, 0)
    signed = event(2, State.SIGNED, 10)
    before = signed.occurred_at - timedelta(seconds=ahead)
    invoiced = Event(3, State.INVOICED, before, stage="02")
    for order in permutations([sent, signed, invoiced]):
        told = history.tell(order)
        assert (told.state, told.superseded) == (State.INVOICED, frozenset())


def test_what_was_invoiced_long_before_a_signature_does_not_follow_from_it():
    events = [event(1, State.SENT, 0), event(2, State.INVOICED, 4), event(3, State.SIGNED, 10)]
    told = history.tell(events)
    assert (told.state, told.superseded) == (State.SIGNED, frozenset({2}))


def test_a_payment_right_after_a_second_signature_is_not_taken_for_an_older_ones():
    lives = [
        event(1, State.SIGNED, 0), event(2, State.INVOICED, 1), event(3, State.DISPUTED, 20),
        event(4, State.SIGNED, 30), Event(5, State.INVOICED, START + timedelta(minutes=29.95)),
    ]  # fmt: skip
    for order in permutations(lives):
        assert history.tell(order).state is State.INVOICED


def test_of_one_instant_the_stage_at_its_source_counts_before_the_rank_of_the_state():
    """A payment is disputed after its invoice was paid, also within one second of a clock."""
    paid = Event(1, State.INVOICED, START, stage="09")
    disputed = Event(2, State.DISPUTED, START, stage="99")
    signed = Event(3, State.SIGNED, START)
    for order in permutations([paid, disputed, signed]):
        assert history.tell(order).state is State.DISPUTED


# --- Conditions and versions -------------------------------------------------------------------
LARGE = {"field": "amount", "op": "at_least", "value": "500"}
CONDITIONAL = [
    replace(
        contract, condition=promises.condition_from(LARGE if number % 2 else {"not": LARGE})
    )
    for number, contract in enumerate(LIVE)
]  # fmt: skip
told_lives = st.lists(
    st.tuples(targets, st.integers(0, 8), st.sampled_from([None, "100", "900"])), max_size=8
).map(
    lambda steps: [
        event(place, target, minute, fields={"amount": amount} if amount else {})
        for place, (target, minute, amount) in enumerate(steps)
    ]
)


def facts_of(told):
    amount = told.fields.get("amount")
    return {"amount": Decimal(amount) if amount else None}


@settings(max_examples=300)
@given(told_lives, st.randoms())
def test_conditions_leave_the_same_open_work_in_whatever_order(events, random):
    """They start and stop holding on the way; what is open in the end is that of the whole."""
    order = list(events)
    random.shuffle(order)
    made: list[Made] = []
    for known in range(1, len(order) + 1):
        told = history.tell(order[:known])
        made = settle(made, told, contracts=CONDITIONAL, facts=facts_of(told))
    told = history.tell(order)
    expected = promises.wanted(told, CONDITIONAL, facts=facts_of(told))
    open_now = sorted((one.slug, one.name) for one in made if not one.is_cancelled)
    assert open_now == sorted((want.contract.slug, want.spec.name) for want in expected)


@settings(max_examples=200)
@given(lives, st.randoms(), st.integers(0, 9))
def test_a_stretch_goes_by_the_contracts_of_its_first_event_in_whatever_order(
    events, random, border
):
    """Old contracts for what came in before the border, none at all since."""
    stamped = [replace(one, under=one.id) for one in events]
    old = [replace(contract, since=0, until=border) for contract in LIVE]
    shuffled = list(stamped)
    random.shuffle(shuffled)
    wanted = promises.wanted(history.tell(shuffled), old)
    assert wanted == promises.wanted(history.tell(stamped), old)
    assert all(min(want.episode.events) < border for want in wanted)
