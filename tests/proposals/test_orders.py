"""Whatever order a proposal's events come in: the same state, the same open work, nothing twice."""

from datetime import timedelta
from itertools import permutations

import pytest

from connectors.models import Message
from exceptions.models import Ticket
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy import sources_of_truth
from meshline.policy.truth import How
from proposals import intake
from proposals.models import FollowUp, Outcome, Proposal
from proposals.signals import Incoming
from tests.factories import MONDAY, digest_all, document, post_pandadoc, post_standard, standard

LIFE = ["draft", "sent", "viewed", "declined", "sent", "completed"]


def send(doc, place):
    """The life's event at this place, for this document, twice over."""
    event = document(LIFE[place], id=doc, at=MONDAY + timedelta(minutes=place))
    answers = [post_pandadoc([event], event_id=f"{doc}-{place}").status_code for _ in range(2)]
    assert answers == [202, 200]


def live(orders):
    """Many lives side by side, each in its own order: one event of each, then all are digested."""
    for step in range(len(LIFE)):
        for doc, order in orders.items():
            send(doc, order[step])
        digest_all()


def ending(doc):
    proposal = Proposal.objects.get(external_id=doc)
    open_work = sorted(
        (o.contract.slug, o.name, o.params.get("due_at"), o.params.get("state"))
        for o in Outcome.objects.open().of(proposal).select_related("contract")
    )
    tickets = list(Ticket.objects.unresolved().about("proposal", proposal.pk).values_list("kind"))
    assert proposal.version == proposal.transitions.count()
    return {
        "state": proposal.state,
        "since": proposal.since,
        "owner": proposal.owner.email,
        "amount": proposal.amount_words,
        "follow-up": proposal.next_follow_up_at,
        "follow-ups": sorted(
            FollowUp.objects.open()
            .of(proposal)
            .values_list("kind", "contract__slug", "due_at", "since", "owner__email")
        ),
        "work": open_work,
        "tickets": tickets,
    }


@pytest.mark.django_db
def test_a_sent_proposal_has_its_work(pandadoc):
    answer = post_pandadoc([document("sent")])
    assert answer.status_code == 202, answer.content
    digest_all()
    assert Message.objects.get().status == "digested"
    names = set(Outcome.objects.open().values_list("name", flat=True))
    assert names == {"deal", "follow-up", "tell-owner"}


@pytest.mark.django_db
@pytest.mark.parametrize("first", [*(pytest.param(n, marks=pytest.mark.long) for n in range(5)), 5])
def test_every_order_ends_the_same(pandadoc, first):
    natural = tuple(range(len(LIFE)))
    orders = {"".join(map(str, order)): order for order in permutations(natural)}
    mine = {doc: order for doc, order in orders.items() if order[0] == first}
    live({"natural": natural, **mine})
    expected = ending("natural")
    assert expected["state"] == "signed"
    assert expected["work"]
    assert [kind for kind, *_ in expected["follow-ups"]] == ["onboarding"]
    assert {doc: ending(doc) for doc in mine} == dict.fromkeys(mine, expected)


@pytest.mark.django_db
def test_a_life_that_comes_all_at_once_ends_the_same(pandadoc):
    natural = tuple(range(len(LIFE)))
    live({"natural": natural})
    for place in reversed(natural):
        send("at-once", place)
    digest_all()
    assert ending("at-once") == ending("natural")


# --- Two systems tell of one field ---------------------------------------------------------------
# Who tells which amount, one minute after the other. The third says what it said before.
TOLD = [
    ("pandadoc", "sent", "100.00"),
    ("generic", "", "120.00"),
    ("pandadoc", "viewed", "100.00"),
    ("generic", "", "130.00"),
    ("pandadoc", "completed", "100.00"),
]
# What counts in the end where the generic sender is the authority, and where a person is asked.
COUNTS = {How.ALWAYS: "130.00 EUR", How.ASK: "100.00 EUR"}


def tell_amount(doc, place):
    """The word at this place, twice over."""
    source, state, amount = TOLD[place]
    at, key = MONDAY + timedelta(minutes=place), f"{doc}-{place}"
    if source == "pandadoc":
        total = {"amount": amount, "currency": "EUR"}
        event = document(state, id=doc, at=at, grand_total=total)
        answers = [post_pandadoc([event], event_id=key).status_code for _ in range(2)]
    else:
        body = {
            "type": "proposal.updated", "timestamp": at.isoformat(),
            "data": {"id": doc, "source": "pandadoc",
                     "amount": {"amount": amount, "currency": "EUR"}},
        }  # fmt: skip
        answers = [post_standard(body, id=key).status_code for _ in range(2)]
    assert answers == [202, 200]


