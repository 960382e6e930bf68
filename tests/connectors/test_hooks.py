"""`POST /hooks/<connection>/`: every row of the answers, for both senders that sign."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from connectors import connections, inbox
from connectors.base import Post, Refused
from connectors.models import Connection, Message, Receipt, RejectedReceipt
from connectors.standardwebhooks import receive as standardwebhooks
from exceptions.models import Ticket
from meshline import instant, prepared
from meshline.audit.actors import SETUP
from proposals.models import Signal
from tests import factories
from tests.factories import MONDAY, SHARED_KEY, WHSEC, digest_all, document, signature

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Sender:
    """A system that posts: how it connects, what one event looks like, how it signs."""

    slug: str
    connect: Callable[[], Connection]
    event: Callable[..., bytes]
    post: Callable[..., Any]

    def __str__(self) -> str:
        return self.slug


def panda_event(doc="doc-1", title="Website relaunch", state="sent"):
    return json.dumps([document(state, id=doc, name=title)]).encode()


def standard_event(doc="doc-1", title="Website relaunch", state="sent"):
    told = {"type": f"proposal.{state}", "timestamp": "2026-03-02T09:30:00Z",
            "data": {"id": doc, "title": title}}  # fmt: skip
    return json.dumps(told).encode()


def post_panda(body, *, id="evt-1", **more):
    return factories.post_pandadoc(body, event_id=id, **more)


PANDADOC = Sender("pandadoc", factories.pandadoc, panda_event, post_panda)
STANDARD = Sender("generic", factories.standard, standard_event, factories.post_standard)


@pytest.fixture(params=[PANDADOC, STANDARD], ids=str)
def sender(request, staff):
    request.param.connect()
    return request.param


def status_of(answer):
    return answer.status_code, answer.json()["status"]


def enter(slug, secret):
    connections.enter_secret(
        slug=slug, purpose="signing", secret=secret, by=SETUP, at=instant.now()
    )


def pause(slug, status="paused"):
    connections.set_status(slug=slug, status=status, reason="Test", by=SETUP, at=instant.now())


# --- Stored --------------------------------------------------------------------------------------
def test_a_stored_event_is_answered_202_with_its_message(sender):
    answer = sender.post(sender.event())
    assert answer.status_code == 202
    assert answer.json() == {"message": str(Message.objects.get().pk), "status": "accepted"}
    assert answer.headers["Content-Type"] == "application/json"


def test_the_bytes_are_kept_as_they_came_with_headers_and_verdict(sender):
    raw = sender.event().replace(b'{"', b'{ \r\n\t"')
    sender.post(raw)
    receipt = Receipt.objects.get()
    assert bytes(receipt.body) == raw
    assert receipt.verdict == "Signed with secret 1 of 1."
    assert receipt.headers["content-type"] == "application/json"
    assert receipt.sender == "127.0.0.1"
    assert bytes(Message.objects.get().payload) in raw


def test_the_second_of_two_events_is_stored_beside_the_first(sender):
    first, second = sender.post(sender.event("a"), id="1"), sender.post(sender.event("b"), id="2")
    assert [status_of(one) for one in (first, second)] == [(202, "accepted")] * 2
    assert first.json()["message"] != second.json()["message"]


def test_what_proves_somebody_is_not_kept(sender):
    sender.post(sender.event(), Authorization="Bearer 1234", Cookie="a=b")
    assert not {"authorization", "cookie"} & set(Receipt.objects.get().headers)
    assert signature(sender.event()) not in json.dumps(Receipt.objects.get().headers)


# --- The same again ------------------------------------------------------------------------------
def test_the_same_key_with_the_same_body_is_a_duplicate(sender):
    first = sender.post(sender.event())
    again = sender.post(sender.event())
    assert again.status_code == 200
    assert again.json() == {"message": first.json()["message"], "status": "duplicate"}
    message = Message.objects.get()
    assert message.duplicates == 1
    assert message.last_duplicate_at is not None
    assert Receipt.objects.count() == 1


def test_a_retry_after_it_was_digested_is_a_duplicate_and_changes_nothing(sender):
    sender.post(sender.event())
    digest_all()
    before = Message.objects.values("status", "signal_id", "attempts").get()
    assert status_of(sender.post(sender.event())) == (200, "duplicate")
    assert digest_all() == 0
    assert Message.objects.values("status", "signal_id", "attempts").get() == before


def test_a_retry_signed_anew_minutes_later_is_a_duplicate(staff):
    factories.standard()
    now = int(instant.now().timestamp())
    first = factories.post_standard(standard_event(), stamp=now - 200)
    again = factories.post_standard(standard_event(), stamp=now)
    assert [first.status_code, again.status_code] == [202, 200]


def test_the_same_key_from_two_connections_is_two_events(staff):
    factories.pandadoc()
    factories.pandadoc("other")
    answers = [factories.post_pandadoc(panda_event(), slug=slug) for slug in ("pandadoc", "other")]
    assert [one.status_code for one in answers] == [202, 202]
    assert Message.objects.count() == 2


# --- The same key, another body ------------------------------------------------------------------
def test_the_bytes_that_came_under_a_key_that_was_taken_are_kept_to_the_last(sender):
    """Also where they are long and cannot be read; sent again, they are kept once."""
    sender.post(sender.event(title="First"))
    other = sender.event(title="Second " + "x" * 20_000)
    answers = [sender.post(other).json()["status"] for _ in range(2)]
    assert answers == ["conflict", "conflict"]
    kept = Message.objects.get(key__startswith="conflict:")
    assert b"x" * 20_000 in bytes(kept.payload)
    assert (kept.status, kept.receipt_id) != ("accepted", None)
    assert "with other content" in kept.why
    assert bytes(kept.payload) in bytes(Receipt.objects.get(pk=kept.receipt_id).body)
    ticket = Ticket.objects.get(kind="message-conflict")
    assert ticket.evidence["second page"] == f"/messages/{kept.pk}/"
    factories.digest_all()
    kept.refresh_from_db()
    assert kept.status == "ignored"


def test_the_same_key_with_another_body_is_422_and_a_ticket_with_both(sender):
    first = sender.post(sender.event(title="First"))
    other = sender.post(sender.event(title="Second"))
    assert other.status_code == 422
    assert other.json() == {
        "message": first.json()["message"],
        "status": "conflict",
        "error": "This key came before with other content; the first one counts.",
        "field": None,
    }
    ticket = Ticket.objects.get(kind="message-conflict")
    assert '"First"' in ticket.evidence["first"]
    assert '"Second"' in ticket.evidence["second"]
    assert ticket.owner


def test_the_first_content_stays_as_it_was_and_counts(sender):
    sender.post(sender.event(title="First"))
    before = Message.objects.values().get()
    sender.post(sender.event(title="Second"))
    first = Message.objects.filter(key=before["key"])
    assert first.values().get() == before
    digest_all()
    assert first.get().status == "digested"
    assert Signal.objects.count() == 1
    assert status_of(sender.post(sender.event(title="First"))) == (200, "duplicate")


def test_the_same_conflict_again_hangs_on_the_same_ticket(sender):
    sender.post(sender.event(title="First"))
    for title in ("Second", "Second", "Third"):
        assert sender.post(sender.event(title=title)).status_code == 422
    ticket = Ticket.objects.get(kind="message-conflict")
    assert ticket.occurrences == 2
    kept = [one.evidence["second"] for one in ticket.all_occurrences.order_by("pk")]
    assert [word in one for word, one in zip(["Second", "Third"], kept, strict=True)] == [True] * 2


# --- Batches -------------------------------------------------------------------------------------
@pytest.fixture
def panda(pandadoc):
    return pandadoc


def batch(*events):
    return b"[" + b",".join(events) + b"]"


def element(doc="doc-1", **changes):
    return json.dumps(document(id=doc, **changes)).encode()


def test_a_batch_is_one_message_an_event_in_the_order_sent(panda):
    answer = post_panda(batch(element("a"), element("b"), element("c")))
    assert answer.status_code == 202
    said = answer.json()["messages"]
    assert [one["status"] for one in said] == ["accepted"] * 3
    kept = Message.objects.in_bulk([int(one["message"]) for one in said])
    ids = [json.loads(bytes(kept[int(one["message"])].payload))["data"]["id"] for one in said]
    assert ids == ["a", "b", "c"]
    assert Receipt.objects.count() == 1


def test_a_whole_batch_again_is_200(panda):
    raw = batch(element("a"), element("b"))
    first, again = post_panda(raw), post_panda(raw)
    assert again.status_code == 200
    assert [one["status"] for one in again.json()["messages"]] == ["duplicate", "duplicate"]
    ids = [[one["message"] for one in answer.json()["messages"]] for answer in (first, again)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    "poison", [b'{"event": }', b"\xff", b"nonsense", b'{"a": NaN}', b"", b"17", b"null", b"[]"]
)
def test_a_poisonous_element_harms_only_itself(panda, poison):
    answer = post_panda(batch(element("a"), poison, element("b")))
    assert answer.status_code == 202
    assert [one["status"] for one in answer.json()["messages"]] == ["accepted"] * 3
    digest_all()
    states = Message.objects.order_by("position").values_list("status", flat=True)
    assert list(states) == ["digested", "quarantined", "digested"]
    assert bytes(Message.objects.get(position=1).payload) == poison
    assert Ticket.objects.filter(kind="message-unreadable").count() == 1


def test_in_a_batch_only_the_changed_element_is_a_conflict(panda):
    post_panda(batch(element("a"), element("b")))
    answer = post_panda(batch(element("a"), element("b", name="Other"), element("c")))
    assert answer.status_code == 202
    said = [one["status"] for one in answer.json()["messages"]]
    assert said == ["duplicate", "conflict", "accepted"]
    assert Ticket.objects.get(kind="message-conflict")


def test_an_event_we_do_not_translate_is_ignored_beside_one_that_we_do(panda):
    strange = json.dumps({"event": "quote_updated", "data": {"id": "q"}}).encode()
    answer = post_panda(batch(strange, element()))
    assert [one["status"] for one in answer.json()["messages"]] == ["ignored", "accepted"]


def test_an_event_that_comes_alone_and_not_in_an_array_is_taken(panda):
    assert status_of(post_panda(element())) == (202, "accepted")
    digest_all()
    assert Message.objects.get().status == "digested"


# --- Unknown and unreadable ----------------------------------------------------------------------
def test_an_unknown_event_type_is_kept_and_ignored(sender):
    raw = {
        "pandadoc": b'[{"event": "template_created", "data": {}}]',
        "generic": b'{"type": "lead.created", "timestamp": "x", "data": {}}',
    }[sender.slug]
    assert status_of(sender.post(raw)) == (202, "ignored")
    assert digest_all() == 0
    message = Message.objects.get()
    assert message.status == "ignored"
    assert message.type in ("template_created", "lead.created")
    assert Ticket.objects.count() == 0


UNREADABLE = {
    "not UTF-8": b'{"type": "proposal.sent", "a": "\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"type": "proposal.sent"}',
    "UTF-16": '{"type": "proposal.sent"}'.encode("utf-16"),
    "NaN": b'{"type": "proposal.sent", "a": NaN}',
    "Infinity": b'{"type": "proposal.sent", "a": -Infinity}',
    "doubled keys": b'{"type": "proposal.sent", "type": "proposal.viewed"}',
    "65 levels": b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}",
    "10,001 values": b'{"a": [' + b"0," * 9_999 + b"0]}",
    "an endless number": b'{"a": ' + b"9" * 100_000 + b"}",
    "an exponent beyond all": b'{"a": 1e99999999999999999999}',
    "a bomb of brackets": b"[" * 500_000,
    "a bomb of braces": b'{"a":' * 100_000,
    "an empty body": b"",
    "blanks": b" \n ",
    "a number": b"17",
    "a word": b"hello",
    "null": b"null",
    "text": b'"text"',
    "what never ends": b'{"type": "proposal.sent", "data": {',
    "a NUL byte": b'{"type": "proposal.sent", \x00}',
    "two values": b"{} {}",
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_signed_but_not_readable_is_kept_with_one_ticket(sender, raw):
    answer = sender.post(raw) if raw else post_empty(sender)
    assert answer.status_code == 202
    digest_all()
    message = Message.objects.get()
    assert message.status == "quarantined"
    assert bytes(message.receipt.body) == raw
    assert bytes(message.payload) == raw
    ticket = Ticket.objects.get(kind="message-unreadable")
    assert ticket.reason == message.why
    assert ticket.owner
    assert digest_all() == 0


def post_empty(sender):
    """The test client leaves Content-Length out of a request without a body."""
    if sender is STANDARD:
        stamp = str(int(instant.now().timestamp()))
        headers = {"webhook-id": "msg-1", "webhook-timestamp": stamp,
                   "webhook-signature": sign(b"", "msg-1", stamp)}  # fmt: skip
        address = "/hooks/generic/"
    else:
        headers = {"X-PandaDoc-Webhook-Event-Id": "evt-1"}
        address = f"/hooks/pandadoc/?signature={signature(b'')}"
    return Client().post(
        address, headers=headers, CONTENT_TYPE="application/json", CONTENT_LENGTH="0"
    )


def test_the_same_trouble_in_many_messages_is_one_ticket(sender):
    for number, raw in enumerate([b"{", b'{"type"', b"nonsense"]):
        sender.post(raw, id=f"evt-{number}")
    digest_all()
    assert Ticket.objects.get(kind="message-unreadable").occurrences == 3


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "a\\u0000b\\udfff"])
def test_characters_no_column_takes_do_not_stop_an_event(sender, text):
    raw = sender.event(title="TITLE").replace(b"TITLE", text.encode())
    assert status_of(sender.post(raw)) == (202, "accepted")
    digest_all()
    message = Message.objects.get()
    assert message.status == "digested"
    assert bytes(message.receipt.body) == raw


def test_an_event_without_an_id_is_kept_with_a_ticket_that_says_so(panda):
    raw = element()
    answer = Client().post(
        f"/hooks/pandadoc/?signature={signature(raw)}", raw, content_type="application/json"
    )
    assert status_of(answer) == (202, "accepted")
    digest_all()
    message = Message.objects.get()
    assert message.status == "quarantined"
    assert message.why == (
        "The header X-PandaDoc-Webhook-Event-Id is missing: the event has no id."
    )
    assert Ticket.objects.get(kind="message-unreadable").reason == message.why
    assert bytes(message.payload) == raw


def test_an_event_without_an_id_that_comes_again_is_a_duplicate(panda):
    raw = panda_event()
    address = f"/hooks/pandadoc/?signature={signature(raw)}"
    answers = [Client().post(address, raw, content_type="application/json") for _ in range(2)]
    assert [status_of(one) for one in answers] == [(202, "accepted"), (200, "duplicate")]


def test_an_array_without_an_event_is_kept_with_a_ticket(panda):
    assert post_panda(b"[ ]").status_code == 202
    digest_all()
    assert Message.objects.get().why == "It holds no event."


def test_a_flood_of_events_in_one_post_is_kept_as_one(panda):
    raw = batch(*[b"1"] * 200_000)
    assert status_of(post_panda(raw)) == (202, "accepted")
    digest_all()
    assert Message.objects.get().why == "It holds more than 1,000 events."


# --- Who sent it: PandaDoc -----------------------------------------------------------------------
def post_raw(raw, given, **headers):
    """A PandaDoc post under a signature of the test's own making."""
    address = "/hooks/pandadoc/" + (f"?signature={given}" if given is not None else "")
    headers = {"X-PandaDoc-Webhook-Event-Id": "evt-1", **headers}
    return Client().post(address, raw, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "The signature is missing; PandaDoc puts it into the address."),
        ("", "The signature is missing; PandaDoc puts it into the address."),
        ("0" * 64, "The signature fits none of the connection's secrets."),
        ("xyz", "The signature is not 64 hexadecimal digits."),
        ("0" * 63, "The signature is not 64 hexadecimal digits."),
        ("%D9%A1" * 64, "The signature is not 64 hexadecimal digits."),
        ("%FF%FE", "The signature is not 64 hexadecimal digits."),
        ("0" * 64 + "%0A", "The signature is not 64 hexadecimal digits."),
    ],
)
def test_a_pandadoc_post_without_a_right_signature_is_401_and_kept(panda, given, said):
    answer = post_raw(panda_event(), given)
    assert answer.status_code == 401
    assert answer.json() == {"error": said, "field": None}
    refused = RejectedReceipt.objects.get()
    assert (refused.status_code, refused.reason) == (401, said)
    assert bytes(refused.body) == panda_event()
    assert refused.sender == "127.0.0.1"
    assert Message.objects.count() == Receipt.objects.count() == 0


