"""The stand-in vendors, over real HTTP: what they keep, what they refuse, how they break."""

import gzip
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from hashlib import sha256
from hmac import new as hmac_new
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from connectors.sandbox import Sandbox

KEY = "panda-key"
TOKEN = "pat-na1-invented"
SHARED_KEY = "shared-by-both"
ROSA = {"email": "rosa.lind@example.com", "first_name": "Rosa", "last_name": "Lind"}
CUSTOMER = {"email": "kim.vale@example.com", "first_name": "Kim", "last_name": "Vale"}
OFFER = {
    "name": "Offer for Vale Harbour",
    "amount": "1234.50",
    "currency": "EUR",
    "recipient": CUSTOMER,
    "owner": ROSA,
}


class Answered:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def json(self):
        return json.loads(self.raw)


class Caller:
    """A client of one running sandbox, with the right credentials unless told otherwise."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def ask(self, method, path, body=None, *, auth="", timeout=5):
        request = urllib.request.Request(self.sandbox.url + path, method=method)
        if auth:
            request.add_header("Authorization", auth)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answered(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, error.headers, error.read())

    def control(self, method, path, body=None):
        return self.ask(method, f"/control{path}", body)

    def panda(self, method, path, body=None, auth=f"API-Key {KEY}", **how):
        return self.ask(method, f"/pandadoc/public/v1{path}", body, auth=auth, **how)

    def hub(self, method, path, body=None, auth=f"Bearer {TOKEN}", **how):
        return self.ask(method, f"/hubspot{path}", body, auth=auth, **how)

    def configure(self, **vendors):
        answer = self.control("POST", "/configure", vendors)
        assert answer.status == 200, answer.raw
        return answer

    def break_it(self, vendor, *faults):
        answer = self.control("PUT", f"/faults/{vendor}", {"faults": list(faults)})
        assert answer.status == 200, answer.raw

    def calls(self, vendor, since=""):
        return self.control("GET", f"/calls?vendor={vendor}&since={since}").json["calls"]

    def effects(self, vendor):
        return self.control("GET", f"/effects?vendor={vendor}").json

    def new_offer(self, **changes):
        answer = self.control("POST", "/pandadoc/documents", OFFER | changes)
        assert answer.status == 201, answer.raw
        return answer.json

    def do(self, document, action):
        return self.control("POST", f"/pandadoc/documents/{document['id']}/{action}")

    def upsert_deal(self, key, **properties):
        one = {"idProperty": "meshline_proposal_id", "id": key, "properties": properties}
        return self.hub("POST", "/crm/v3/objects/deals/batch/upsert", {"inputs": [one]})

    def find_deals(self, key):
        wanted = {"propertyName": "meshline_proposal_id", "operator": "EQ", "value": key}
        asked = {"filterGroups": [{"filters": [wanted]}]}
        return self.hub("POST", "/crm/v3/objects/deals/search", asked).json["results"]


class Receiver:
    """Where webhooks arrive: keeps every request, answers with the statuses it was given."""

    def __init__(self):
        self.got = []
        self.statuses = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.statuses.pop(0) if receiver.statuses else 202
                receiver.got.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/pandadoc/"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def ids(self):
        return [headers["X-PandaDoc-Webhook-Event-Id"] for _, headers, _ in self.got]

    def events(self):
        """(event, status) of everything that arrived, in order."""
        return [(e["event"], e["data"]["status"]) for _, _, b in self.got for e in json.loads(b)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def until(question, *, within=5.0):
    """The first truthy answer; fails when there is none in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := question():
            return found
        time.sleep(0.01)
    raise AssertionError("It did not happen in time.")


def set_up(sandbox):
    caller = Caller(sandbox)
    caller.configure(
        pandadoc={"api_key": KEY, "shared_key": SHARED_KEY, "draft_delay": 0.05},
        hubspot={
            "token": TOKEN,
            "search_lag": 0,
            "owners": [{"email": "rosa.lind@example.com", "firstName": "Rosa", "lastName": "Lind"}],
        },
    )
    return caller


@pytest.fixture
def caller():
    with Sandbox() as sandbox:
        yield set_up(sandbox)


@pytest.fixture
def receiver(caller):
    receiver = Receiver()
    caller.configure(pandadoc={"webhook_url": receiver.url, "retry_delays": [0.02, 0.02]})
    yield receiver
    receiver.close()


# Who may


@pytest.mark.parametrize("auth", ["", "API-Key wrong", f"Basic {KEY}", "API-Key "])
def test_pandadoc_answers_only_to_its_key(caller, auth):
    refused = caller.panda("GET", "/documents", auth=auth)
    assert refused.status == 401
    assert refused.json["type"] == "authentication_error"
    assert caller.panda("GET", "/documents", auth=f"Bearer {KEY}").status == 200


