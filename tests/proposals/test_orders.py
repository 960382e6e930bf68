"""Whatever order a proposal's events come in: the same state, the same open work, nothing twice."""

from datetime import timedelta
from itertools import permutations

import pytest

from connectors.models import Message
from exceptions.models import Ticket
from proposals.models import Outcome, Proposal
from tests.factories import MONDAY, digest_all, document, post_pandadoc

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
@pytest.mark.parametrize("first", range(6))
def test_every_order_ends_the_same(pandadoc, first):
    natural = tuple(range(len(LIFE)))
    orders = {"".join(map(str, order)): order for order in permutations(natural)}
    mine = {doc: order for doc, order in orders.items() if order[0] == first}
    live({"natural": natural, **mine})
    expected = ending("natural")
    assert expected["state"] == "signed"
    assert expected["work"]
    assert {doc: ending(doc) for doc in mine} == dict.fromkeys(mine, expected)


@pytest.mark.django_db
def test_a_life_that_comes_all_at_once_ends_the_same(pandadoc):
    natural = tuple(range(len(LIFE)))
    live({"natural": natural})
    for place in reversed(natural):
        send("at-once", place)
    digest_all()
    assert ending("at-once") == ending("natural")
