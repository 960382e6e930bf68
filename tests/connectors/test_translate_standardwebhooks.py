"""The documented body for generic senders into ours; the page that documents it is tried here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.base import Ignored, Post
from connectors.parsing import Unreadable
from connectors.standardwebhooks import receive
from connectors.standardwebhooks.translate import KNOWN_TYPES, translate
from proposals.signals import FIELDS
from proposals.states import State
from tests import factories
from tests.factories import MONDAY, WHSEC, digest_all

DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "generic-webhooks.md"


def event(type="proposal.sent", timestamp="2026-03-02T09:30:00Z", **data):
    return {"type": type, "timestamp": timestamp, "data": {"id": "Q-1", **data}}


def told(body=None, **changes):
    return translate(json.dumps(body if body is not None else event(**changes)).encode())


def why_not(body=None, **changes):
    with pytest.raises(Unreadable) as caught:
        told(body, **changes)
    return str(caught.value)


# --- What it tells -------------------------------------------------------------------------------
def test_every_field_is_told():
    said = told(
        title="Website relaunch", amount={"amount": "1234.5", "currency": "eur"},
        owner={"email": "Remy@Example.com"}, source="pandadoc",
        contact={"name": "Nina Brook", "email": "Nina@Customer.example.com"},
    )  # fmt: skip
    assert (said.kind, said.external_id, said.about) == ("proposal.sent", "Q-1", "pandadoc")
    assert (said.target, said.occurred_at) == (State.SENT, MONDAY)
    assert said.fields == {
        "title": "Website relaunch", "amount": "1234.50", "currency": "EUR",
        "owner_email": "remy@example.com", "contact_name": "Nina Brook",
        "contact_email": "nina@customer.example.com",
    }  # fmt: skip


@pytest.mark.parametrize("state", list(State))
def test_each_state_may_be_said(state):
    assert told(type=f"proposal.{state}").target is state


def test_updated_says_fields_and_no_state():
    assert told(type="proposal.updated").target is None


@pytest.mark.parametrize("kind", ["proposal.frozen", "proposal.", "invoice.paid", "PROPOSAL.SENT"])
def test_other_types_are_ignored(kind):
    with pytest.raises(Ignored, match=re.escape(f"{kind} tells nothing of a proposal.")):
        told(type=kind)


# --- What it must have ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "The body must be an object with type, timestamp and data."),
        (17, "The body must be an object with type, timestamp and data."),
        ({}, "type is missing; it must be such as proposal.sent."),
        ({"type": None}, "type is missing; it must be such as proposal.sent."),
        ({"type": "proposal.sent"}, "data is missing; it must be the proposal."),
        ({"type": "proposal.sent", "data": "Q-1"}, "data is missing; it must be the proposal."),
        ({"type": "proposal.sent", "data": {}}, "data.id is missing"),
        ({"type": "proposal.sent", "data": {"id": ""}}, "data.id is missing"),
        ({"type": "proposal.sent", "data": {"id": None}}, "data.id is missing"),
        ({"type": "proposal.sent", "data": {"id": "a"}}, "timestamp is missing"),
    ],
)
def test_what_is_missing_is_named(body, said):
    assert said in why_not(body)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "timestamp is missing"),
        ("", "timestamp is missing"),
        ("2026-03-02T09:30:00", "the zone is not guessed"),
        ("soon", "not an ISO 8601 time"),
        (1772443800, "not an ISO 8601 time"),
        ("9999-12-31T00:00:00Z", "cannot be meant"),
    ],
)
def test_a_time_that_is_not_certain_is_a_ticket(written, said):
    assert said in why_not(timestamp=written)


@pytest.mark.parametrize("written", ["2026-03-02T09:30:00.1234567Z", "2026-03-02T10:30:00+01:00"])
def test_times_with_an_offset_are_taken(written):
    assert told(timestamp=written).occurred_at.replace(microsecond=0) == MONDAY


def test_a_whole_number_as_id_is_text_to_the_last_digit():
    assert told(id=9007199254740993).external_id == "9007199254740993"


# --- Money ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [("199", "EUR", "199.00"), ("199.00", "EUR", "199.00"), ("1500", "jpy", "1500"),
     ("1.234", "BHD", "1.234"), ("-3", "EUR", "-3.00")],
)  # fmt: skip
def test_money_is_exact_in_its_own_minor_units(amount, currency, kept):
    fields = told(amount={"amount": amount, "currency": currency}).fields
    assert (fields["amount"], fields["currency"]) == (kept, currency.upper())


@pytest.mark.parametrize(
    "amount",
    [
        "199", 199, 1.5, [], {}, {"amount": 199, "currency": "EUR"}, {"amount": "199"},
        {"amount": "199", "currency": None}, {"amount": None, "currency": "EUR"},
        {"amount": "", "currency": "EUR"}, {"amount": "1,5", "currency": "EUR"},
        {"amount": "1.5", "currency": "JPY"}, {"amount": "1.2345", "currency": "BHD"},
        {"amount": "1e500", "currency": "EUR"}, {"amount": "5", "currency": "EURO"},
        {"amount": "5", "currency": "\ud800"}, {"amount": "5", "currency": "E€R"},
    ],
)  # fmt: skip
def test_money_that_cannot_be_kept_exactly_is_a_ticket(amount):
    assert why_not(amount=amount).startswith("data.amount")


@pytest.mark.parametrize("body", [event(), event(amount=None)])
def test_no_amount_is_not_told(body):
    assert "amount" not in told(body).fields


# --- Null, empty, missing, odd -------------------------------------------------------------------
@pytest.mark.parametrize("value", [None, "", "  ", [], {}, "x", 5])
@pytest.mark.parametrize("field", ["owner", "contact"])
def test_odd_people_are_not_told_and_stop_nothing(field, value):
    assert told(**{field: value}).fields == {}


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_an_empty_title_is_not_told(value):
    assert "title" not in told(title=value).fields


def test_no_field_is_longer_than_what_is_kept_of_it():
    long = "x" * 5000
    fields = told(title=long, owner={"email": long}, contact={"name": long, "email": long}).fields
    assert {name for name, value in fields.items() if len(value) > FIELDS[name]} == set()


def test_extra_keys_are_allowed():
    assert told({**event(more={"a": 1}), "extra": [1]}).external_id == "Q-1"


def test_an_event_of_an_unknown_type_is_known_to_be_unknown_at_the_door():
    def known(kind):
        body = json.dumps({"type": kind}).encode()
        (element,) = receive.split(Post(body, {"webhook-id": "1"}, {}, MONDAY))
        return element.known

    assert known("proposal.sent")
    assert not known("lead.created")


# --- The page that documents it ------------------------------------------------------------------
def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)


def test_the_documented_body_tells_everything_it_shows():
    (body,) = blocks("json")
    said = translate(body.encode())
    assert set(said.fields) == set(FIELDS)
    assert said.about


def test_the_page_names_every_type():
    page = DOCUMENTED.read_text()
    assert {kind for kind in KNOWN_TYPES if f"`{kind}`" not in page} == set()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_documented_snippet_signs_what_we_accept(live_server):
    factories.staff()
    factories.standard()
    (snippet,) = blocks("python")
    snippet = snippet.replace("https://meshline.example.com", live_server.url)
    snippet = re.sub(r'"whsec_[^"]+"', f'"{WHSEC}"', snippet)
    ran = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "202" in ran.stdout
    assert "accepted" in ran.stdout
    assert digest_all() == 1