def test_hubspot_answers_only_to_its_token(caller):
    refused = caller.hub("GET", "/crm/v3/owners", auth="Bearer other")
    assert refused.status == 401
    assert refused.json["category"] == "INVALID_AUTHENTICATION"
    assert caller.hub("GET", "/crm/v3/owners").status == 200


def test_without_configuration_nobody_may():
    with Sandbox() as sandbox:
        assert Caller(sandbox).panda("GET", "/documents", auth="API-Key ").status == 401
        assert Caller(sandbox).hub("GET", "/crm/v3/owners", auth="Bearer ").status == 401


def test_secrets_are_not_told_again(caller):
    shown = caller.control("GET", "/configure")
    assert shown.json["pandadoc"]["api_key"] is True
    assert KEY.encode() not in shown.raw
    assert TOKEN.encode() not in shown.raw


@pytest.mark.parametrize(
    "wrong",
    [
        {"salesforce": {}},
        {"pandadoc": {"colour": "red"}},
        {"pandadoc": {"webhook_url": "file:///etc"}},
        {"hubspot": {"owners": [{}]}},
        {"hubspot": {"search_lag": "soon"}},
    ],
)
def test_a_configuration_nobody_understands_is_refused_with_a_sentence(caller, wrong):
    refused = caller.control("POST", "/configure", wrong)
    assert refused.status == 400
    assert refused.json["error"].endswith(".")


def test_a_foreign_web_page_cannot_use_the_control(caller):
    address = urlsplit(caller.sandbox.url)
    for name, value, status in [("Origin", "http://evil.example", 403), ("Host", "evil.test", 421)]:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
        connection.request("POST", "/control/reset", b"{}", {name: value})
        assert connection.getresponse().status == status
        connection.close()


# PandaDoc


def test_a_document_is_created_later_than_it_says(caller):
    caller.configure(pandadoc={"draft_delay": 0.5})
    table = {"options": {"currency": "EUR"}, "sections": [{"rows": []}]}
    table["sections"][0]["rows"] = [{"data": {"price": "617.25", "qty": 2}}]
    asked = {"name": "Offer", "recipients": [CUSTOMER], "pricing_tables": [table]}
    created = caller.panda("POST", "/documents", asked | {"metadata": {"meshline_id": "17"}})
    assert created.status == 201
    assert created.json["status"] == "document.uploaded"
    path = f"/documents/{created.json['id']}"
    assert len(created.json["id"]) == 22

    too_early = caller.panda("POST", f"{path}/send", {})
    assert too_early.status == 409
    assert too_early.json["detail"] == "A document that is uploaded cannot be sent."

    until(lambda: caller.panda("GET", path).json["status"] == "document.draft")
    assert caller.panda("POST", f"{path}/send", {"silent": True}).json["status"] == "document.sent"
    details = caller.panda("GET", f"{path}/details").json
    assert details["grand_total"] == {"amount": "1234.50", "currency": "EUR"}
    assert details["metadata"] == {"meshline_id": "17"}
    assert details["date_completed"] is None
    assert details["date_modified"].endswith("Z")
    assert len(details["date_modified"]) == 27


def test_a_list_can_be_narrowed_and_paged(caller):
    offers = [caller.new_offer(name=f"Offer {n}", metadata={"meshline_id": n}) for n in range(5)]
    caller.do(offers[0], "send")

    def names(**query):
        return [
            d["name"] for d in caller.panda("GET", f"/documents?{urlencode(query)}").json["results"]
        ]

    by_change = {"order_by": "date_modified"}
    assert names(**by_change) == ["Offer 1", "Offer 2", "Offer 3", "Offer 4", "Offer 0"]
    assert names(**by_change, count=2, page=2) == ["Offer 3", "Offer 4"]
    assert names(**by_change, count=2, page=4) == []
    assert names(status=1) == ["Offer 0"]
    assert names(metadata="metadata_meshline_id=3") == ["Offer 3"]
    assert names(metadata_meshline_id=3) == ["Offer 3"]
    assert names(modified_from=offers[3]["date_modified"], **by_change) == [
        "Offer 3",
        "Offer 4",
        "Offer 0",
    ]
    assert names(modified_to=offers[1]["date_modified"]) == ["Offer 1"]
    for wrong in ("count=101", "page=0", "status=15", "order_by=mood", "modified_from=soon"):
        assert caller.panda("GET", f"/documents?{wrong}").status == 400


def test_metadata_and_status_can_be_patched(caller):
    offer = caller.new_offer()
    path = f"/documents/{offer['id']}"
    assert caller.panda("PATCH", path, {"metadata": {"meshline_id": "9"}}).status == 204
    assert caller.panda("GET", f"{path}/details").json["metadata"] == {"meshline_id": "9"}
    assert caller.panda("PATCH", f"{path}/status", {"status": 2}).status == 409
    assert caller.panda("PATCH", f"{path}/status", {"status": 11}).status == 204
    assert caller.panda("PATCH", f"{path}/status", {"status": 1}).status == 400
    assert caller.panda("GET", path).json["status"] == "document.voided"


