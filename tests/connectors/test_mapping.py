"""What a mapping may say, and what it makes of a message: the pure rule, and the connectors."""

import json

import pytest

from connectors import mapping, registry
from connectors.base import Ignored
from connectors.mapping import Mapped, MappingError
from connectors.parsing import Unreadable
from proposals.states import State
from tests.factories import document

OWNER = {"fields": {"owner_email": "data.metadata.rep"}}


def tell(content, event, system="pandadoc"):
    emitter = registry.system(system).emitter
    return emitter.tell(json.dumps(event).encode(), {}, mapping.read(content))


def deal(stage):
    return {
        "eventId": 1, "objectId": 7, "subscriptionType": "deal.propertyChange",
        "propertyName": "dealstage", "propertyValue": stage, "occurredAt": 1772443800000,
    }  # fmt: skip


def quote(**changes):
    thing = {
        "id": "qt_1", "object": "quote", "status": "open", "amount_total": 123450,
        "amount_subtotal": 100000, "currency": "eur", "number": "QT-1",
        "metadata": {"rep": "Sam@Example.com", "half": "1.5"}, **changes,
    }  # fmt: skip
    return {"type": "quote.finalized", "created": 1772443800, "data": {"object": thing}}


# --- What it may say ------------------------------------------------------------------------------
def test_a_mapping_comes_back_as_it_was_written():
    said = {"words": {"a": "sent", "b": "nothing"}, "fields": {"title": "data.list.0.name"}}
    read = mapping.read(said)
    assert read.words == {"a": State.SENT, "b": None}
    assert read.fields == {"title": ("data", "list", "0", "name")}
    assert read.as_json() == said
    assert mapping.read({}) == mapping.NOTHING_MAPPED


