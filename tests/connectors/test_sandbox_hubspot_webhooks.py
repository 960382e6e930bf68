"""What the CRM tells by itself: batches, signed so that HubSpot's own library accepts them."""

import json

import pytest
from hubspot.utils.signature import Signature

from connectors.sandbox import Sandbox
from connectors.sandbox.hubspot_webhooks import decoded
from tests.connectors.standins import Backdoor, Ear, ask, until

TOKEN, SECRET, APP = "pat-na1-invented", "client-secret", 4242
OWNERS = [{"email": "remy@example.com", "firstName": "Remy", "lastName": "Park"}]


class Crm:
    def __init__(self, sandbox):
        self.control = Backdoor(sandbox)
        self.base = f"{sandbox.url}/hubspot/crm/v3"

    def call(self, method, path, body=None):
        return ask(f"{self.base}{path}", method, body, Authorization=f"Bearer {TOKEN}")

    def deal(self, **properties):
        answer = self.call("POST", "/objects/deals", {"properties": properties})
        assert answer.status == 201, answer.raw
        return answer.json["id"]

    def act(self, number, act, **body):
        return self.control("POST", f"/hubspot/deals/{number}/{act}", body)


@pytest.fixture
def crm():
    with Sandbox() as sandbox:
        found = Crm(sandbox)
        hubspot = {"token": TOKEN, "client_secret": SECRET, "app_id": APP, "owners": OWNERS}
        found.control.configure(hubspot=hubspot)
        yield found


@pytest.fixture
def ear(crm):
    ear = Ear("/hooks/hubspot/")
    crm.control.configure(hubspot={"webhook_url": ear.url, "retry_delays": [0.02, 0.02]})
    yield ear
    ear.close()


def events(ear):
    return [event for batch in ear.bodies() for event in batch]


def changes(ear):
    return [
        (one["propertyName"], one["propertyValue"])
        for one in events(ear)
        if one["subscriptionType"] == "deal.propertyChange"
    ]


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_the_library_accepts_what_is_signed(crm, ear, version):
    crm.control.configure(hubspot={"signature_version": version})
    crm.deal(dealname="Müller")
    _, headers, body = until(lambda: ear.got)[0]
    is_v3 = version == "v3"
    signature = headers["X-HubSpot-Signature-v3" if is_v3 else "X-HubSpot-Signature"]
    asked = {
        "signature": signature,
        "client_secret": SECRET,
        "http_uri": ear.url,
        "signature_version": version,
        "timestamp": headers.get("X-HubSpot-Request-Timestamp"),
    }
    assert Signature.is_valid(request_body=body.decode(), **asked)
    assert not Signature.is_valid(request_body=body.decode() + " ", **asked)
    assert headers.get("X-HubSpot-Signature-Version") == (None if is_v3 else version)


def test_behind_a_proxy_the_public_address_is_signed(crm, ear):
    public = "https://meshline.example/hooks/hubspot/?a=1%2C2"
    crm.control.configure(hubspot={"signed_url": public})
    crm.deal()
    _, headers, body = until(lambda: ear.got)[0]
    assert Signature.is_valid(
        signature=headers["X-HubSpot-Signature-v3"],
        client_secret=SECRET,
        request_body=body.decode(),
        http_uri="https://meshline.example/hooks/hubspot/?a=1,2",
        signature_version="v3",
        timestamp=headers["X-HubSpot-Request-Timestamp"],
    )
    assert decoded("https://a.example/?b=%2f%20%3A") == "https://a.example/?b=/%20:"


def test_without_an_address_nothing_is_told_and_nothing_is_kept(crm):
    crm.deal()
    assert crm.control.done("GET", "/hubspot/webhooks") == {"webhooks": []}


def test_our_own_writes_say_that_they_are_ours(crm, ear):
    number = crm.deal(dealname="Vale", meshline_invoice_id="in_1")
    until(lambda: len(events(ear)) >= 4)
    assert {one["changeSource"] for one in events(ear)} == {"INTEGRATION"}
    assert {one["sourceId"] for one in events(ear)} == {str(APP)}
    assert {one["objectId"] for one in events(ear)} == {int(number)}
    assert int(number) > 2**31
    assert ("meshline_invoice_id", "in_1") in changes(ear)


def test_a_person_is_told_as_one(crm, ear):
    number = crm.deal(dealname="Vale")
    crm.act(number, "set", properties={"dealstage": "closedwon", "amount": "12"}, by="a@b.example")
    until(lambda: ("amount", "12") in changes(ear))
    last = events(ear)[-1]
    assert (last["changeSource"], last["sourceId"][:7]) == ("CRM_UI", "userId:")
    read = crm.call("GET", f"/objects/deals/{number}?properties=dealstage").json
    assert read["properties"]["dealstage"] == "closedwon"
    effects = crm.control.effects("hubspot")["effects"]
    assert [one["made_by"] for one in effects] == ["api", "person"]


def test_changes_may_be_told_before_the_creation_they_belong_to(crm, ear):
    crm.deal(dealname="Vale")
    until(lambda: ear.got)
    kinds = [one["subscriptionType"] for one in events(ear)]
    assert kinds[-1] == "deal.creation"
    assert "deal.propertyChange" in kinds[:-1]
    assert len({one["occurredAt"] for one in events(ear)}) == 1
    crm.control.configure(hubspot={"changes_first": False})
    crm.deal(dealname="Hill")
    until(lambda: len(ear.got) == 2)
    assert ear.bodies()[1][0]["subscriptionType"] == "deal.creation"