def test_what_does_not_exist_is_not_found(caller):
    assert caller.panda("GET", "/documents/nobody").status == 404
    assert caller.panda("GET", "/elsewhere").status == 404
    assert caller.panda("DELETE", "/documents").status == 405
    assert caller.control("POST", "/pandadoc/documents/nobody/send").status == 404


def test_a_person_moves_a_document_and_hears_a_sentence_when_it_cannot_be(caller):
    offer = caller.new_offer()
    assert (offer["state"], offer["actions"]) == ("draft", ["send", "void"])
    assert caller.do(offer, "send").json["actions"] == ["view", "sign", "decline", "void", "draft"]
    assert caller.do(offer, "sign").json["status"] == "document.completed"
    refused = caller.do(offer, "decline")
    assert refused.status == 409
    assert refused.json["error"] == "A document that is completed cannot be declined."
    assert caller.do(offer, "pay").json["actions"] == []
    assert caller.control("GET", "/pandadoc/documents").json["documents"][0]["state"] == "paid"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "1.234,50"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"currency": "Euro"}, "currency"),
        ({"recipient": {}}, "recipient"),
        ({"name": " "}, "name"),
    ],
)
def test_an_offer_that_makes_no_sense_is_refused(caller, changes, field):
    refused = caller.control("POST", "/pandadoc/documents", OFFER | changes)
    assert (refused.status, refused.json["field"]) == (400, field)