@pytest.mark.django_db
@pytest.mark.parametrize("how", COUNTS)
def test_every_order_of_two_who_tell_one_field_ends_the_same(pandadoc, how):
    standard()
    sources_of_truth.agree(
        record_kind="proposal", field="amount", how=how,
        connection="generic" if how.has_authority else "", by=SETUP, at=MONDAY,
    )  # fmt: skip
    orders = {"".join(map(str, order)): order for order in permutations(range(len(TOLD)))}
    for step in range(len(TOLD)):
        for doc, order in orders.items():
            tell_amount(doc, order[step])
        digest_all()
    expected = ending("01234")
    assert (expected["state"], expected["amount"]) == ("signed", COUNTS[how])
    assert expected["tickets"] == ([("field-conflict",)] if how is How.ASK else [])
    assert {doc: ending(doc) for doc in orders} == dict.fromkeys(orders, expected)


# --- People follow up in the CRM meanwhile -------------------------------------------------------
# What comes after the sending: by the quoting tool, or read back from the CRM.
MEANWHILE = {
    "viewed": 60, "touch.call": 120, "task.completed": 180, "touch.note": 240, "completed": 300,
}  # fmt: skip


def heard(doc, what):
    at = MONDAY + timedelta(minutes=MEANWHILE[what])
    if what in ("viewed", "completed"):
        post_pandadoc([document(what, id=doc, at=at)], event_id=f"{doc}-{what}")
        return None
    piece = "task:512" if what == "task.completed" else f"{what}:9"
    return Incoming(
        origin=f"read:{doc}:{what}", kind=what, source="hubspot", record_source="pandadoc",
        external_id=doc, occurred_at=at, received_at=at, by=SETUP, piece=piece,
    )  # fmt: skip


def what_became(doc):
    proposal = Proposal.objects.get(external_id=doc)
    lines = TrailLine.objects.filter(record=proposal.record, what="follow-up.completed")
    return {
        "follow-ups": sorted(
            FollowUp.objects.of(proposal).values_list(
                "kind", "state", "how", "due_at", "first_touch_at", "first_touch"
            )
        ),
        "ended": FollowUp.objects.of(proposal).get(kind="follow-up").ended_at,
        "completed": [line.after for line in lines],
    }


@pytest.mark.django_db
def test_every_order_in_which_people_are_heard_of_ends_the_same(pandadoc):
    orders = {"".join(name[0] + name[-1] for name in order): order
              for order in permutations(MEANWHILE)}  # fmt: skip
    for doc in orders:
        post_pandadoc([document("sent", id=doc)], event_id=doc)
    digest_all()
    Outcome.objects.filter(name="follow-up").update(
        state="proven", external_id="512", proven_at=MONDAY, delivered_at=MONDAY
    )
    for step in range(len(MEANWHILE)):
        read = [heard(doc, order[step]) for doc, order in orders.items()]
        intake.receive_all([one for one in read if one], at=MONDAY)
        digest_all()
    expected = what_became(next(iter(orders)))
    follow_up, onboarding = expected["follow-ups"]
    assert follow_up[:3] == ("follow-up", "completed", "crm")
    assert follow_up[4:] == (MONDAY + timedelta(hours=2), "call")
    assert onboarding[:2] == ("onboarding", "open")
    assert expected["ended"] == MONDAY + timedelta(hours=3)
    assert len(expected["completed"]) == 1
    assert {doc: what_became(doc) for doc in orders} == dict.fromkeys(orders, expected)


@pytest.mark.django_db
def test_what_ended_it_is_said_and_not_how_the_proposal_stands_at_the_end(pandadoc):
    """Both came in one batch: sent anew, and disputed once more."""
    post_pandadoc([document("declined")])
    digest_all()
    later = [document(name, at=MONDAY + timedelta(minutes=at)) for at, name in
             enumerate(("sent", "declined"), start=1)]  # fmt: skip
    post_pandadoc(later, event_id="later")
    digest_all()
    first, second = Ticket.objects.filter(kind="dispute").order_by("pk")
    assert (first.is_unresolved, second.is_unresolved) == (False, True)
    dropped = Outcome.objects.get(external_id=str(first.pk))
    assert dropped.unwanted_why == "The proposal was sent meanwhile, and is disputed now."
