"""The test box: a real message, a proposal or a payload, and the way it takes. Writes nothing."""

import html
import json

import pytest
from django.apps import apps

from connectors.models import Message
from meshline.audit.models import TrailLine
from proposals import lifecycle
from proposals.models import Proposal, RoutingPool
from reconciliation import testing
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.proposals.routes import DEFAULT, LARGE, NAMED, draft, pool, publish, rule
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db

BOX = "/operating-model/routing/test/"
IS_LARGE = {"grand_total": {"amount": "64000.00", "currency": "EUR"}}


@pytest.fixture
def olivia_there(staff):
    return signed_in(staff["olivia"])


def told(state="sent", **more):
    assert post_pandadoc([document(state, **more)], event_id=str(more)).status_code == 202
    digest_all()
    return Proposal.objects.get()


def paste(client, payload, connection="pandadoc", **headers):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return client.post(BOX, {"connection": connection, "payload": text}, headers=headers)


# --- What is put into it --------------------------------------------------------------------------
def test_only_messages_that_told_of_a_proposal_are_offered(pandadoc, olivia_there):
    told()
    Message.objects.update(type="of-ours")
    post_pandadoc([{"event": "nothing_of_ours", "data": {"id": "d-1"}}], event_id="echo")
    digest_all()
    assert list(Message.objects.order_by("pk").values_list("status", flat=True)) == [
        "digested", "ignored",
    ]  # fmt: skip
    offered = olivia_there.get(BOX).context["recent"]
    assert [one.type for one in offered] == ["of-ours"]


def test_a_message_takes_its_way_under_the_draft_and_under_what_is_in_force(
    pandadoc, olivia, olivia_there
):
    told(**IS_LARGE)
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    page = words(olivia_there.get(f"{BOX}?message={Message.objects.get().pk}"))
    assert testing.AS_SEEN in page
    assert "The draft makes something else of it" in page
    assert "The draft SD Sam Dube “Large” gives it to Sam Dube. Rule 1, “Large”." in page
    assert "In force: version 1 RP Remy Park" in page
    assert "seen: 64,000.00" in page


def test_a_payload_is_read_as_the_connector_reads_it(pandadoc, olivia, olivia_there):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    page = words(paste(olivia_there, [document("sent", **IS_LARGE), document("sent", id="b")]))
    assert "Event 1 of the payload" in page
    assert "Event 2 of the payload" in page
    assert testing.NEW in page
    assert "Why not the rule before it" in page
    # One event, not in a list, does as well.
    assert testing.NEW in words(paste(olivia_there, document("sent")))


def test_what_is_known_of_its_proposal_already_counts_as_well(pandadoc, olivia, olivia_there):
    told(**IS_LARGE)
    later = document("viewed", owner="olivia@example.com", grand_total=None)
    page = words(paste(olivia_there, later))
    assert testing.ANEW in page
    # The amount was told before.
    assert "Amount 64,000.00" in page
    assert "Owner named by the source olivia@example.com" in page
    assert testing.STAYS in words(paste(olivia_there, document("viewed", **IS_LARGE)))


def test_a_proposal_goes_by_what_was_known_when_it_was_decided(pandadoc, olivia, olivia_there):
    proposal = told(**IS_LARGE)
    page = words(olivia_there.get(f"{BOX}?proposal={proposal.pk}"))
    assert testing.AS_SEEN in page
    assert "Website relaunch" in page


def test_what_a_person_decided_is_not_asked_of_the_rules(pandadoc, rosa, staff, olivia_there):
    proposal = told()
    lifecycle.assign(
        proposal_id=proposal.pk, owner=staff["sam"], version=proposal.version, reason="Knows them",
        by=rosa, at=MONDAY,
    )  # fmt: skip
    assert testing.PINNED in words(paste(olivia_there, document("viewed")))


def test_a_message_that_is_not_read_yet_is_read_for_the_test(pandadoc, olivia_there):
    post_pandadoc([document("sent")])
    page = words(olivia_there.get(f"{BOX}?message={Message.objects.get().pk}"))
    assert testing.NEW in page
    assert Message.objects.get().status == "accepted"


def test_an_event_of_another_system_is_placed_by_the_crosswalk(pandadoc, olivia_there):
    factories.stripe()
    event = {"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}
    assert paste(olivia_there, event, "stripe").status_code == 422


# --- What cannot be tested ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("{", "cannot be put to the rules"),
        ("[]", "It holds no event."),
        ("null", "cannot be put"),
        ('"\\ud800"', "cannot be put"),
        ('{"event": "document_state_changed"}', "data is missing"),
        ('{"event": "made_up"}', "tells nothing of a proposal's state"),
        ('{"a": 1, "a": 2}', "cannot be put"),
        ("[" * 5000, "cannot be put"),
        ("x" * 100_000, "cannot be put"),
        ("", "This field is required."),
        ("a\0b", "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_read_says_why_and_stays_typed(pandadoc, olivia_there, payload, says):
    answer = paste(olivia_there, payload)
    assert answer.status_code == 422
    assert says in words(answer)
    if payload and "\0" not in payload:
        assert html.escape(payload)[:50] in answer.content.decode()


@pytest.mark.parametrize("query", ["message=0", f"message={10**30}", "message=x", "proposal=7"])
def test_what_is_not_there_is_not_found(olivia_there, query):
    assert olivia_there.get(f"{BOX}?{query}").status_code == 404


def test_only_connections_that_send_are_offered(pandadoc, olivia_there):
    factories.connected("slack")
    page = olivia_there.get(BOX).content.decode()
    assert 'value="pandadoc"' in page
    assert 'value="slack"' not in page
    assert paste(olivia_there, document("sent"), "slack").status_code == 422
    for nothing in ("nothing", "a\0b", "1" * 30):
        assert paste(olivia_there, document("sent"), nothing).status_code == 422


def test_with_nothing_there_it_says_so(olivia_there):
    assert "No message yet" in words(olivia_there.get(BOX))


# --- Nothing is written -----------------------------------------------------------------------
def test_nothing_is_written_and_no_turn_is_taken(pandadoc, rosa, olivia_there):
    publish(rule("large", LARGE, pool("sam@example.com", "remy@example.com")), DEFAULT, by=rosa)
    told(**IS_LARGE)
    draft(rule("all", {"cel": "amount > 1.0"}, pool("sam@example.com")), DEFAULT, by=rosa)
    olivia_there.get(BOX)

    def everything():
        models = [model for model in apps.get_models() if model._meta.managed]
        counts = {model.__name__: model.objects.count() for model in models}
        return counts, list(RoutingPool.objects.values_list("turns")), TrailLine.objects.count()

    before = everything()
    for n in range(3):
        paste(olivia_there, document("sent", id=f"new-{n}", **IS_LARGE))
    olivia_there.get(f"{BOX}?message={Message.objects.get().pk}")
    olivia_there.get(f"{BOX}?proposal={Proposal.objects.get().pk}")
    assert everything() == before