def test_a_signature_in_capital_letters_is_the_same_signature(panda):
    raw = panda_event()
    assert post_raw(raw, signature(raw).upper()).status_code == 202


def test_another_connections_secret_proves_nothing_here(panda):
    factories.pandadoc("other")
    enter("other", "the-other-connections-shared-key")
    answer = factories.post_pandadoc(panda_event(), secret="the-other-connections-shared-key")
    assert answer.status_code == 401
    assert RejectedReceipt.objects.get().connection.slug == "pandadoc"


def test_json_written_anew_is_not_what_was_signed(panda):
    raw = panda_event()
    anew = json.dumps(json.loads(raw), indent=1).encode()
    assert json.loads(anew) == json.loads(raw)
    assert post_raw(anew, signature(raw)).status_code == 401


def test_both_live_secrets_are_good_while_the_sender_changes_over(sender):
    fresh = "whsec_" + base64.b64encode(b"a-brand-new-secret-of-the-tests").decode()
    enter(sender.slug, fresh)
    old = WHSEC if sender is STANDARD else SHARED_KEY
    answers = [
        sender.post(sender.event(key), id=key, secret=secret)
        for key, secret in (("new", fresh), ("old", old))
    ]
    assert [one.status_code for one in answers] == [202, 202]
    verdicts = Receipt.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(verdicts) == ["Signed with secret 1 of 2.", "Signed with secret 2 of 2."]