def test_pandadoc_throttles_per_endpoint(caller):
    caller.configure(pandadoc={"rate_limit": {"per_minute": 2}})
    statuses = [caller.panda("GET", "/documents").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert caller.panda("GET", "/documents").json["type"] == "throttled"
    assert caller.panda("GET", "/webhook-events").status == 200


# Webhooks


def test_a_webhook_is_signed_over_its_raw_bytes(caller, receiver):
    offer = caller.new_offer(name="Angebot für Müller", metadata={"meshline_id": "17"})
    path, headers, body = until(lambda: receiver.got)[0]
    signature = parse_qs(urlsplit(path).query)["signature"][0]
    assert signature == hmac_new(SHARED_KEY.encode(), body, sha256).hexdigest()
    assert headers["Content-Type"] == "application/json"
    [event] = json.loads(body)
    data = event["data"]
    assert event["event"] == "document_state_changed"
    assert (data["id"], data["status"]) == (offer["id"], "document.draft")
    assert data["grand_total"] == {"amount": "1234.50", "currency": "EUR"}
    assert data["metadata"] == {"meshline_id": "17"}
    assert data["created_by"]["email"] == ROSA["email"]
    assert data["sent_by"] is None
    assert data["shared_link"] == ""
    assert data["recipients"][0]["recipient_type"] == "signer"


def test_every_change_is_told_in_order_and_each_event_has_its_own_id(caller, receiver):
    offer = caller.new_offer()
    for action in ("send", "view", "sign", "pay"):
        caller.do(offer, action)
    until(lambda: len(receiver.got) == 6)
    assert receiver.events() == [
        ("document_state_changed", "document.draft"),
        ("document_state_changed", "document.sent"),
        ("document_state_changed", "document.viewed"),
        ("recipient_completed", "document.viewed"),
        ("document_state_changed", "document.completed"),
        ("document_state_changed", "document.paid"),
    ]
    assert len(set(receiver.ids())) == 6


def test_a_document_created_by_the_api_is_told_when_it_is_a_draft(caller, receiver):
    caller.panda("POST", "/documents", {"name": "Offer"})
    until(lambda: receiver.events() == [("document_state_changed", "document.draft")])


def test_a_retry_keeps_its_id_and_its_bytes(caller, receiver):
    receiver.statuses = [500, 302]
    caller.new_offer()
    until(lambda: len(receiver.got) == 3)
    assert len(set(receiver.ids())) == 1
    assert len({body for _, _, body in receiver.got}) == 1
    [event] = until(lambda: _delivered(caller))
    assert [attempt["status"] for attempt in event["attempts"]] == [500, 302, 202]


def _delivered(caller):
    webhooks = caller.control("GET", "/pandadoc/webhooks").json["webhooks"]
    return [event for event in webhooks if event["state"] == "delivered"]


def test_after_the_last_try_the_history_still_has_it(caller, receiver):
    receiver.statuses = [503] * 3
    caller.new_offer()
    until(lambda: caller.panda("GET", "/webhook-events?http_status_code=500").json["items"])
    until(
        lambda: caller.control("GET", "/pandadoc/webhooks").json["webhooks"][0]["state"] == "failed"
    )
    [item] = caller.panda("GET", "/webhook-events?type=document_state_changed").json["items"]
    assert item["uuid"] == receiver.ids()[0]
    details = caller.panda("GET", f"/webhook-events/{item['uuid']}").json
    body = details["request_body"].encode()
    assert details["signature"] == hmac_new(SHARED_KEY.encode(), body, sha256).hexdigest()
    assert body == receiver.got[0][2]
    assert caller.panda("GET", "/webhook-events?since=2100-01-01").json["items"] == []
    assert len(receiver.got) == 3


def test_a_dropped_webhook_never_arrives(caller, receiver):
    drop = {"kind": "webhook_drop", "match": {"status": "document.sent"}, "times": 1}
    caller.break_it("pandadoc", drop)
    offer = caller.new_offer()
    caller.do(offer, "send")
    caller.do(offer, "view")
    until(lambda: len(receiver.got) == 2)
    assert [status for _, status in receiver.events()] == ["document.draft", "document.viewed"]
    [lost] = caller.panda("GET", "/webhook-events?error=INTERNAL_ERROR").json["items"]
    assert lost["http_status_code"] is None


def test_a_doubled_webhook_is_the_same_twice(caller, receiver):
    caller.break_it("pandadoc", {"kind": "webhook_double", "times": 1})
    caller.new_offer()
    until(lambda: len(receiver.got) == 2)
    assert receiver.got[0][2] == receiver.got[1][2]
    assert len(set(receiver.ids())) == 1


def test_reordered_webhooks_arrive_last_one_first(caller, receiver):
    caller.break_it("pandadoc", {"kind": "webhook_reorder", "n": 3, "times": 1})
    offer = caller.new_offer()
    caller.do(offer, "send")
    assert receiver.got == []
    caller.do(offer, "view")
    until(lambda: len(receiver.got) == 3)
    assert [status for _, status in receiver.events()] == [
        "document.viewed",
        "document.sent",
        "document.draft",
    ]


def test_clearing_the_faults_lets_go_of_what_was_held(caller, receiver):
    caller.break_it("pandadoc", {"kind": "webhook_reorder", "n": 5})
    caller.new_offer()
    caller.control("DELETE", "/faults/pandadoc")
    until(lambda: len(receiver.got) == 1)


def test_a_late_webhook_is_overtaken(caller, receiver):
    late = {"kind": "webhook_late", "seconds": 0.3, "match": {"status": "document.draft"}}
    caller.break_it("pandadoc", late)
    caller.do(caller.new_offer(), "send")
    until(lambda: len(receiver.got) == 2)
    assert [status for _, status in receiver.events()] == ["document.sent", "document.draft"]


# HubSpot


def test_an_upsert_twice_is_one_deal(caller):
    first = caller.upsert_deal("17", dealname="Vale Harbour", amount="1234.50")
    again = caller.upsert_deal("17", dealname="Vale Harbour", amount="1300.00")
    same = caller.upsert_deal("17", amount="1300.00")
    assert [answer.status for answer in (first, again, same)] == [200, 200, 200]
    assert [answer.json["results"][0]["new"] for answer in (first, again, same)] == [
        True,
        False,
        False,
    ]
    number = first.json["results"][0]["id"]
    assert int(number) > 2**31
    read = caller.hub("GET", f"/crm/v3/objects/deals/{number}?properties=amount,closedate").json
    assert read["properties"]["amount"] == "1300.00"
    assert read["properties"]["closedate"] is None
    assert caller.effects("hubspot")["by_key"] == {
        "deals:meshline_proposal_id=17": {"created": 1, "updated": 1}
    }


def test_an_upsert_needs_a_unique_property_and_at_most_a_hundred(caller):
    path = "/crm/v3/objects/deals/batch/upsert"
    one = {"idProperty": "dealname", "id": "x", "properties": {}}
    assert caller.hub("POST", path, {"inputs": [one]}).status == 400
    good = {"idProperty": "meshline_proposal_id", "properties": {}}
    many = [good | {"id": str(number)} for number in range(101)]
    assert caller.hub("POST", path, {"inputs": many}).status == 400
    assert caller.hub("POST", path, {"inputs": [good | {"id": "1"}] * 2}).status == 400
    assert len(caller.hub("POST", path, {"inputs": many[:100]}).json["results"]) == 100


def test_one_bad_input_does_not_spoil_the_batch(caller):
    good = {"idProperty": "meshline_proposal_id", "id": "1", "properties": {"amount": "5"}}
    bad = {"idProperty": "meshline_proposal_id", "id": "2", "properties": {"amount": "five"}}
    answer = caller.hub("POST", "/crm/v3/objects/0-3/batch/upsert", {"inputs": [good, bad]})
    assert answer.status == 207
    assert len(answer.json["results"]) == answer.json["numErrors"] == 1


def test_a_unique_value_cannot_be_had_twice(caller):
    def create(email):
        body = {"properties": {"email": email, "firstname": "Kim"}}
        return caller.hub("POST", "/crm/v3/objects/contacts", body)

    first = create("kim.vale@example.com")
    second = create("Kim.Vale@Example.com")
    assert (first.status, second.status) == (201, 409)
    assert second.json["category"] == "CONFLICT"
    assert second.json["message"].endswith(f"Existing ID: {first.json['id']}")
    assert caller.hub("DELETE", f"/crm/v3/objects/contacts/{first.json['id']}").status == 204
    assert caller.hub("GET", f"/crm/v3/objects/contacts/{first.json['id']}").status == 404
    assert create("kim.vale@example.com").status == 201


def test_a_task_needs_its_due_time_and_is_linked_to_its_deal(caller):
    deal = caller.upsert_deal("17").json["results"][0]["id"]
    task = {"properties": {"hs_task_subject": "Call back", "meshline_key": "out-1"}}
    refused = caller.hub("POST", "/crm/v3/objects/tasks", task)
    assert (refused.status, refused.json["category"]) == (400, "VALIDATION_ERROR")
    assert "hs_timestamp" in refused.json["message"]

    task["properties"]["hs_timestamp"] = "1795262400000"
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 216}]
    task["associations"] = [{"to": {"id": deal}, "types": kinds}]
    created = caller.hub("POST", "/crm/v3/objects/0-27", task)
    assert created.status == 201
    assert created.json["properties"]["hs_timestamp"] == "2026-11-21T12:00:00Z"
    assert caller.hub("POST", "/crm/v3/objects/tasks", task).status == 409
    read = caller.hub(
        "GET", "/crm/v3/objects/tasks/out-1?idProperty=meshline_key&associations=deals"
    )
    assert read.json["associations"]["deals"]["results"][0]["id"] == deal


