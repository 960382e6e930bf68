"""PandaDoc's words into ours, event by event."""

import json
from datetime import UTC, datetime

import pytest

from connectors import registry
from connectors.base import Ignored, Post
from connectors.pandadoc import receive
from connectors.pandadoc.translate import KNOWN_EVENTS, STATES, translate
from connectors.parsing import Unreadable
from proposals.signals import FIELDS
from proposals.states import State
from tests.factories import MONDAY, document


def told(event=None, **changes):
    return translate(json.dumps(event or document(**changes)).encode())


def why_not(event=None, **changes):
    with pytest.raises(Unreadable) as caught:
        told(event, **changes)
    return str(caught.value)


def without(*names, **changes):
    event = document(**changes)
    for name in names:
        del event["data"][name]
    return event


# --- What it tells -------------------------------------------------------------------------------
def test_a_sent_document_is_a_proposal_that_was_sent():
    said = told()
    assert said.kind == "proposal.sent"
    assert said.external_id == "doc-1"
    assert said.occurred_at == MONDAY
    assert said.target is State.SENT
    assert said.about == ""
    assert said.fields == {
        "title": "Website relaunch",
        "amount": "1234.50",
        "currency": "EUR",
        "owner_email": "remy@example.com",
        "contact_name": "Nina Brook",
        "contact_email": "nina@customer.example.com",
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("draft", State.DRAFT),
        ("sent", State.SENT),
        ("viewed", State.VIEWED),
        ("completed", State.SIGNED),
        ("paid", State.SIGNED),
        ("declined", State.DISPUTED),
        ("rejected", State.DISPUTED),
        ("voided", State.EXPIRED),
        ("expired", State.EXPIRED),
    ],
)
def test_each_status_is_one_of_our_states(status, state):
    assert told(state=status).target is state


@pytest.mark.parametrize("status", [name for name, state in STATES.items() if state is None])
def test_a_step_of_pandadocs_own_moves_nothing(status):
    said = told(status=status)
    assert said.target is None
    assert said.kind == "proposal.updated"


@pytest.mark.parametrize("status", ["document.frozen", "sent", "", None, 2, {"a": 1}, "\ud800"])
def test_a_status_we_do_not_know_is_a_ticket_that_names_those_we_do(status):
    said = why_not(status=status)
    assert said.startswith("data.status is ")
    assert "draft, sent, viewed, completed" in said


@pytest.mark.parametrize("event", sorted(KNOWN_EVENTS - {"document_state_changed"}))
def test_only_a_change_of_state_says_a_state(event):
    said = told({**document("completed"), "event": event})
    assert said.target is None
    assert said.fields["amount"] == "1234.50"


@pytest.mark.parametrize(
    "event", ["quote_updated", "template_created", "document_completed_pdf_ready"]
)
def test_other_events_are_ignored_and_say_so(event):
    with pytest.raises(Ignored, match=f"{event} tells nothing of a proposal's state"):
        told({"event": event, "data": {}})


# --- What it must have ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[]", "An event must be an object with event and data."),
        (b"17", "An event must be an object with event and data."),
        (b"null", "An event must be an object with event and data."),
        (b"{}", "event is missing; it says what happened."),
        (b'{"event": null}', "event is missing; it says what happened."),
        (b'{"event": {"a": 1}}', "event is missing; it says what happened."),
        (b'{"event": "document_updated"}', "data is missing; it must be the document."),
        (b'{"event": "document_updated", "data": []}', "data is missing; it must be the document."),
        (b'{"event": "document_updated", "data": {}}', "data.id is missing"),
        (b'{"event": "document_updated", "data": {"id": ""}}', "data.id is missing"),
        (b'{"event": "document_updated", "data": {"id": null}}', "data.id is missing"),
        (b'{"event": "document_updated", "data": {"id": ["a"]}}', "data.id is missing"),
    ],
)
def test_what_is_missing_is_named(raw, said):
    with pytest.raises(Unreadable) as caught:
        translate(raw)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (9007199254740993, "9007199254740993"),
        (332507367156, "332507367156"),
        ("BhVzRcxH9Z2LgfPPGXFUBa", "BhVzRcxH9Z2LgfPPGXFUBa"),
        ("0042", "0042"),
    ],
)
def test_ids_are_text_to_the_last_digit(written, kept):
    assert told(id=written).external_id == kept


# --- When ----------------------------------------------------------------------------------------
def test_a_completed_document_without_a_change_date_counts_from_its_completion():
    event = without("date_modified", state="completed")
    event["data"]["date_completed"] = "2026-03-02T10:00:00.123456Z"
    assert told(event).occurred_at == datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "data.date_modified is missing"),
        ("", "data.date_modified is missing"),
        ("2026-03-02T09:30:00", "without Z or an offset; the zone is not guessed"),
        ("2026-03-02", "without Z or an offset"),
        ("9999-12-31T00:00:00Z", "cannot be meant"),
        (1772443800, "not an ISO 8601 time"),
    ],
)
def test_a_time_that_is_not_certain_is_a_ticket_never_a_guess(written, said):
    assert said in why_not(date_modified=written)


def test_a_missing_time_is_named():
    assert "data.date_modified is missing" in why_not(without("date_modified"))