def test_nothing_is_told_twice_when_nothing_changed(crm, ear):
    number = crm.deal(dealname="Vale")
    until(lambda: ear.got)
    before = len(events(ear))
    crm.act(number, "set", properties={"dealname": "Vale"})
    crm.act(number, "set", properties={"amount": "1"})
    until(lambda: ("amount", "1") in changes(ear))
    assert len(events(ear)) == before + 1


def test_a_batch_holds_at_most_a_hundred(crm, ear):
    crm.control.configure(hubspot={"subscriptions": ["deal.creation"], "batch_window": 0.5})
    inputs = [
        {"idProperty": "meshline_proposal_id", "id": str(n), "properties": {}} for n in range(100)
    ]
    assert crm.call("POST", "/objects/deals/batch/upsert", {"inputs": inputs}).status == 200
    crm.deal()
    until(lambda: len(events(ear)) == 101)
    assert max(len(batch) for batch in ear.bodies()) == 100


def test_a_retry_says_which_attempt_it_is_and_is_signed_anew(crm, ear):
    ear.statuses = [500]
    crm.deal(dealname="Vale")
    until(lambda: len(ear.got) == 2)
    first, second = ear.bodies()
    assert {one["attemptNumber"] for one in first} == {0}
    assert {one["attemptNumber"] for one in second} == {1}
    assert [one["eventId"] for one in first] == [one["eventId"] for one in second]


def test_a_deleted_deal_is_told_and_gone(crm, ear):
    number = crm.deal(dealname="Vale")
    assert crm.act(number, "delete").status == 200
    until(lambda: events(ear) and events(ear)[-1]["subscriptionType"] == "deal.deletion")
    assert crm.call("GET", f"/objects/deals/{number}").status == 404
    assert crm.act(number, "set", properties={"amount": "1"}).status == 404


def test_after_a_merge_the_old_id_leads_to_the_one_that_stays(crm, ear):
    stays = crm.deal(dealname="Vale")
    goes = crm.deal(dealname="Vale 2", meshline_proposal_id="17")
    assert crm.act(stays, "merge", other=goes).status == 200
    until(lambda: ("meshline_proposal_id", "17") in changes(ear)[-1:])
    [merge] = [one for one in events(ear) if one["subscriptionType"] == "deal.merge"]
    assert (merge["primaryObjectId"], merge["mergedObjectIds"]) == (int(stays), [int(goes)])
    read = crm.call("GET", f"/objects/deals/{goes}?properties=meshline_proposal_id,dealname").json
    assert (read["id"], read["properties"]["dealname"]) == (stays, "Vale")
    assert read["properties"]["meshline_proposal_id"] == "17"
    listed = crm.call("GET", "/objects/deals").json["results"]
    assert [one["id"] for one in listed] == [stays]
    assert crm.act(stays, "merge", other=goes).status == 400


def test_events_can_be_lost_doubled_and_held(crm, ear):
    narrow = {"subscriptions": ["deal.propertyChange"], "changes_first": False}
    crm.control.configure(hubspot=narrow)
    number = crm.deal()
    until(lambda: ear.got)
    ear.got.clear()
    crm.control.break_it(
        "hubspot",
        {"kind": "webhook_drop", "match": {"status": "lost"}},
        {"kind": "webhook_double", "match": {"status": "twice"}},
        {"kind": "webhook_hold"},
    )
    for value in ("lost", "twice", "held 1", "held 2"):
        crm.act(number, "set", properties={"dealname": value})
    until(lambda: len(changes(ear)) == 2)
    assert changes(ear) == [("dealname", "twice")] * 2
    assert len({one["eventId"] for one in events(ear)}) == 1
    released = crm.control.done("POST", "/hubspot/webhooks/release", {"order": "reversed"})
    assert released == {"released": 2}
    until(lambda: len(changes(ear)) == 4)
    assert [value for _, value in changes(ear)[2:]] == ["held 2", "held 1"]


def test_what_waits_outlives_a_restart(tmp_path):
    ear = Ear()
    sandbox = Sandbox(state_dir=tmp_path)
    sandbox.start()
    crm = Crm(sandbox)
    crm.control.configure(hubspot={"token": TOKEN, "webhook_url": ear.url})
    crm.control.break_it("hubspot", {"kind": "webhook_hold"})
    crm.deal(dealname="Vale")
    sandbox.stop()
    sandbox.start()
    assert ear.got == []
    crm.control.done("POST", "/hubspot/webhooks/release")
    until(lambda: ear.got)
    sandbox.stop()
    ear.close()


@pytest.mark.parametrize("wrong", [{"signature_version": "v4"}, {"signed_url": "x"}])
def test_a_configuration_nobody_understands_is_refused(crm, wrong):
    assert crm.control("POST", "/configure", {"hubspot": wrong}).status == 400
    shown = crm.control.done("GET", "/configure")["hubspot"]
    assert json.dumps(shown).count(SECRET) == 0