def test_a_create_with_a_link_to_nowhere_creates_nothing(caller):
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 216}]
    task = {
        "properties": {"hs_timestamp": "2026-11-21T12:00:00Z"},
        "associations": [{"to": {"id": "1"}, "types": kinds}],
    }
    assert caller.hub("POST", "/crm/v3/objects/tasks", task).status == 400
    assert caller.effects("hubspot")["effects"] == []


def test_a_default_association_is_seen_from_both_sides(caller):
    deal = caller.upsert_deal("17").json["results"][0]["id"]
    contact = caller.hub(
        "POST", "/crm/v3/objects/contacts", {"properties": {"email": "kim.vale@example.com"}}
    ).json["id"]
    path = f"/crm/v4/objects/deals/{deal}/associations/default/contacts/{contact}"
    assert caller.hub("PUT", path).status == 200
    assert caller.hub("PUT", path).status == 200
    back = caller.hub("GET", f"/crm/v4/objects/contacts/{contact}/associations/deals").json
    assert [one["toObjectId"] for one in back["results"]] == [int(deal)]
    assert caller.effects("hubspot")["counts"]["deals"] == {"created": 1, "associated": 1}


def test_a_patch_answers_with_what_it_changed(caller):
    deal = caller.upsert_deal("17", dealname="Vale", amount="5").json["results"][0]
    path = f"/crm/v3/objects/deals/{deal['id']}"
    patched = caller.hub("PATCH", path, {"properties": {"amount": ""}}).json
    assert patched["properties"]["amount"] == ""
    assert "dealname" not in patched["properties"]
    assert patched["updatedAt"] >= deal["updatedAt"]
    by_key = "/crm/v3/objects/deals/17?idProperty=meshline_proposal_id"
    assert caller.hub("PATCH", by_key, {"properties": {"dealname": "Vale 2"}}).status == 200
    wrong = {"properties": {"hs_object_id": "1"}}
    assert caller.hub("PATCH", path, wrong).status == 400
    assert caller.hub("PATCH", path, {"properties": {"hubspot_owner_id": "1"}}).status == 400


def test_owners_are_found_by_email(caller):
    [rosa] = caller.hub("GET", "/crm/v3/owners?email=rosa.lind%40example.com").json["results"]
    assert rosa["firstName"] == "Rosa"
    assert rosa["id"] != str(rosa["userId"])
    assert caller.hub("GET", "/crm/v3/owners?email=nobody%40example.com").json["results"] == []
    assert caller.upsert_deal("17", hubspot_owner_id=rosa["id"]).status == 200


def test_the_search_lags_and_the_record_does_not(caller):
    caller.configure(hubspot={"search_lag": 0.6})
    deal = caller.upsert_deal("17", amount="5").json["results"][0]["id"]
    assert caller.find_deals("17") == []
    assert caller.hub("GET", f"/crm/v3/objects/deals/{deal}").status == 200
    until(lambda: caller.find_deals("17"))
    caller.upsert_deal("17", amount="6")
    assert caller.find_deals("17")[0]["properties"]["amount"] == "5"
    until(lambda: caller.find_deals("17")[0]["properties"]["amount"] == "6")


