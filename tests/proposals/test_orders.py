"""Whatever order a proposal's events come in: the same state, the same open work, nothing twice."""

from datetime import timedelta
from itertools import permutations

import pytest

from connectors.models import Message
from exceptions.models import Ticket
from proposals.models import Outcome, Proposal
from tests.factories import MONDAY, digest_all, document, post_pandadoc

LIFE = ["draft", "sent", "viewed", "declined", "sent", "completed"]


def live(order, *, doc="doc-1", digest_between=True):
    """Send the life's events in this order, each twice, digesting after each."""
    for place in order:
        event = document(LIFE[place], id=doc, at=MONDAY + timedelta(minutes=place))
        for _ in range(2):
            answer = post_pandadoc([event], event_id=f"{doc}-{place}")
            assert answer.status_code in (200, 202)
        if digest_between:
            digest_all()
    digest_all()


def ending(doc="doc-1"):
    proposal = Proposal.objects.get(external_id=doc)
    open_work = sorted(
        (o.contract.slug, o.name, o.params.get("due_at"), o.params.get("state"))
        for o in Outcome.objects.open().of(proposal).select_related("contract")
    )
    tickets = list(Ticket.objects.unresolved().values_list("kind", flat=True))
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
    live(range(6), doc="reference")
    expected = ending("reference")
    assert expected["state"] == "signed"
    orders = [order for order in permutations(range(6)) if order[0] == first]
    for number, order in enumerate(orders):
        live(order, doc=f"doc-{first}-{number}")
        assert ending(f"doc-{first}-{number}") == expected, order