def test_an_ended_secret_proves_nothing(sender):
    fresh = "whsec_" + base64.b64encode(b"a-brand-new-secret-of-the-tests").decode()
    enter(sender.slug, fresh)
    connections.end_older_secrets(slug=sender.slug, by=SETUP, at=instant.now())
    assert sender.post(sender.event()).status_code == 401
    assert sender.post(sender.event(), secret=fresh).status_code == 202


def test_the_older_secret_ends_by_itself_after_a_day(sender):
    yesterday = instant.now() - timedelta(days=1, seconds=1)
    Connection.objects.get(slug=sender.slug).secrets.update(created_at=yesterday)
    with instant.stopped(yesterday):
        enter(sender.slug, "whsec_" + base64.b64encode(b"entered-yesterday").decode())
    assert sender.post(sender.event()).status_code == 401


def test_of_three_secrets_the_oldest_is_over_at_once(sender):
    for text in (b"second", b"third"):
        enter(sender.slug, "whsec_" + base64.b64encode(text * 4).decode())
    assert sender.post(sender.event()).status_code == 401


def test_a_connection_without_a_secret_takes_nothing(staff):
    connection = factories.pandadoc()
    connection.secrets.all().delete()
    answer = factories.post_pandadoc(panda_event())
    assert answer.status_code == 401
    assert answer.json()["error"] == "PandaDoc has no signing secret yet."