def test_search_filters_orders_and_pages(caller):
    for number in range(1, 6):
        caller.upsert_deal(str(number), amount=str(number * 100), dealname=f"Deal {number}")

    def search(*filters, **more):
        asked = {"filterGroups": [{"filters": list(filters)}], "properties": ["amount"]} | more
        return caller.hub("POST", "/crm/v3/objects/deals/search", asked)

    def amounts(operator, **values):
        wanted = {"propertyName": "amount", "operator": operator} | values
        return [one["properties"]["amount"] for one in search(wanted).json["results"]]

    assert amounts("EQ", value="300.00") == ["300"]
    assert amounts("GT", value="300") == ["400", "500"]
    assert amounts("GTE", value="400") == ["400", "500"]
    assert amounts("LT", value="200") == ["100"]
    assert amounts("LTE", value="200") == ["100", "200"]
    assert amounts("BETWEEN", value="200", highValue="300") == ["200", "300"]
    assert amounts("IN", values=["100", "500"]) == ["100", "500"]
    assert len(amounts("HAS_PROPERTY")) == 5
    recent = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1700000000000"}
    assert search(recent).json["total"] == 5
    down = [{"propertyName": "amount", "direction": "DESCENDING"}]
    first = search(recent, limit=2, sorts=down).json
    assert [one["properties"]["amount"] for one in first["results"]] == ["500", "400"]
    after = first["paging"]["next"]["after"]
    second = search(recent, limit=2, sorts=down, after=after).json
    assert [one["properties"]["amount"] for one in second["results"]] == ["300", "200"]
    assert search(recent, limit=201).status == 400
    assert search(recent, after="9999", limit=2).status == 400
    assert search({"propertyName": "amount", "operator": "LIKE"}).status == 400