@pytest.mark.parametrize(
    "written", ["2026-03-02T10:30:00+01:00", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00.0000000Z"]
)
def test_any_offset_is_the_same_moment(written):
    assert told(date_modified=written).occurred_at == MONDAY


# --- Money ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [
        ("199", "EUR", "199.00"),
        ("199.00", "EUR", "199.00"),
        (199, "EUR", "199.00"),
        (199.5, "EUR", "199.50"),
        ("0.00", "USD", "0.00"),
        ("1500", "JPY", "1500"),
        ("1.234", "BHD", "1.234"),
        ("10", "usd", "10.00"),
        ("-50.00", "EUR", "-50.00"),
    ],
)
def test_money_is_exact_in_its_own_minor_units(amount, currency, kept):
    fields = told(grand_total={"amount": amount, "currency": currency}).fields
    assert (fields["amount"], fields["currency"]) == (kept, currency.upper())


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ({"amount": "1500.5", "currency": "JPY"}, "finer than JPY allows"),
        ({"amount": "1.2345", "currency": "BHD"}, "finer than BHD allows"),
        ({"amount": "1e500", "currency": "EUR"}, "must be a decimal number"),
        ({"amount": "a lot", "currency": "EUR"}, "must be a decimal number"),
        ({"amount": "NaN", "currency": "EUR"}, "must be a decimal number"),
        ({"amount": True, "currency": "EUR"}, "must be a decimal number"),
        ({"amount": ["1"], "currency": "EUR"}, "must be a decimal number"),
        ({"amount": "5", "currency": "EURO"}, "is not a currency"),
        ({"amount": "5", "currency": None}, "is not a currency"),
        ({"amount": "5"}, "is not a currency"),
        ({"amount": "1e20", "currency": "EUR"}, "below 1,000,000,000,000,000"),
    ],
)
def test_money_that_cannot_be_kept_exactly_is_a_ticket(total, said):
    assert said in why_not(grand_total=total)


def test_an_endless_number_in_the_body_is_unreadable_before_it_is_money():
    raw = json.dumps(document()).replace('"1234.50"', "1e500").encode()
    with pytest.raises(Unreadable, match="too many digits"):
        translate(raw)


@pytest.mark.parametrize("total", [None, {}, {"amount": None}, {"amount": ""}, [], "199", 5])
def test_no_amount_is_not_told_rather_than_nothing(total):
    assert not {"amount", "currency"} & set(told(grand_total=total).fields)


# --- Null, empty, missing ------------------------------------------------------------------------
@pytest.mark.parametrize("value", [None, "", "   ", {}, []])
@pytest.mark.parametrize("field", ["name", "created_by", "recipients", "grand_total"])
def test_what_is_null_empty_or_odd_is_not_told(field, value):
    names = {"name": {"title"}, "created_by": {"owner_email"}, "grand_total": {"amount"},
             "recipients": {"contact_name", "contact_email"}}  # fmt: skip
    assert not names[field] & set(told(**{field: value}).fields)
    assert not names[field] & set(told(without(field)).fields)


def test_whoever_sent_it_owns_it_rather_than_whoever_made_it():
    assert told(sent_by={"email": "Sam@Example.com"}).fields["owner_email"] == "sam@example.com"


def test_the_first_signer_is_whom_it_is_about():
    people = [
        {"first_name": "Cora", "email": "cc@x.example.com", "recipient_type": "CC"},
        {"first_name": "Sina", "last_name": None, "email": "S@X.example.com",
         "recipient_type": "signer"},
    ]  # fmt: skip
    fields = told(recipients=people).fields
    assert (fields["contact_name"], fields["contact_email"]) == ("Sina", "s@x.example.com")


@pytest.mark.parametrize("people", [["Nina"], [None], [{"email": 5}], "Nina", {"email": "a"}])
def test_odd_recipients_stop_nothing(people):
    assert told(recipients=people).external_id == "doc-1"


def test_no_field_is_longer_than_what_is_kept_of_it():
    long = "x" * 5000
    fields = told(
        name=long, created_by={"email": long},
        recipients=[{"first_name": long, "last_name": long, "email": long}],
    ).fields  # fmt: skip
    assert {name for name, value in fields.items() if len(value) > FIELDS[name]} == set()


def test_characters_no_column_takes_are_replaced():
    assert told(name="a\0b\ud800").fields["title"] == "a\N{REPLACEMENT CHARACTER}b?"


def test_keys_we_do_not_know_are_passed_over():
    event = document(shared_link="", tokens=[{"a": 1}], version="2")
    event["more"] = {"a": [1]}
    assert told(event).external_id == "doc-1"


# --- Cutting a post into events ------------------------------------------------------------------
def split(body, event_id="evt-1"):
    return receive.split(Post(body, {receive.EVENT_ID: event_id}, {}, MONDAY))


def test_the_events_of_one_post_have_keys_of_their_own():
    found = split(json.dumps([document(), {"event": "quote_updated"}, document()]).encode())
    assert [one.key for one in found] == ["evt-1", "evt-1:1", "evt-1:2"]
    assert [one.known for one in found] == [True, False, True]


def test_a_long_event_id_leaves_room_for_the_place():
    found = split(b"[{},{}]", event_id="x" * 500)
    assert len(found[1].key) <= 300
    assert found[0].key != found[1].key


def test_the_registry_knows_how_pandadoc_is_read():
    assert registry.system("pandadoc").emitter.translate is translate