def test_a_system_that_sends_no_signals_is_refused(staff):
    factories.hubspot()
    assert factories.post_pandadoc(panda_event(), slug="hubspot").status_code == 401


# --- Who sent it: Standard Webhooks --------------------------------------------------------------
def sign(raw, id="msg-1", stamp=None, secret=WHSEC):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{stamp}.".encode() + raw
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@pytest.fixture
def generic(staff):
    return factories.standard()


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_one_of_the_three_headers_it_is_401(generic, missing):
    answer = factories.post_standard(standard_event(), **{missing: ""})
    assert answer.status_code == 401
    assert "is missing" in answer.json()["error"]


@pytest.mark.parametrize(
    "stamp", ["١٧٧٢٣٥٧٤٠٠", "17723574e1", "-1772357400", "1772357400.0", "12345678901"]
)
def test_a_timestamp_is_ten_plain_digits_or_fewer(generic, stamp):
    answer = factories.post_standard(standard_event(), **{"webhook-timestamp": stamp})
    assert answer.status_code == 401
    assert answer.json()["error"] == "webhook-timestamp is not a number of seconds."
    assert RejectedReceipt.objects.count() == 1


def verdict_at(off, raw=b"{}"):
    """What is said of a post whose timestamp is `off` seconds from the moment it came."""
    stamp = str(int(MONDAY.timestamp()) + off)
    headers = {"webhook-id": "1", "webhook-timestamp": stamp,
               "webhook-signature": sign(raw, "1", stamp)}  # fmt: skip
    return standardwebhooks.verify(Post(raw, headers, {}, MONDAY), [WHSEC])