def test_a_full_list_is_paged_by_its_cursor(caller):
    for number in range(5):
        caller.upsert_deal(str(number))
    seen, after = [], ""
    while True:
        page = caller.hub("GET", f"/crm/v3/objects/deals?limit=2&after={after}").json
        seen += [one["id"] for one in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert len(seen) == len(set(seen)) == 5
    read = {"inputs": [{"id": seen[0]}, {"id": "1"}]}
    batch = caller.hub("POST", "/crm/v3/objects/deals/batch/read", read)
    assert (batch.status, len(batch.json["results"])) == (207, 1)


def test_hubspot_names_the_limit_that_was_reached(caller):
    headers = caller.hub("GET", "/crm/v3/owners").headers
    assert int(headers["X-HubSpot-RateLimit-Remaining"]) < int(headers["X-HubSpot-RateLimit-Max"])
    caller.configure(hubspot={"rate_limit": {"ten_seconds": 1, "search_per_second": 0}})
    refused = caller.hub("GET", "/crm/v3/owners")
    assert (refused.status, refused.json["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    refused = caller.hub("POST", "/crm/v3/objects/deals/search", {})
    assert refused.json["message"] == "You have reached your secondly limit."
    assert "X-HubSpot-RateLimit-Max" not in refused.headers


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"properties": {"amount": NaN}}', b'{"properties": {"a": "\\ud800"}}']
)
def test_a_body_that_is_no_json_object_is_a_400(caller, body):
    address = urlsplit(caller.sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connection.request("POST", "/hubspot/crm/v3/objects/deals", body, headers)
    assert connection.getresponse().status == 400
    connection.close()


# Faults


def create_deal(caller, **how):
    body = {"properties": {"meshline_proposal_id": "17", "dealname": "Vale"}}
    return caller.hub("POST", "/crm/v3/objects/deals", body, **how)


def created(caller):
    return caller.effects("hubspot")["counts"].get("deals", {}).get("created", 0)


def test_a_status_fault_is_met_as_often_as_asked_and_does_nothing(caller):
    match = {"method": "POST", "path": "/objects/deals"}
    fault = {"kind": "status", "code": 429, "retry_after": 3, "times": 2, "match": match}
    caller.break_it("hubspot", fault)
    assert caller.hub("GET", "/crm/v3/owners").status == 200
    refused = create_deal(caller)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "3")
    assert refused.json["errorType"] == "RATE_LIMIT"
    [listed] = caller.control("GET", "/faults/hubspot").json["faults"]
    assert (listed["left"], listed["seen"]) == (1, 1)
    assert create_deal(caller).status == 429
    assert create_deal(caller).status == 201


def test_a_status_fault_speaks_like_the_vendor_or_as_told(caller):
    caller.break_it(
        "hubspot",
        {"kind": "status", "code": 403, "times": 1},
        {"kind": "status", "code": 503, "retry_after_date": 5, "body": "busy", "times": 1},
        {"kind": "status", "code": 429, "policy": "DAILY", "times": 1},
    )
    assert create_deal(caller).json["category"] == "MISSING_SCOPES"
    busy = create_deal(caller)
    assert busy.raw == b"busy"
    assert busy.headers["Retry-After"].endswith("GMT")
    assert create_deal(caller).json["message"] == "You have reached your daily limit."


def test_down_is_down_for_everything_of_that_vendor_until_cleared(caller):
    caller.break_it("hubspot", {"kind": "down"})
    assert caller.hub("GET", "/crm/v3/owners").status == 503
    assert caller.ask("GET", "/hubspot/app/deals/1").status == 503
    assert caller.panda("GET", "/documents").status == 200
    caller.control("DELETE", "/faults/hubspot")
    assert caller.hub("GET", "/crm/v3/owners").status == 200


def test_a_hang_says_nothing_and_does_nothing(caller):
    caller.break_it("hubspot", {"kind": "hang", "seconds": 60, "times": 1})
    with pytest.raises(TimeoutError):
        create_deal(caller, timeout=0.3)
    assert created(caller) == 0
    assert caller.calls("hubspot")[-1]["fault"] == "hang"


def test_a_commit_then_hang_has_done_its_work(caller):
    caller.break_it("hubspot", {"kind": "commit_then_hang", "seconds": 60, "times": 1})
    with pytest.raises(TimeoutError):
        create_deal(caller, timeout=0.3)
    assert created(caller) == 1


def test_a_hang_does_not_hold_up_the_stop(caller):
    caller.break_it("hubspot", {"kind": "hang", "seconds": 60})
    failed = []

    def hanging():
        try:
            create_deal(caller, timeout=30)
        except (OSError, http.client.HTTPException) as error:
            failed.append(error)

    thread = threading.Thread(target=hanging)
    thread.start()
    until(lambda: caller.calls("hubspot"))
    started = time.monotonic()
    caller.sandbox.stop()
    thread.join(timeout=5)
    assert failed
    assert time.monotonic() - started < 25


def test_a_reset_comes_before_anything_was_done(caller):
    caller.break_it("hubspot", {"kind": "reset_before", "times": 1})
    with pytest.raises(ConnectionResetError):
        raw_create(caller)
    assert created(caller) == 0


def test_a_commit_then_reset_is_one_effect_however_often_it_is_tried_again(caller):
    caller.break_it("hubspot", {"kind": "commit_then_reset", "times": 2})
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            raw_create(caller)
    assert create_deal(caller).status == 409
    assert caller.effects("hubspot")["by_key"] == {"deals:meshline_proposal_id=17": {"created": 1}}
    seen = [(call["status"], call["worked"], call["fault"]) for call in caller.calls("hubspot")]
    assert seen == [
        (None, 201, "commit_then_reset"),
        (None, 409, "commit_then_reset"),
        (409, 409, None),
    ]


def raw_create(caller):
    """A create over a plain socket, where a reset shows as what it is."""
    address = urlsplit(caller.sandbox.url)
    body = json.dumps({"properties": {"meshline_proposal_id": "17"}}).encode()
    head = (
        "POST /hubspot/crm/v3/objects/deals HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        return connection.recv(1000)


def test_a_slow_drip_takes_its_time(caller):
    caller.break_it("hubspot", {"kind": "slow_drip", "bytes_per_second": 1500, "times": 1})
    started = time.monotonic()
    assert create_deal(caller).status == 201
    assert time.monotonic() - started > 0.25


def test_a_huge_body_is_as_huge_as_asked(caller):
    caller.break_it("hubspot", {"kind": "huge_body", "bytes": 3_000_000, "times": 1})
    answer = create_deal(caller)
    assert len(answer.raw) == 3_000_000
    assert answer.json["results"] == []
    assert created(caller) == 0


def test_a_gzip_bomb_is_small_on_the_wire(caller):
    caller.break_it("hubspot", {"kind": "gzip_bomb", "bytes": 5_000_000, "times": 1})
    answer = create_deal(caller)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.raw) < 20_000
    assert len(gzip.decompress(answer.raw)) > 5_000_000
    assert json.loads(gzip.decompress(answer.raw)) == {"results": []}


def test_a_web_page_with_200_is_no_success(caller):
    caller.break_it("hubspot", {"kind": "html_200", "times": 1})
    answer = create_deal(caller)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert created(caller) == 0


def test_a_ghost_looks_done_and_is_not(caller):
    caller.break_it("hubspot", {"kind": "ghost_200", "times": 1})
    ghost = create_deal(caller)
    assert ghost.status == 201
    assert created(caller) == 0
    assert caller.hub("GET", f"/crm/v3/objects/deals/{ghost.json['id']}").status == 404
    assert create_deal(caller).json["id"] != ghost.json["id"]


def test_faults_are_used_up_in_order_under_parallel_calls(caller):
    caller.break_it("hubspot", {"kind": "status", "code": 500, "times": 5})
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(caller.hub("GET", "/crm/v3/owners").status))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 7 + [500] * 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gremlin"},
        {"kind": "status"},
        {"kind": "status", "code": 1000},
        {"kind": "hang", "minutes": 3},
        {"kind": "hang", "seconds": "long"},
        {"kind": "down", "times": 0},
        {"kind": "hang", "match": {"event": "x"}},
        {"kind": "webhook_drop"},
    ],
)
def test_a_fault_nobody_understands_is_refused(caller, wrong):
    assert caller.control("PUT", "/faults/slack", {"faults": [wrong]}).status == 400
    assert caller.control("GET", "/faults/slack").json["faults"] == []