@pytest.mark.parametrize(
    ("content", "part", "row", "sentence"),
    [
        ([], "", 0, "says words and fields"),
        ({"words": {}, "more": {}}, "", 0, "says words and fields"),
        ({"words": []}, "words", 0, "one to the other"),
        ({"words": {"a": "sent", "b": "approved"}}, "words", 2, "“approved” is no state"),
        ({"words": {"a": None}}, "words", 1, "“None” is no state"),
        ({"words": {"a": ["sent"]}}, "words", 1, "is no state"),
        ({"words": {"": "sent"}}, "words", 1, "Write the word"),
        ({"words": {" a": "sent"}}, "words", 1, "no spaces around"),
        ({"words": {"a\0": "sent"}}, "words", 1, "printable"),
        ({"words": {"a" * 121: "sent"}}, "words", 1, "at most 120"),
        ({"words": {f"w{n}": "sent" for n in range(101)}}, "words", 101, "At most 100 words"),
        ({"words": {f"w{n}": "sent" for n in range(10_000)}}, "words", 101, "here are 10,000"),
        ({"fields": {"title": "a", "colour": "a"}}, "fields", 2, "no field “colour”"),
        ({"fields": {"lead_score": "a"}}, "fields", 1, "there is title, amount, currency"),
        ({"fields": {"title": ""}}, "fields", 1, "Write a path"),
        ({"fields": {"title": 7}}, "fields", 1, "Write a path"),
        ({"fields": {"title": "a..b"}}, "fields", 1, "“” is no step"),
        ({"fields": {"title": "a. b"}}, "fields", 1, "is no step"),
        ({"fields": {"title": "a[0]"}}, "fields", 1, "“a[0]” is no step"),
        ({"fields": {"title": "data.__class__.x"}}, "fields", 1, "“__class__” is no step"),
        ({"fields": {"title": "data.\0"}}, "fields", 1, "printable"),
        ({"fields": {"title": "a" * 10_240}}, "fields", 1, "this has 10,240"),
        ({"fields": {"title": ".".join("abcdefghijk")}}, "fields", 1, "this has 11"),
        ({"fields": {"currency": "a.b"}}, "fields", 1, "map the amount, too"),
        ({"fields": {str(n): "a" for n in range(21)}}, "fields", 21, "At most 20 fields"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_place(content, part, row, sentence):
    with pytest.raises(MappingError) as caught:
        mapping.read(content)
    assert sentence in str(caught.value)
    assert (caught.value.part, caught.value.row) == (part, row)


def test_the_same_word_twice_is_refused_at_the_second():
    with pytest.raises(MappingError, match="“a” stands twice") as caught:
        mapping.of_rows([("a", "sent"), ("b", "sent"), ("a", "viewed")], [])
    assert (caught.value.part, caught.value.row) == ("words", 3)


@pytest.mark.parametrize(
    ("content", "has_words", "lowered", "fields", "sentence"),
    [
        ({"words": {"a": "sent"}}, False, False, (), "No word of this system"),
        ({"words": {"ClosedWon": "sent"}}, True, True, (), "small letters"),
        ({"fields": {"title": "a"}}, True, False, ("amount",), "tell no such field"),
    ],
)
def test_what_a_connector_has_no_use_for_is_refused(content, has_words, lowered, fields, sentence):
    with pytest.raises(MappingError, match=sentence):
        mapping.check(mapping.read(content), has_words=has_words, lowered=lowered, fields=fields)


# --- Words ----------------------------------------------------------------------------------------
def test_a_word_is_added_changed_or_made_to_say_nothing():
    words = {"words": {
        "document.in_legal_review": "sent", "document.voided": "closed-lost",
        "document.expired": "nothing",
    }}  # fmt: skip
    told = tell(words, document("in_legal_review"))
    assert (told.kind, told.target) == ("proposal.sent", State.SENT)
    assert tell(words, document("voided")).target is State.CLOSED_LOST
    told = tell(words, document("expired"))
    assert (told.kind, told.target) == ("proposal.updated", None)
    assert told.fields["title"] == "Website relaunch"
    assert tell(words, document("viewed")).target is State.VIEWED
    with pytest.raises(Unreadable, match="unheard"):
        tell(words, document("unheard"))


def test_a_stage_of_another_pipeline_closes_a_deal():
    words = {"words": {"98765": "closed-won", "closedlost": "nothing"}}
    told = tell(words, deal("98765"), "hubspot")
    assert (told.kind, told.target, told.is_secondary) == ("deal.closed-won", "closed-won", True)
    assert tell(words, deal("ClosedWon"), "hubspot").target is State.CLOSED_WON
    for stage in ("closedlost", "4711"):
        with pytest.raises(Ignored, match="closes nothing"):
            tell(words, deal(stage), "hubspot")


# --- Fields ---------------------------------------------------------------------------------------
def test_a_path_is_followed_through_keys_and_lists():
    fields = {"fields": {
        "title": "data.tokens.1.value", "owner_email": "data.metadata.rep",
        "contact_name": "data.recipients.0.last_name", "contact_email": "data.nowhere.at.all",
    }}  # fmt: skip
    event = document(tokens=[{}, {"value": "Crane"}], metadata={"rep": "SAM@example.com"})
    told = tell(fields, event).fields
    assert told["title"] == "Crane"
    assert told["owner_email"] == "sam@example.com"
    assert told["contact_name"] == "Brook"
    assert told["contact_email"] == "nina@customer.example.com"
    assert told["amount"] == "1234.50"


@pytest.mark.parametrize("metadata", [{}, {"rep": None}, {"rep": ""}, {"rep": " "}, [], "x", None])
def test_what_is_not_there_leaves_what_is_built_in(metadata):
    assert tell(OWNER, document(metadata=metadata)).fields["owner_email"] == "remy@example.com"


@pytest.mark.parametrize(
    "path", ["data.tokens.7", "data.tokens.-1", "data.tokens.٠", "data.name.0"]
)
def test_a_step_that_leads_nowhere_tells_nothing(path):
    told = tell({"fields": {"title": path}}, document(tokens=["a"]))
    assert told.fields["title"] == "Website relaunch"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("owner_email", "Remy", "data.x is 'remy'; it must be an e-mail address."),
        ("owner_email", ["a@b"], "data.x is not a single value; it must be text, for the owner."),
        ("title", True, "data.x is true or false; it must be text, for the title."),
        ("title", {"a": 1}, "data.x is not a single value"),
        ("amount", "12,50", "data.x is '12,50'; it must be a decimal number."),
        ("amount", True, "data.x is 'True'"),
        ("amount", "1.005", "data.x: 1.005 is finer than EUR allows"),
        ("amount", {"amount": "1"}, "Nothing says in which currency data.x is"),
        ("amount", {"amount": "x", "currency": "EUR"}, "data.x.amount is 'x'"),
        ("amount", {"amount": "1", "currency": "euros"}, "is not a currency"),
    ],
)
def test_a_value_that_cannot_be_names_its_path(field, value, sentence):
    with pytest.raises(Unreadable) as caught:
        tell({"fields": {field: "data.x"}}, document(x=value))
    assert sentence in str(caught.value)


def test_an_amount_comes_with_its_currency_alone_or_in_the_one_that_is_told():
    whole = document(x={"amount": "99", "currency": "usd"}, y="GBP", z=7)
    told = tell({"fields": {"amount": "data.x"}}, whole).fields
    assert (told["amount"], told["currency"]) == ("99.00", "USD")
    told = tell({"fields": {"amount": "data.z"}}, whole).fields
    assert (told["amount"], told["currency"]) == ("7.00", "EUR")
    told = tell({"fields": {"amount": "data.z", "currency": "data.y"}}, whole).fields
    assert (told["amount"], told["currency"]) == ("7.00", "GBP")
    with pytest.raises(Unreadable, match=r"data\.q is missing; it must be the currency of data\.z"):
        tell({"fields": {"amount": "data.z", "currency": "data.q"}}, whole)
    told = tell({"fields": {"amount": "data.q", "currency": "data.y"}}, whole).fields
    assert (told["amount"], told["currency"]) == ("1234.50", "EUR")


def test_stripes_amounts_stay_whole_numbers_of_the_smallest_unit():
    path = "data.object.{}"
    said = {"amount": path.format("amount_subtotal"), "owner_email": path.format("metadata.rep")}
    told = tell({"fields": said}, quote(), "stripe").fields
    assert (told["amount"], told["currency"]) == ("1000.00", "EUR")
    assert told["owner_email"] == "sam@example.com"
    with pytest.raises(Unreadable, match="must be a whole number"):
        tell({"fields": {"amount": path.format("metadata.half")}}, quote(), "stripe")


def test_another_systems_document_is_told_without_fields_of_ones_own():
    linked = quote(metadata={"meshline_proposal": "pandadoc:doc-1", "rep": "sam@example.com"})
    told = tell({"fields": {"owner_email": "data.object.metadata.rep"}}, linked, "stripe")
    assert (told.is_secondary, told.fields) == (True, {})


# --- In words -------------------------------------------------------------------------------------
def test_the_lines_say_what_is_built_in_changed_and_added():
    mapped = mapping.read({"words": {"a": "sent", "c": "viewed"}, "fields": {"title": "x"}})
    lines = mapping.word_lines(mapped, {"a": State.DRAFT, "b": None})
    assert [(one.theirs, one.ours, one.mark) for one in lines] == [
        ("a", "Sent", "changed"), ("b", "Nothing", "built in"), ("c", "Viewed", "added"),
    ]  # fmt: skip
    places = {"title": "data.name", "contact_email": "data.mail"}
    lines = mapping.field_lines(mapped, places)
    assert [(one.theirs, one.ours, one.mark) for one in lines] == [
        ("Title", "x", "changed"), ("Contact's e-mail", "data.mail", "built in"),
    ]  # fmt: skip
    change = mapping.difference(Mapped(), mapped, known={"a": State.DRAFT}, places=places)
    assert change == {
        "before": {"“a”": "Draft", "Title": "data.name"},
        "after": {"“a”": "Sent", "“c”": "Viewed", "Title": "x"},
    }


@pytest.mark.parametrize("system", ["pandadoc", "hubspot", "stripe", "standardwebhooks"])
def test_every_connector_that_sends_says_what_can_be_mapped(system):
    emitter = registry.system(system).emitter
    assert emitter.maps
    assert set(emitter.fields) in (set(), set(mapping.CANONICAL))
    assert (emitter.words is None) == (system in {"stripe", "standardwebhooks"})