@pytest.mark.parametrize("off", [-300, -299, 0, 299, 300])
def test_five_minutes_either_way_are_allowed(off):
    assert verdict_at(off) == "Signed with secret 1 of 1."


@pytest.mark.parametrize(("off", "said"), [(-301, "301 s old"), (301, "301 s ahead")])
def test_a_second_more_is_too_much(off, said):
    with pytest.raises(Refused, match=said):
        verdict_at(off)


@pytest.mark.parametrize("off", [-360, 360, -1_000_000_000])
def test_a_stale_or_a_future_timestamp_is_401_although_the_signature_fits(generic, off):
    stamp = int(instant.now().timestamp()) + off
    answer = factories.post_standard(standard_event(), stamp=stamp)
    assert answer.status_code == 401
    assert "300 s are allowed" in answer.json()["error"]


@pytest.mark.parametrize(
    "wrap",
    [
        "v1,wrong {}", "{} v1,wrong", "v1a,{bare} {}", "v2,x {}", "v1 {}", ", {}", "v1,a,b,c {}",
        "  {}  ", "v1,,, {}", "v1,é {}", "garbage {}", "{} {}",
    ],
)  # fmt: skip
def test_any_right_v1_in_the_list_is_enough_whatever_stands_beside_it(generic, wrap):
    raw, stamp = standard_event(), int(instant.now().timestamp())
    right = sign(raw, stamp=stamp)
    given = wrap.format(*[right] * 2, bare=right[3:]).encode().decode("latin-1")
    answer = factories.post_standard(raw, stamp=stamp, **{"webhook-signature": given})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "wrap",
    ["v1a,{bare}", "v2,{bare}", "{bare}", "v1;{bare}", "v1,{bare},", "V1,{bare}", "v1,{bare}x"],
)
def test_without_a_right_v1_in_the_list_it_is_401(generic, wrap):
    raw, stamp = standard_event(), int(instant.now().timestamp())
    given = wrap.format(bare=sign(raw, stamp=stamp)[3:])
    answer = factories.post_standard(raw, stamp=stamp, **{"webhook-signature": given})
    assert answer.status_code == 401
    assert answer.json()["error"] == "No v1 signature fits one of the connection's secrets."