# Books, pages, restart


def test_the_calls_are_written_down_with_what_they_were_about(caller):
    caller.upsert_deal("17")
    caller.hub("POST", "/crm/v3/objects/deals", {}, auth="Bearer wrong")
    calls = caller.calls("hubspot")
    path = "/hubspot/crm/v3/objects/deals/batch/upsert"
    told = {name: calls[0][name] for name in ("method", "path", "status", "key", "fault")}
    assert told == {"method": "POST", "path": path, "status": 200, "key": "17", "fault": None}
    assert calls[1]["status"] == 401
    assert caller.calls("hubspot", since=calls[0]["seq"]) == calls[1:]
    assert caller.calls("hubspot", since=calls[1]["at"]) == calls[1:]
    assert caller.calls("pandadoc") == []
    assert caller.control("GET", "/calls?since=yesterday").status == 400


def test_the_effects_say_who_made_them(caller):
    offer = caller.new_offer(metadata={"meshline_id": "17"})
    caller.panda("POST", f"/documents/{offer['id']}/send", {})
    effects = caller.effects("pandadoc")
    assert [(e["action"], e["made_by"]) for e in effects["effects"]] == [
        ("created", "person"),
        ("updated", "api"),
    ]
    assert effects["by_key"] == {"documents:metadata.meshline_id=17": {"created": 1, "updated": 1}}


def test_a_reset_forgets_the_state_and_keeps_the_configuration(caller):
    caller.new_offer()
    caller.upsert_deal("17")
    caller.break_it("hubspot", {"kind": "down"})
    assert caller.control("POST", "/reset").status == 200
    assert caller.panda("GET", "/documents").json["results"] == []
    assert caller.hub("GET", "/crm/v3/objects/deals").json["results"] == []
    assert caller.effects("hubspot")["effects"] == []


def test_state_outlives_a_restart(tmp_path):
    receiver = Receiver()
    sandbox = Sandbox(state_dir=tmp_path)
    sandbox.start()
    caller = set_up(sandbox)
    receiver.statuses = [500]
    caller.configure(pandadoc={"webhook_url": receiver.url, "retry_delays": [1.0]})
    offer = caller.new_offer()
    first = caller.upsert_deal("17").json["results"][0]["id"]
    until(lambda: receiver.got)
    url = sandbox.url
    sandbox.stop()

    sandbox.start()
    assert sandbox.url == url
    assert caller.panda("GET", f"/documents/{offer['id']}").json["status"] == "document.draft"
    again = caller.upsert_deal("17").json["results"][0]
    assert (again["id"], again["new"]) == (first, False)
    assert int(caller.upsert_deal("18").json["results"][0]["id"]) > int(first)
    until(lambda: len(receiver.got) == 2)
    assert len(set(receiver.ids())) == 1
    sandbox.stop()
    receiver.close()


def test_pages_show_the_record_escaped_and_under_a_strict_policy(caller):
    offer = caller.new_offer(name="<script>alert(1)</script>")
    deal = caller.upsert_deal("17", dealname="<b>Vale</b>").json["results"][0]["id"]
    task = {"properties": {"hs_timestamp": "2026-11-21", "hs_task_subject": "Call back"}}
    task = caller.hub("POST", "/crm/v3/objects/tasks", task).json["id"]
    caller.hub("PUT", f"/crm/v4/objects/tasks/{task}/associations/default/deals/{deal}")
    for path, wanted in [
        (offer["url"], b"&lt;script&gt;"),
        (f"/hubspot/app/deals/{deal}", b"Call back"),
        (f"/hubspot/app/tasks/{task}", b"&lt;b&gt;Vale"),
        ("/", b"&lt;b&gt;Vale"),
    ]:
        page = caller.ask("GET", path)
        assert page.status == 200
        assert wanted in page.raw
        assert b"<script" not in page.raw
        assert b"<b>" not in page.raw
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
    assert caller.ask("GET", "/style.css").headers["Content-Type"].startswith("text/css")
    assert caller.ask("GET", "/hubspot/app/deals/1").status == 404
    assert caller.ask("GET", "/pandadoc/app/../../etc/passwd").status == 404


def test_one_connection_carries_many_calls(caller):
    address = urlsplit(caller.sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/hubspot/crm/v3/owners", headers={"Authorization": "x"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 401
        assert not answer.will_close
    connection.close()


def test_as_a_process_it_runs_without_django_and_ends_cleanly(tmp_path):
    program = (
        "import sys; from pathlib import Path; from connectors.sandbox import serve\n"
        f"serve(0, Path({str(tmp_path)!r})); assert 'django' not in sys.modules"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().split()[-1]
            with urllib.request.urlopen(url, timeout=5) as page:
                assert page.status == 200
        finally:
            process.terminate()
        assert process.wait(timeout=10) == 0
