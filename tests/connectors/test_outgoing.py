"""Chat and outgoing webhooks, against stand-ins that keep count; and what nobody can tell."""

import pytest
from standardwebhooks.webhooks import Webhook

from connectors import retrying
from connectors.answers import Caller
from connectors.models import DeliveryAttempt
from connectors.slack.client import Client
from exceptions import troubles
from exceptions.models import Ticket
from meshline import instant
from meshline.shell import sandbox_control
from proposals import outbox
from proposals.models import Outcome
from tests import factories
from tests.connectors.crm import carry, carry_on, outcome, say, soon
from tests.factories import WHSEC

pytestmark = pytest.mark.django_db
TOKEN = "xoxb-of-the-tests"


@pytest.fixture
def chat(crm, settings):
    """The stand-in chat, connected, with our bot in #deals."""
    channel = {"id": "C0DEALS", "name": "deals", "is_member": True}
    sandbox_control.configure(slack={"token": TOKEN, "channels": [channel]})
    factories.connected(
        "slack", base_url=f"{settings.SANDBOX_URL}/slack", credential=TOKEN,
        options={"channel": "#deals"},
    )  # fmt: skip


@pytest.fixture
def listener(crm, settings):
    """Somebody who listens to what we send."""
    sandbox_control.configure(listener={"secret": WHSEC})
    factories.connected(
        "outgoing-webhook", base_url=f"{settings.SANDBOX_URL}/listener/partners", credential=WHSEC
    )


def signed():
    say("sent")
    say("completed", minute=5)


def posted():
    return sandbox_control.messages(most=100)


# --- Chat ---------------------------------------------------------------------------------------
def test_a_signed_proposal_is_said_in_the_chat_once_and_proven(chat):
    signed()
    carry_on()
    (message,) = posted()
    assert message["text"].startswith("Nina Brook signed Website relaunch over 1,234.50 EUR.")
    assert outcome("message").state == "proven"
    attempt = DeliveryAttempt.objects.get(outcome=outcome("message"))
    assert "Read back: the message is at http" in attempt.result


@pytest.mark.parametrize("kind", ["commit_then_reset", "reset_before"])
def test_when_nobody_knows_whether_it_was_posted_a_person_decides(chat, kind):
    signed()
    sandbox_control.break_it("slack", [{"kind": kind, "match": {"path": "postMessage"}}])
    carry_on()
    assert (outcome("message").state, outcome("message").attempts) == ("given_up", 1)
    ticket = Ticket.objects.unresolved().get()
    assert ticket.kind == "delivery-failed"
    assert "knows no repeats" in ticket.remedies[0]["explains"]
    assert len(posted()) == (1 if kind == "commit_then_reset" else 0)


def test_what_died_on_the_way_to_the_chat_is_not_posted_again_by_itself(chat):
    signed()
    message = outcome("message")
    claimed = outbox.claim(["slack"], lease_seconds=60)
    assert claimed.pk == message.pk
    # Whoever carried it is gone: the lease lapses.
    Outcome.objects.filter(pk=message.pk).update(lease_until=instant.now())
    carry()
    message.refresh_from_db()
    assert (message.state, posted()) == ("given_up", [])
    assert "nobody can tell whether it was done" in Ticket.objects.unresolved().get().reason


def test_our_own_mistake_after_a_post_posts_nothing_again(chat, monkeypatch):
    signed()
    settle = troubles.settle
    monkeypatch.setattr(troubles, "settle", lambda **_: 1 / 0)
    carry()
    assert (outcome("message").state, len(posted())) == ("delivered", 1)
    monkeypatch.setattr(troubles, "settle", settle)
    carry_on()
    assert (outcome("message").state, len(posted())) == ("proven", 1)
    assert not Ticket.objects.unresolved().exists()


def test_our_own_mistake_over_the_answer_to_a_post_is_put_before_a_person(chat, monkeypatch):
    signed()
    call = Caller.json
    monkeypatch.setattr(Caller, "json", lambda *_: 1 / 0)
    carry()
    assert (outcome("message").state, len(posted())) == ("given_up", 1)
    monkeypatch.setattr(Caller, "json", call)
    carry_on()
    assert (outcome("message").state, len(posted())) == ("given_up", 1)
    tickets = Ticket.objects.unresolved().filter(all_occurrences__subject=outcome("message").ref)
    assert "knows no repeats" in tickets.get().remedies[0]["explains"]


def test_our_own_mistake_before_anything_was_posted_is_tried_again(chat, monkeypatch):
    signed()
    post = Client.post
    monkeypatch.setattr(Client, "post", lambda *_, **__: 1 / 0)
    carry()
    assert (outcome("message").state, outcome("message").failure) == ("due", "crashed")
    monkeypatch.setattr(Client, "post", post)
    carry_on()
    assert (outcome("message").state, len(posted())) == ("proven", 1)


@pytest.mark.parametrize("times", [1, 3])
def test_a_posted_message_that_cannot_be_read_back_for_a_while_is_not_posted_again(chat, times):
    signed()
    fault = {"kind": "status", "code": 503, "match": {"path": "getPermalink"}, "times": times}
    sandbox_control.break_it("slack", [fault])
    carry_on()
    assert (outcome("message").state, len(posted())) == ("proven", 1)
    assert not Ticket.objects.unresolved().exists()


def test_who_retries_what_was_posted_has_it_read_back_not_said_again(chat, rosa):
    signed()
    fault = {"kind": "status", "code": 400, "match": {"path": "getPermalink"}}
    sandbox_control.break_it("slack", [fault])
    carry_on()
    assert outcome("message").state == "given_up"
    sandbox_control.break_it("slack", [])
    retrying.retry_ticket(Ticket.objects.unresolved().get(), by=rosa, at=instant.now())
    carry_on()
    assert (outcome("message").state, len(posted())) == ("proven", 1)


def test_a_chat_that_throttles_is_waited_for(chat):
    signed()
    fault = {"kind": "status", "code": 429, "retry_after": 1, "times": 1}
    sandbox_control.break_it("slack", [fault])
    carry_on()
    assert (outcome("message").state, len(posted())) == ("proven", 1)


# --- Outgoing webhooks ---------------------------------------------------------------------------
def heard():
    return sandbox_control.ask("GET", "/listener/partners")["results"]


def test_whoever_listens_is_told_once_and_the_standards_own_library_verifies_it(listener):
    signed()
    carry_on()
    (message,) = heard()
    (call,) = DeliveryAttempt.objects.get(outcome=outcome("webhook")).calls
    told = Webhook(WHSEC).verify(call["body"], call["headers"])
    assert told == message["payload"]
    assert (told["type"], told["data"]["id"]) == ("proposal.signed", "doc-1")
    assert (told["data"]["amount"], message["times"]) == ("1234.50", 1)
    assert outcome("webhook").state == "proven"


def test_a_repeat_carries_the_same_id_and_the_same_bytes(listener):
    signed()
    sandbox_control.break_it("listener", [{"kind": "commit_then_reset", "times": 1}])
    carry_on(name="webhook")
    (message,) = heard()
    assert (message["times"], message["others"]) == (2, 0)
    assert outcome("webhook").state == "proven"


def test_410_means_that_no_more_is_wanted(listener):
    signed()
    sandbox_control.break_it("listener", [{"kind": "status", "code": 410}])
    carry()
    soon()
    assert outcome("webhook").state == "given_up"
    assert "410" in Ticket.objects.unresolved().get().reason