def test_the_id_is_signed_along(generic):
    raw, stamp = standard_event(), int(instant.now().timestamp())
    given = sign(raw, "another", stamp)
    assert (
        factories.post_standard(raw, stamp=stamp, **{"webhook-signature": given}).status_code == 401
    )


def test_headers_of_the_older_name_are_taken(generic):
    raw, stamp = standard_event(), str(int(instant.now().timestamp()))
    headers = {"svix-id": "m", "svix-timestamp": stamp, "svix-signature": sign(raw, "m", stamp)}
    answer = Client().post("/hooks/generic/", raw, content_type="application/json", headers=headers)
    assert status_of(answer) == (202, "accepted")
    assert Message.objects.get().key == "m"


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_aGVsbG8=", b"hello"),
        ("aGVsbG8=", b"hello"),
        ("not base64!", b"not base64!"),
        ("whsec_", b"whsec_"),
    ],
)
def test_a_secret_is_read_as_its_specification_says_and_is_never_empty(secret, key):
    assert standardwebhooks.key(secret) == key


def test_an_id_beyond_ascii_is_an_id_like_any_other(generic):
    raw, stamp = standard_event(), int(instant.now().timestamp())
    given = sign(raw, "Grüße-1", stamp)
    headers = {"webhook-id": "Grüße-1".encode().decode("latin-1"), "webhook-signature": given}
    assert factories.post_standard(raw, stamp=stamp, **headers).status_code == 202
    assert Message.objects.get().key == "Grüße-1"


