"""The stand-in for Stripe, seen by Stripe's own library: it bills, remembers keys, and tells."""

import http.client
import json
import threading
from urllib.parse import urlencode

import pytest
import stripe

from connectors.sandbox import Sandbox
from tests.connectors.standins import Backdoor, Ear, ask, until

KEY = "sk_test_invented"
SECRET = "whsec_invented"


class Billing:
    """The stand-in with its back door, its own library, and plain calls."""

    def __init__(self, sandbox):
        self.control = Backdoor(sandbox)
        self.base = f"{sandbox.url}/stripe"
        self.sdk = stripe.StripeClient(
            KEY, base_addresses={"api": self.base}, max_network_retries=0
        )

    def post(self, path, *, key="", auth=f"Bearer {KEY}", **params):
        """A form without the library; `metadata__k` is `metadata[k]`."""
        names = {name: _bracketed(name) for name in params}
        form = urlencode({names[name]: value for name, value in params.items()}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": auth}
        if key:
            headers["Idempotency-Key"] = key
        return ask(f"{self.base}/v1{path}", "POST", form, **headers)

    def get(self, path):
        return ask(f"{self.base}/v1{path}", Authorization=f"Bearer {KEY}")

    def customer(self, **params):
        return self.sdk.v1.customers.create({"email": "kim@vale.example", **params})

    def invoice(self, amount=123450, currency="eur", **params):
        """A draft over one item."""
        customer = self.customer()
        terms = {"collection_method": "send_invoice", "days_until_due": 14}
        invoice = self.sdk.v1.invoices.create(
            {"customer": customer.id, "currency": currency, **terms, **params}
        )
        item = {"customer": customer.id, "invoice": invoice.id, "currency": currency}
        self.sdk.v1.invoice_items.create({**item, "amount": amount, "description": "Offer"})
        return invoice.id

    def open_invoice(self, **params):
        number = self.invoice(**params)
        self.sdk.v1.invoices.finalize_invoice(number)
        return number

    def act(self, number, act, **body):
        return self.control("POST", f"/stripe/invoices/{number}/{act}", body)

    def made(self, kind, action="created"):
        return self.control.effects("stripe")["counts"].get(kind, {}).get(action, 0)


def _bracketed(name):
    head, *rest = name.split("__")
    return head + "".join(f"[{part}]" for part in rest)


@pytest.fixture
def billing():
    with Sandbox() as sandbox:
        found = Billing(sandbox)
        found.control.configure(stripe={"api_key": KEY, "webhook_secret": SECRET, "search_lag": 0})
        yield found


@pytest.fixture
def ear(billing):
    ear = Ear("/hooks/stripe/")
    billing.control.configure(stripe={"webhook_url": ear.url, "retry_delays": [0.02, 0.02]})
    yield ear
    ear.close()


# Stripe's own library


def test_an_invoice_from_customer_to_open(billing):
    customer = billing.customer(name="Vale Harbour", metadata={"meshline_account": "7"})
    assert customer.id.startswith("cus_")
    assert [one.id for one in billing.sdk.v1.customers.list({"email": "kim@vale.example"})] == [
        customer.id
    ]
    number = billing.invoice(metadata={"meshline_proposal_id": "17"}, description="Offer 17")
    draft = billing.sdk.v1.invoices.retrieve(number)
    assert (draft.status, draft.number, draft.total) == ("draft", None, 123450)
    assert draft.lines.data[0].parent.invoice_item_details.invoice_item.startswith("ii_")
    opened = billing.sdk.v1.invoices.finalize_invoice(number)
    assert (opened.status, opened.amount_due, opened.currency) == ("open", 123450, "eur")
    assert opened.metadata["meshline_proposal_id"] == "17"
    assert opened.number.endswith("-0001")
    assert opened.due_date > opened.created
    assert "payment_intent" not in opened
    assert "charge" not in opened
    page = ask(opened.hosted_invoice_url)
    assert (page.status, b"1234.50 EUR" in page.raw) == (200, True)
    sent = billing.sdk.v1.invoices.send_invoice(number)
    assert sent.status == "open"
    paid = billing.sdk.v1.invoices.pay(number, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)


def test_the_library_hears_stripes_own_words_when_it_is_refused(billing):
    number = billing.invoice()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        billing.sdk.v1.invoices.void_invoice(number)
    assert "isn't open" in refused.value.user_message
    with pytest.raises(stripe.InvalidRequestError) as refused:
        billing.sdk.v1.invoices.retrieve("in_nobody")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": billing.base})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.customers.list()


def test_the_library_retries_a_lost_answer_and_nobody_is_billed_twice(billing):
    billing.sdk = stripe.StripeClient(
        KEY, base_addresses={"api": billing.base}, max_network_retries=2
    )
    customer = billing.customer()
    lost = {"kind": "commit_then_reset", "times": 1, "match": {"method": "POST"}}
    billing.control.break_it("stripe", lost)
    asked = {"customer": customer.id, "metadata": {"meshline_proposal_id": "17"}}
    invoice = billing.sdk.v1.invoices.create(asked, {"idempotency_key": "bill-17"})
    assert billing.control.effects("stripe")["by_key"] == {
        "invoices:metadata.meshline_proposal_id=17": {"created": 1},
        "invoices:idempotency=bill-17": {"created": 1},
    } | _automatic(billing)
    assert [one.id for one in billing.sdk.v1.invoices.list()] == [invoice.id]


def _automatic(billing):
    """What the library's own keys, made up for each call, account for."""
    by_key = billing.control.effects("stripe")["by_key"]
    return {name: counts for name, counts in by_key.items() if name.startswith("customers:")}


# Whose key, which form


@pytest.mark.parametrize("auth", ["", "Bearer wrong", "Basic !!", f"Token {KEY}"])
def test_only_its_key_is_answered(billing, auth):
    refused = billing.post("/customers", auth=auth)
    assert (refused.status, refused.json["error"]["type"]) == (401, "invalid_request_error")
    assert KEY not in refused.raw.decode()


def test_the_key_may_come_as_the_user_of_basic(billing):
    assert billing.post("/customers", auth="Basic c2tfdGVzdF9pbnZlbnRlZDo=").status == 200


def test_json_is_not_a_form_and_an_unknown_parameter_is_a_400(billing):
    url, auth = f"{billing.base}/v1/customers", f"Bearer {KEY}"
    assert ask(url, "POST", {"email": "a@b.example"}, Authorization=auth).status == 400
    refused = billing.post("/customers", colour="red")
    assert refused.json["error"]["code"] == "parameter_unknown"
    assert billing.get("/nowhere").json["error"]["message"].startswith("Unrecognized request URL")
    assert billing.made("customers") == 0


def test_metadata_has_limits_and_an_empty_value_removes(billing):
    many = {f"metadata__k{n}": "v" for n in range(51)}
    assert billing.post("/customers", **many).status == 400
    assert billing.post("/customers", **{"metadata__" + "k" * 41: "v"}).status == 400
    assert billing.post("/customers", metadata__k="v" * 501).status == 400
    number = billing.post("/customers", metadata__a="1", metadata__b="2").json["id"]
    changed = billing.post(f"/customers/{number}", metadata__a="", metadata__c="3")
    assert changed.json["metadata"] == {"b": "2", "c": "3"}


# Money


@pytest.mark.parametrize(
    ("currency", "amount", "status"),
    [
        ("jpy", 1234, 200),
        ("KWD", 12340, 200),
        ("kwd", 12345, 400),
        ("isk", 12345, 400),
        ("ugx", 12300, 200),
        ("xyz", 100, 400),
        ("eur", "12.50", 400),
        ("eur", "1e3", 400),
    ],
)
def test_amounts_are_whole_coins_of_a_known_currency(billing, currency, amount, status):
    customer = billing.customer().id
    made = billing.post("/invoiceitems", customer=customer, amount=amount, currency=currency)
    assert made.status == status
    assert billing.made("invoiceitems") == (1 if status == 200 else 0)


def test_an_invoice_adds_up_its_own_items_only(billing):
    number = billing.invoice(amount=1000)
    customer = billing.get(f"/invoices/{number}").json["customer"]
    billing.post("/invoiceitems", customer=customer, amount=5, currency="eur")
    item = {"customer": customer, "invoice": number, "currency": "eur"}
    billing.post("/invoiceitems", **item, quantity=3, unit_amount_decimal="33.335")
    assert billing.post("/invoiceitems", **item | {"currency": "usd"}, amount=5).status == 400
    assert billing.get(f"/invoices/{number}").json["total"] == 1100
    assert len(billing.get(f"/invoiceitems?invoice={number}").json["data"]) == 2
    billing.post(f"/invoices/{number}/finalize")
    refused = billing.post("/invoiceitems", **item, amount=5)
    assert refused.json["error"]["code"] == "invoice_not_editable"


# The life of an invoice


def test_only_what_its_state_allows_can_be_done(billing):
    number = billing.open_invoice()
    assert billing.post(f"/invoices/{number}/finalize").status == 400
    assert billing.post(f"/invoices/{number}", description="new").status == 400
    assert billing.post(f"/invoices/{number}", metadata__k="v").json["metadata"] == {"k": "v"}
    assert billing.post(f"/invoices/{number}/mark_uncollectible").json["status"] == "uncollectible"
    voided = billing.post(f"/invoices/{number}/void").json
    assert (voided["status"], voided["status_transitions"]["voided_at"] > 0) == ("void", True)
    for act in ("pay", "send", "void", "mark_uncollectible", "finalize"):
        assert billing.post(f"/invoices/{number}/{act}").status == 400


def test_sending_a_draft_finalizes_it_and_nothing_owed_is_paid(billing):
    assert billing.post(f"/invoices/{billing.invoice()}/send").json["status"] == "open"
    assert billing.post(f"/invoices/{billing.invoice(amount=0)}/finalize").json["status"] == "paid"
    customer = billing.customer().id
    automatic = billing.post("/invoices", customer=customer).json["id"]
    assert billing.post(f"/invoices/{automatic}/send").status == 400


def test_paying_needs_a_card_and_a_card_may_be_declined(billing):
    number = billing.open_invoice()
    assert billing.post(f"/invoices/{number}/pay").status == 400
    declined = billing.post(f"/invoices/{number}/pay", payment_method="pm_card_chargeDeclined")
    assert (declined.status, declined.json["error"]["type"]) == (402, "card_error")
    assert billing.get(f"/invoices/{number}").json["attempt_count"] == 1
    paid = billing.post(f"/invoices/{number}/pay", payment_method="pm_card_visa").json
    assert (paid["status"], "payments" in paid) == ("paid", False)
    [payment] = billing.get(f"/invoice_payments?invoice={number}").json["data"]
    assert payment["payment"]["type"] == "payment_intent"
    asked = billing.get(f"/invoices/{number}?expand[]=payments").json
    assert asked["payments"]["data"][0]["id"] == payment["id"]


def test_a_quote_is_finalized_and_accepted(billing):
    customer = billing.customer().id
    price = {"line_items__0__price_data__currency": "eur"}
    price |= {"line_items__0__price_data__unit_amount": 500, "line_items__0__quantity": 3}
    quote = billing.post("/quotes", customer=customer, **price).json
    assert (quote["amount_total"], quote["status"]) == (1500, "draft")
    assert billing.post(f"/quotes/{quote['id']}/accept").status == 400
    billing.post(f"/quotes/{quote['id']}/finalize")
    done = billing.post(f"/quotes/{quote['id']}/accept").json
    assert (done["status"], "line_items" in done) == ("accepted", False)
    # The draft it becomes: it says of which quote it was made, and has a line for each of its own.
    made = billing.get(f"/invoices/{done['invoice']}").json
    assert (made["status"], made["total"]) == ("draft", 1500)
    assert made["billing_reason"] == "quote_accept"
    assert made["parent"]["quote_details"] == {"quote": quote["id"]}
    assert [line["amount"] for line in made["lines"]["data"]] == [1500]


def test_a_quote_that_was_canceled_becomes_no_invoice(billing):
    quote = billing.post("/quotes", customer=billing.customer().id).json
    assert billing.post(f"/quotes/{quote['id']}/cancel").json["invoice"] is None
    assert billing.post(f"/quotes/{quote['id']}/accept").status == 400
    assert billing.get("/invoices").json["data"] == []


# Lists and searches


def test_lists_come_newest_first_and_page_by_page(billing):
    numbers = [billing.post("/customers", email=f"{n % 2}@b.example").json["id"] for n in range(5)]
    first = billing.get("/customers?limit=2").json
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (numbers[:2:-1], True)
    rest = billing.get(f"/customers?limit=3&starting_after={numbers[3]}").json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (numbers[2::-1], False)
    odd = billing.get("/customers?email=1%40b.example").json["data"]
    assert [one["id"] for one in odd] == [numbers[3], numbers[1]]
    assert billing.get("/customers?limit=101").status == 400
    assert billing.get("/customers?starting_after=cus_nobody").status == 400
    assert billing.get("/customers?created[gte]=2000000000").json["data"] == []


def test_the_search_lags_behind_and_the_list_does_not(billing):
    billing.control.configure(stripe={"search_lag": 60})
    number = billing.invoice(metadata={"meshline_proposal_id": "17"})
    query = urlencode({"query": "metadata['meshline_proposal_id']:'17' AND status:'draft'"})
    assert billing.get(f"/invoices/search?{query}").json["data"] == []
    assert [one["id"] for one in billing.get("/invoices?status=draft").json["data"]] == [number]
    billing.control.configure(stripe={"search_lag": 0})
    other = billing.invoice(metadata={"meshline_proposal_id": "17"})
    found = billing.get(f"/invoices/search?{query}").json
    assert [one["id"] for one in found["data"]] == [other]
    assert billing.get("/invoices/search?query=nonsense").status == 400


# Once, or again


def test_the_same_key_is_the_same_answer(billing):
    first = billing.post("/customers", key="k1", email="a@b.example")
    again = billing.post("/customers", key="k1", email="a@b.example")
    assert again.raw == first.raw
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert billing.made("customers") == 1


def test_the_same_key_with_other_parameters_is_refused(billing):
    billing.post("/customers", key="k1", email="a@b.example")
    other = billing.post("/customers", key="k1", email="c@d.example")
    assert (other.status, other.json["error"]["type"]) == (400, "idempotency_error")
    assert billing.made("customers") == 1


def test_a_key_in_flight_is_a_409_and_is_not_remembered(tmp_path):
    """The first call takes longer than anybody waits, and ends with the vendor's restart."""
    sandbox = Sandbox(state_dir=tmp_path)
    sandbox.start()
    billing = Billing(sandbox)
    billing.control.configure(stripe={"api_key": KEY})
    billing.control.break_it("stripe", {"kind": "work_slowly", "seconds": 60, "times": 1})
    cut = []

    def slow():
        try:
            billing.post("/customers", key="k1", email="a@b.example")
        except (OSError, http.client.HTTPException) as error:
            cut.append(error)

    thread = threading.Thread(target=slow)
    thread.start()
    busy = until(lambda: _refused_as_busy(billing))
    assert busy.json["error"]["code"] == "idempotency_key_in_use"
    assert billing.post("/customers", key="k2", email="a@b.example").status == 200
    sandbox.stop()
    thread.join(timeout=10)
    assert cut
    sandbox.start()
    again = billing.post("/customers", key="k1", email="a@b.example")
    assert (again.status, "Idempotent-Replayed" in again.headers) == (200, False)
    sandbox.stop()


def _refused_as_busy(billing):
    """Asked once the slow call has met the fault, and with what nobody understands: should it still
    come too early, it is refused and nothing is kept."""
    if not billing.control.done("GET", "/faults/stripe")["faults"][0]["seen"]:
        return None
    answer = billing.post("/customers", key="k1", colour="red")
    return answer if answer.status == 409 else None


def test_after_the_keys_are_forgotten_the_same_call_is_a_second_one(billing):
    billing.post("/customers", key="k1", email="a@b.example")
    assert billing.control.done("POST", "/stripe/forget-keys") == {"forgotten": 1}
    assert (
        "Idempotent-Replayed"
        not in billing.post("/customers", key="k1", email="a@b.example").headers
    )
    assert billing.control.effects("stripe")["by_key"] == {
        "customers:idempotency=k1": {"created": 2}
    }
    billing.control.configure(stripe={"key_seconds": 0})
    billing.post("/customers", key="k1", email="a@b.example")
    assert billing.made("customers") == 3


@pytest.mark.parametrize(("code", "then"), [(500, 500), (429, 200), (409, 200), (503, 200)])
def test_a_500_is_remembered_and_a_429_is_not(billing, code, then):
    billing.control.break_it("stripe", {"kind": "status", "code": code, "times": 1})
    assert billing.post("/customers", key="k1", email="a@b.example").status == code
    assert billing.post("/customers", key="k1", email="a@b.example").status == then


def test_what_was_refused_before_it_began_is_not_remembered(billing):
    assert billing.post("/invoices", key="k1").json["error"]["code"] == "parameter_missing"
    customer = billing.customer().id
    assert billing.post("/invoices", key="k1", customer=customer).status == 200


@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_hang", "ghost_200"])
def test_after_a_lost_answer_the_retry_finds_what_was_really_done(billing, kind):
    seconds = {"seconds": 0.05} if kind == "commit_then_hang" else {}
    billing.control.break_it("stripe", {"kind": kind, "times": 1, **seconds})
    try:
        billing.post("/customers", key="k1", email="a@b.example")
    except OSError:
        assert kind != "ghost_200"
    again = billing.post("/customers", key="k1", email="a@b.example")
    replayed = again.headers.get("Idempotent-Replayed") == "true"
    assert (again.status, replayed) == (200, kind != "ghost_200")
    assert billing.made("customers") == 1


def test_keys_outlive_a_restart(tmp_path):
    sandbox = Sandbox(state_dir=tmp_path)
    sandbox.start()
    billing = Billing(sandbox)
    billing.control.configure(stripe={"api_key": KEY})
    first = billing.post("/customers", key="k1", email="a@b.example")
    sandbox.stop()
    sandbox.start()
    assert billing.post("/customers", key="k1", email="a@b.example").raw == first.raw
    sandbox.stop()


def test_too_many_calls_are_throttled_as_stripe_does(billing):
    billing.control.configure(stripe={"rate_limit": {"per_second": 0}})
    refused = billing.post("/customers")
    assert (refused.status, refused.json["error"]["code"]) == (429, "rate_limit")
    assert refused.headers["Stripe-Rate-Limited-Reason"]
    told = {"kind": "status", "code": 429, "headers": {"Stripe-Should-Retry": "true"}}
    billing.control.break_it("stripe", told | {"policy": "lock_timeout"})
    refused = billing.post("/customers")
    assert refused.headers["Stripe-Should-Retry"] == "true"
    assert refused.json["error"]["code"] == "lock_timeout"


# What it tells


def told(ear):
    return [event["type"] for event in ear.bodies()]


def test_the_library_accepts_what_is_signed(billing, ear):
    number = billing.open_invoice(metadata={"meshline_proposal_id": "17"})
    until(lambda: "invoice.finalized" in told(ear))
    _, headers, body = ear.got[told(ear).index("invoice.finalized")]
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
    assert event.id.startswith("evt_")
    assert event.api_version == "2026-10-28.endive"
    assert (event.data.object.id, event.data.object.status) == (number, "open")
    assert event.request.id.startswith("req_")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", headers["Stripe-Signature"], SECRET)


def test_while_a_secret_is_rotated_either_fits(billing, ear):
    rotating = {"webhook_secret": "whsec_new", "webhook_secret_old": SECRET, "sign_v0": True}
    billing.control.configure(stripe=rotating)
    billing.customer()
    _, headers, body = until(lambda: ear.got)[0]
    for secret in (SECRET, "whsec_new"):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    assert headers["Stripe-Signature"].count("v1=") == 2
    assert ",v0=" in headers["Stripe-Signature"]


def test_the_whole_life_of_an_invoice_is_told(billing, ear):
    number = billing.open_invoice()
    billing.act(number, "fail")
    billing.act(number, "overdue")
    billing.act(number, "pay")
    billing.act(number, "dispute", reason="fraudulent")
    billing.act(number, "lose_dispute")
    billing.act(number, "credit", amount=100)
    other = billing.open_invoice()
    billing.post(f"/invoices/{other}/pay", paid_out_of_band="true")
    until(lambda: told(ear).count("invoice.paid") == 2)
    wanted = {
        *("customer.created", "invoice.created", "invoiceitem.created", "invoice.updated"),
        *("invoice.finalized", "invoice.payment_failed", "invoice.overdue", "invoice.paid"),
        *("invoice.payment_succeeded", "charge.failed", "charge.succeeded"),
        *("charge.dispute.created", "charge.dispute.closed", "credit_note.created"),
    }
    until(lambda: set(told(ear)) == wanted)
    # Money that came another way is no payment that succeeded.
    assert told(ear).count("invoice.payment_succeeded") == 1
    events = billing.get("/events?types[]=invoice.paid&types[]=invoice.overdue").json["data"]
    assert [one["type"] for one in events] == ["invoice.paid", "invoice.paid", "invoice.overdue"]
    assert events[1]["request"] == {"id": None, "idempotency_key": None}
    assert events[0]["request"]["id"].startswith("req_")


def test_an_update_says_how_it_was_before(billing, ear):
    number = billing.open_invoice()
    until(lambda: told(ear).count("invoice.updated") == 2)
    before = {
        event["data"]["object"]["status"]: event["data"]["previous_attributes"]
        for event in ear.bodies()
        if event["type"] == "invoice.updated"
    }
    assert before["open"]["status"] == "draft"
    assert before["draft"]["total"] == 0
    assert billing.get(f"/invoices/{number}").json["status"] == "open"


def test_a_repeat_keeps_its_id_and_says_that_fewer_wait(billing, ear):
    ear.statuses = [500, 302]
    billing.customer()
    until(lambda: len(ear.got) == 3)
    assert [event["pending_webhooks"] for event in ear.bodies()] == [2, 1, 1]
    assert len({event["id"] for event in ear.bodies()}) == 1
    until(lambda: billing.get("/events?delivery_success=true").json["data"])


def test_held_webhooks_are_let_go_in_another_order(billing, ear):
    billing.control.break_it("stripe", {"kind": "webhook_hold"})
    number = billing.open_invoice()
    assert ear.got == []
    assert billing.control.done("POST", "/stripe/webhooks/release", {"order": "reversed"}) == {
        "released": 6
    }
    until(lambda: len(ear.got) == 6)
    assert told(ear)[-1] == "customer.created"
    assert told(ear).index("invoice.finalized") < told(ear).index("invoice.created")
    event = ear.bodies()[0]["id"]
    billing.control.done("POST", "/stripe/webhooks/resend", {"id": event})
    until(lambda: len(ear.got) == 7)
    assert ear.bodies()[-1]["id"] == event
    assert billing.control("POST", "/stripe/webhooks/release", {"order": "odd"}).status == 400
    assert billing.get(f"/invoices/{number}").json["status"] == "open"


@pytest.mark.parametrize(("kind", "count"), [("webhook_double", 2), ("webhook_drop", 0)])
def test_webhooks_can_be_doubled_and_lost(billing, ear, kind, count):
    billing.control.break_it("stripe", {"kind": kind, "match": {"event": "customer.created"}})
    number = billing.invoice()
    until(lambda: told(ear).count("invoice.updated") == 1)
    until(lambda: told(ear).count("customer.created") == count)
    assert billing.get(f"/invoices/{number}").status == 200


# A person at the screen


def test_a_person_hears_a_sentence_when_it_cannot_be(billing):
    number = billing.open_invoice()
    refused = billing.act(number, "dispute")
    assert refused.status == 400
    assert refused.json["error"].endswith(".")
    paid = billing.act(number, "pay").json
    assert (paid["status"], paid["actions"]) == (
        "paid",
        ["dispute", "win_dispute", "lose_dispute", "credit"],
    )
    assert billing.act(number, "dispute").status == 200
    assert billing.act(number, "dispute").status == 400
    assert billing.act("in_nobody", "pay").status == 404
    assert billing.control("POST", f"/stripe/invoices/{number}/eat").status == 404


def test_a_person_makes_an_invoice_and_edits_its_metadata(billing):
    asked = {"email": "kim@vale.example", "amount": 500, "currency": "jpy"}
    made = billing.control.done("POST", "/stripe/invoices", asked)
    assert (made["total"], made["status"]) == (500, "draft")
    edit = {"metadata": {"meshline_proposal_id": "9"}}
    billing.control.done("POST", f"/stripe/invoices/{made['id']}/metadata", edit)
    assert billing.get(f"/invoices/{made['id']}").json["metadata"] == edit["metadata"]
    effects = billing.control.effects("stripe")["effects"]
    assert {one["made_by"] for one in effects} == {"person"}
    wrong = billing.control("POST", "/stripe/invoices", asked | {"amount": "5.00"})
    assert (wrong.status, wrong.json["field"]) == (400, "amount")


def test_the_pages_escape_what_they_show(billing):
    name = "<script>alert(1)</script>"
    customer = billing.customer(name=name)
    number = billing.open_invoice(description=name)
    for path in (f"/customers/{customer.id}", f"/invoices/{number}"):
        page = ask(f"{billing.base}/app{path}")
        assert page.status == 200
        assert b"<script" not in page.raw
        assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert ask(f"{billing.base}/app/invoices/in_nobody").status == 404
    assert ask(billing.control.url).status == 200


def test_a_body_that_is_no_text_is_a_400(billing):
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"Bearer {KEY}",
    }
    assert ask(f"{billing.base}/v1/customers", "POST", b"\xff=1", **headers).status == 400
    assert json.loads(billing.get("/customers").raw)["data"] == []
