"""Telling fields by what is agreed of them: the same from every order, and nothing lost."""

from datetime import timedelta
from itertools import permutations

import pytest

from meshline.policy.truth import PEOPLE, How, Truth
from proposals import fields, history
from proposals.authority import Authorities
from proposals.history import Event
from tests.factories import MONDAY


def event(pk, source, minute, **told):
    at = MONDAY + timedelta(minutes=minute)
    return Event(pk, None, at, tiebreak=str(pk), fields=told, source=source)


def money(amount, currency="EUR"):
    return {"amount": amount, "currency": currency}


PANDADOC_100 = event(1, "pandadoc", 0, title="Relaunch", **money("100.00"))
HUBSPOT_120 = event(2, "hubspot", 1, **money("120.00", "USD"))
PANDADOC_100_AGAIN = event(3, "pandadoc", 2, **money("100.00"))


def tell(how, *events, connection="pandadoc"):
    truths = {"amount": Truth(how, connection if how.has_authority else "")}
    stories = [history.tell(order, truths) for order in permutations(events)]
    assert all(one == stories[0] for one in stories)
    return stories[0]


@pytest.mark.parametrize(
    ("how", "amount", "currency"),
    [(How.ALWAYS, "100.00", "EUR"), (How.UNLESS_BLANK, "100.00", "EUR")],
)
def test_the_authority_wins_over_a_later_word_with_its_currency(how, amount, currency):
    told = tell(how, PANDADOC_100, HUBSPOT_120).fields
    assert (told["amount"], told["currency"], told["title"]) == (amount, currency, "Relaunch")


def test_where_nothing_is_agreed_the_most_recent_word_counts_as_ever():
    assert history.tell([HUBSPOT_120, PANDADOC_100]).fields["amount"] == "120.00"
    later = history.tell([HUBSPOT_120, PANDADOC_100, PANDADOC_100_AGAIN])
    assert (later.fields["amount"], later.fields["currency"]) == ("100.00", "EUR")


def test_a_blank_of_the_authority_counts_only_where_it_always_does():
    blank = event(4, "pandadoc", 3, **money("", ""))
    assert tell(How.ALWAYS, PANDADOC_100, HUBSPOT_120, blank).fields["amount"] == ""
    assert tell(How.UNLESS_BLANK, PANDADOC_100, HUBSPOT_120, blank).fields["amount"] == "120.00"
    assert history.tell([PANDADOC_100, blank]).fields["amount"] == "100.00"


def test_while_a_person_has_to_decide_it_stays_what_it_was_before_they_differed():
    told = tell(How.ASK, PANDADOC_100, HUBSPOT_120, PANDADOC_100_AGAIN)
    assert told.fields["amount"] == "100.00"
    assert [one.source for one in told.asked["amount"]] == ["hubspot", "pandadoc"]
    assert [one.by for one in told.asked["amount"]] == [2, 1]


def test_a_decision_counts_and_stays_until_something_new_is_said():
    decided = event(5, PEOPLE, 5, **money("120.00", "USD"))
    repeated = event(6, "pandadoc", 9, **money("100.00"))
    told = tell(How.ASK, PANDADOC_100, HUBSPOT_120, decided, repeated)
    assert (told.fields["amount"], told.asked) == ("120.00", {})
    news = event(7, "pandadoc", 10, **money("110.00"))
    told = tell(How.ASK, PANDADOC_100, HUBSPOT_120, decided, news)
    assert told.fields["amount"] == "120.00"
    assert [one.value[0] for one in told.asked["amount"]] == ["120.00", "110.00"]


def test_they_agree_again_and_nobody_is_asked():
    corrected = event(8, "hubspot", 8, **money("100.00"))
    told = tell(How.ASK, PANDADOC_100, HUBSPOT_120, corrected)
    assert (told.fields["amount"], told.asked) == ("100.00", {})


@pytest.mark.parametrize(
    ("how", "by"), [(How.RECENT, 2), (How.ALWAYS, 1), (How.UNLESS_BLANK, 1), (How.ASK, 1)]
)
def test_each_value_knows_the_event_that_told_it(how, by):
    truths = {} if how is How.RECENT else {"amount": Truth(how, "pandadoc")}
    assert history.told_by([HUBSPOT_120, PANDADOC_100], truths)["amount"] == by


def test_a_value_that_returns_is_the_event_s_that_brought_it_back():
    assert history.told_by([PANDADOC_100, HUBSPOT_120, PANDADOC_100_AGAIN])["amount"] == 3


NAMES = {"pandadoc": "PandaDoc"}


def test_what_does_not_count_is_said_to_be_kept():
    truths = {"amount": Truth(How.ALWAYS, "pandadoc"), "title": Truth(How.ASK)}
    counts = {"amount": "100.00", "currency": "EUR", "title": "A"}
    said = fields.beaten({"amount": "120.00", "currency": "EUR"}, counts, truths, NAMES)
    assert said == "Its amount is kept, but PandaDoc's counts."
    assert "a person decides" in fields.beaten({"title": "B"}, counts, truths, NAMES)
    assert fields.beaten({"amount": "100.00", "currency": "EUR"}, counts, truths, NAMES) == ""
    assert fields.beaten({"owner_email": "x@example.com"}, counts, truths, NAMES) == ""


# --- The table, for one proposal -------------------------------------------------------------
def authorities(**agreed):
    return Authorities({}, "stripe", agreed)


def test_without_a_connection_it_is_the_one_that_brought_the_proposal():
    table = authorities(amount=Truth(How.ALWAYS), title=Truth(How.UNLESS_BLANK, "hubspot"))
    assert table.truths(source="pandadoc") == {
        "amount": Truth(How.ALWAYS, "pandadoc"), "title": Truth(How.UNLESS_BLANK, "hubspot"),
    }  # fmt: skip
    assert table.kept_by("hubspot", source="pandadoc") == {"title"}
    assert table.kept_by("pandadoc", source="pandadoc") == {"amount", "currency"}
    assert table.kept_by("stripe", source="pandadoc") == set()


def test_the_rule_is_the_same_for_whoever_compares_later():
    table = authorities(amount=Truth(How.ALWAYS))
    values = [
        fields.Said("pandadoc", ("100.00", "EUR"), at=1, since=1),
        fields.Said("hubspot", ("120.00", "EUR"), at=2, since=2),
    ]
    assert table.winner("amount", values, source="pandadoc").said == values[0]
    assert table.winner("title", values, source="pandadoc").said == values[1]


def test_the_most_recent_is_nothing_to_tell_apart():
    assert authorities(amount=Truth(How.RECENT)).truths(source="pandadoc") == {}