def test_two_long_ids_that_begin_alike_are_two_events(generic):
    for end in "ab":
        assert factories.post_standard(standard_event(), id="x" * 400 + end).status_code == 202
    assert Message.objects.count() == 2


# --- Not to be let in ----------------------------------------------------------------------------
def test_an_unknown_connection_is_404(db):
    answer = factories.post_pandadoc(panda_event(), slug="nobody")
    assert answer.status_code == 404
    assert answer.json()["error"] == "There is no connection nobody."


@pytest.mark.parametrize("address", ["/hooks/", "/hooks/a/b/", "/hooks/pandadoc", "/hooks/%ff/"])
def test_an_address_that_is_none_is_404(panda, address):
    assert Client().post(address).status_code == 404


def test_a_disabled_connection_is_403_and_nothing_is_stored(sender):
    pause(sender.slug, "disabled")
    answer = sender.post(sender.event())
    assert answer.status_code == 403
    assert answer.json()["error"] == "This connection is disabled."
    assert Message.objects.count() == 0
    assert RejectedReceipt.objects.get().status_code == 403


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_another_method_is_405(sender, method):
    answer = getattr(Client(), method)(f"/hooks/{sender.slug}/")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


def test_a_paused_connection_accepts_and_holds_and_goes_on_when_resumed(sender):
    pause(sender.slug)
    assert status_of(sender.post(sender.event())) == (202, "accepted")
    assert status_of(sender.post(sender.event())) == (200, "duplicate")
    assert digest_all() == 0
    connections.set_status(slug=sender.slug, status="active", reason="", by=SETUP, at=instant.now())
    assert digest_all() == 1
    assert Message.objects.get().status == "digested"


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/xml", "application/jsonx", "", "json", "multipart/form-data"],
)
def test_another_content_type_is_415(panda, kind):
    raw = panda_event()
    answer = Client().post(f"/hooks/pandadoc/?signature={signature(raw)}", raw, content_type=kind)
    assert answer.status_code == 415
    assert answer.json()["error"] == "The content type must be application/json."
    assert RejectedReceipt.objects.get().status_code == 415


