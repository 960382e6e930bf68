"""Contracts told as sentences, from their data alone."""

from datetime import time

import pytest

from meshline.shell.founding import CONTRACTS
from proposals.contracts import promises, sentences
from proposals.contracts.promises import ContractSpec, OutcomeSpec
from proposals.contracts.sentences import Names
from proposals.states import State
from proposals.tiers import Tier

NAMES = Names({"crm": "hubspot", "meshline": "meshline"})
LIVE = [
    ContractSpec(number, slug, trigger, tuple(promises.spec_from(row) for row in outcomes))
    for number, (slug, _, trigger, outcomes) in enumerate(CONTRACTS)
]


def told(state):
    (spec,) = [one for one in LIVE if one.trigger is state]
    return sentences.contract(spec, NAMES)


def test_what_follows_when_a_proposal_is_sent():
    assert told(State.SENT) == [
        "create or update the deal in hubspot (the CRM) and again whenever its content changes",
        "create the follow-up task in hubspot (the CRM) for the owner: "
        "“Follow up: ‹title›”, "
        "“‹contact› has had the proposal over ‹amount› for two working days”, "
        "high priority, due two working days later, "
        "as long as the proposal is sent or viewed; then close it",
        "tell the owner: “‹title› went out to ‹contact›. Follow up in two working days”, "
        "as long as the proposal is sent or viewed",
    ]


def test_what_follows_when_it_is_signed():
    assert told(State.SIGNED)[1:] == [
        "create the invoice in the billing tool as soon as one is connected, once and never again, "
        "as long as the proposal is signed, invoiced or closed won",
        "create the onboarding task in hubspot (the CRM) for the owner: "
        "“Start onboarding: ‹title›”, “‹contact› signed over ‹amount›”, "
        "high priority, due one working day later, "
        "as long as the proposal is signed, invoiced or closed won",
        "tell the owner: “‹contact› signed ‹title› over ‹amount›”, "
        "as long as the proposal is signed, invoiced or closed won",
        "post a message in the chat as soon as one is connected, once and never again: "
        "“‹contact› signed ‹title› over ‹amount›. ‹owner› owns it”, "
        "as long as the proposal is signed, invoiced or closed won",
        "send a signed webhook in the automation tool as soon as one is connected, "
        "of the type proposal.signed, "
        "as long as the proposal is signed, invoiced or closed won",
    ]


def test_what_follows_when_it_is_disputed():
    assert told(State.DISPUTED)[1:] == [
        "open a ticket “Proposal disputed”: “‹title› is disputed”, "
        "“‹contact› declined the proposal over ‹amount›; ‹owner› owns it”, "
        "as long as it is disputed; then it closes by itself"
    ]


def test_a_task_that_says_less_is_told_in_fewer_words():
    spec = OutcomeSpec(
        "call", "task.create", "crm", frozenset({State.SENT}),
        params={"subject": "Call {contact}", "due_within": 60}, once=True,
    )  # fmt: skip
    assert sentences.outcome(spec, State.SENT, NAMES) == (
        "create the call task in hubspot (the CRM) for the owner, once and never again: "
        "“Call ‹contact›”, due 1 business hour later, as long as it is sent"
    )


UNDONE = {
    State.DRAFT: ["follow-up", "disputed”"],
    State.SENT: ["disputed”"],
    State.VIEWED: ["disputed”"],
    State.SIGNED: ["follow-up", "disputed”"],
    State.DISPUTED: ["follow-up"],
    State.EXPIRED: ["follow-up", "disputed”"],
    # The task was closed when it was signed; from there these are reached.
    State.INVOICED: ["disputed”"],
    State.CLOSED_WON: [],
    State.CLOSED_LOST: ["follow-up", "disputed”"],
}


@pytest.mark.parametrize("state", State)
def test_what_other_contracts_asked_for_is_taken_back(state):
    taken_back = sentences.undone(state, LIVE)
    assert len(taken_back) == len(UNDONE[state])
    assert all(word in said for word, said in zip(UNDONE[state], taken_back, strict=True))


def test_the_follow_up_task_is_closed_when_the_proposal_is_signed():
    assert sentences.undone(State.SIGNED, LIVE) == [
        "close the follow-up task that follows when a proposal is sent",
        "close the ticket “Proposal disputed”",
    ]


def test_a_view_leaves_the_follow_up_task_open():
    assert sentences.kept(State.VIEWED, LIVE) == ["leave the follow-up task open"]
    assert sentences.kept(State.SIGNED, LIVE) == []


def test_without_anybody_in_the_part_the_sentence_says_so():
    spec = LIVE[0].outcomes[0]
    said = sentences.outcome(spec, State.SENT, Names({}))
    assert said.startswith(
        "create or update the deal in the CRM, which nothing plays yet, and again whenever its "
    )


def test_a_kind_nobody_has_words_for_is_said_plainly():
    spec = OutcomeSpec("kick-off", "meeting.plan-now", "calendar", frozenset({State.SIGNED}))
    said = sentences.outcome(spec, State.SIGNED, Names({"calendar": "calendly"}))
    assert said == "meeting plan now in calendly (calendar), as long as it is signed"


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_name_in_a_sentence(state):
    assert sentences.said(state) == state.value.replace("-", " ")
    assert sentences.either([state]) == sentences.said(state)


def test_states_are_joined_in_the_order_of_a_life():
    assert (
        sentences.either([State.INVOICED, State.SENT, State.SIGNED]) == "sent, signed or invoiced"
    )


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (960, "two working days"), (480, "one working day"), (480 * 12, "12 working days"),
        (240, "4 business hours"), (60, "1 business hour"), (90, "90 business minutes"),
        (540, "9 business hours"), (1, "1 business minute"),
    ],
)  # fmt: skip
def test_spans_of_working_time(minutes, words):
    assert sentences.working_time(minutes, minutes_a_day=480) == words


def test_a_working_day_is_as_long_as_the_calendar_says():
    lunch = [(day, time(8), time(12)) for day in range(5)] + [
        (day, time(13), time(16, 30)) for day in range(5)
    ]
    assert sentences.minutes_a_day(lunch) == 450
    assert sentences.minutes_a_day([(0, time(0), time.max)]) == 1440
    assert sentences.minutes_a_day([]) == 480


@pytest.mark.parametrize(
    ("tier", "words"),
    [
        (Tier.SECONDS, "60 seconds"), (Tier.MINUTES, "5 minutes"),
        (Tier.HOURS, "4 business hours"), (Tier.DAILY, "1 day"),
    ],
)  # fmt: skip
def test_tiers_in_words(tier, words):
    assert sentences.budget(tier) == words