@pytest.mark.parametrize(
    "kind",
    [
        "application/json", "Application/JSON; charset=UTF-8", 'application/json; charset="utf-8"',
        "application/json;v=1",
    ],
)  # fmt: skip
def test_the_content_type_may_be_written_in_any_honest_way(panda, kind):
    raw = panda_event()
    answer = Client().post(
        f"/hooks/pandadoc/?signature={signature(raw)}", raw, content_type=kind,
        headers={"X-PandaDoc-Webhook-Event-Id": "evt-1"},
    )  # fmt: skip
    assert answer.status_code == 202


@pytest.mark.parametrize("kind", ["application/json; charset=latin-1",
                                  "application/json; charset=utf-16"])  # fmt: skip
def test_another_charset_is_415(panda, kind):
    answer = Client().post("/hooks/pandadoc/", b"{}", content_type=kind)
    assert answer.status_code == 415
    assert answer.json()["error"] == "The charset must be utf-8."


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity"])
def test_any_content_encoding_is_415(sender, encoding):
    answer = sender.post(sender.event(), **{"Content-Encoding": encoding})
    assert answer.status_code == 415


def test_an_address_with_a_thousand_parameters_is_refused(panda):
    raw = panda_event()
    many = "&".join(f"a{number}=1" for number in range(1001))
    answer = post_raw(raw, f"{signature(raw)}&{many}")
    assert answer.status_code == 400
    assert RejectedReceipt.objects.count() == 1


# --- What is refused -----------------------------------------------------------------------------
def test_an_unsigned_sender_cannot_occupy_a_key(sender):
    assert sender.post(sender.event(title="Forged"), secret="Zm9yZ2Vk").status_code == 401
    assert status_of(sender.post(sender.event())) == (202, "accepted")
    assert Message.objects.get().duplicates == 0
    assert Ticket.objects.count() == 0


def test_of_a_refused_body_only_the_beginning_is_kept(panda):
    post_raw(b"x" * 500_000, "0" * 64)
    assert len(bytes(RejectedReceipt.objects.get().body)) == inbox.REJECTED_BODY


def test_what_no_column_takes_in_a_header_is_replaced(panda):
    assert post_raw(b"{}", "0" * 64, **{"X-Odd": "a\x00b\xff"}).status_code == 401
    assert "\0" not in RejectedReceipt.objects.get().headers["x-odd"]


# --- The database is away ------------------------------------------------------------------------
def test_trouble_with_the_database_is_503_and_please_again(sender, monkeypatch, caplog):
    def away(*args, **named):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(prepared, "rows", away)
    answer = sender.post(sender.event())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"] == "Meshline cannot store this now; send it again soon."
    monkeypatch.undo()
    assert status_of(sender.post(sender.event())) == (202, "accepted")


def test_a_secret_that_cannot_be_opened_is_our_trouble_not_the_senders(sender, settings):
    settings.SECRETS_KEYS = ["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="]
    assert sender.post(sender.event()).status_code == 503


# --- Logs ----------------------------------------------------------------------------------------
def test_no_log_line_tells_a_signature_or_an_address_with_its_query(panda, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    raw = panda_event()
    answers = [post_panda(raw), post_raw(raw, "f" * 64), post_raw(b"{}", "ab" * 32)]
    Client().get(f"/hooks/pandadoc/?signature={signature(raw)}")
    Client().post(f"/hooks/nobody/?signature={signature(raw)}")

    def away(*args, **named):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(prepared, "rows", away)
    answers.append(post_panda(raw))
    assert [one.status_code for one in answers] == [202, 401, 401, 503]
    said = caplog.text
    assert "could not be stored" in said
    assert not [one for one in (signature(raw), "f" * 64, "signature=", SHARED_KEY) if one in said]
