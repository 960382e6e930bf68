"""The palette: what is found from anywhere, and what may be done with the ticket on screen."""

import re

import pytest

from exceptions import desk
from meshline import instant
from meshline.web.nav import ENTRIES
from tests.exceptions.conftest import HTMX, MONDAY, open_one
from tests.factories import digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client):
    def find(user, text="", **more):
        client.force_login(user)
        with instant.stopped(MONDAY):
            return client.get("/find/", {"q": text, **more}, headers=HTMX)

    return find


def found(response):
    return re.findall(r'<span class="clip">([^<]*)</span>', response.text)


def test_everything_is_found_by_its_words(ask, staff, pandadoc):
    post_pandadoc([document("sent", name="Harbour crane")])
    digest_all()
    ticket = open_one(title="Harbour crane was not invoiced")
    rosa = staff["rosa"]
    assert found(ask(rosa, "harb")) == ["Harbour crane was not invoiced", "Harbour crane"]
    assert found(ask(rosa, "Remy")) == ["Remy Park"]
    assert found(ask(rosa, "routing")) == ["Routing rules"]
    assert "Harbour crane was not invoiced" in found(ask(rosa, f"#{ticket.pk}"))


def test_with_nothing_typed_it_offers_the_pages_with_their_keys(ask, staff):
    answer = ask(staff["olivia"])
    assert found(answer)[:2] == ["Home", "Queue"]
    assert "G Q" in answer.text
    assert "Tickets" not in re.findall(r"<h3[^>]*>\s*([^<]*?)\s*</h3>", answer.text)


def test_nobody_finds_what_they_may_not_see(ask, staff, pandadoc):
    open_one(title="lena@customer.example was not invoiced", reason="Ask nina@customer.example.")
    remy = ask(staff["remy"], "invoiced")
    assert found(remy) == []
    assert "Nothing here is called" in remy.text
    assert found(ask(staff["olivia"], "Remy")) == []  # an operator does not see people
    vera = ask(staff["vera"], "invoiced")
    assert "lena@" not in vera.text
    assert "•••" in vera.text
    assert found(ask(staff["vera"], "nina")) == []


def test_what_may_be_done_with_the_ticket_on_screen_is_offered_first(ask, staff):
    ticket = open_one()
    answer = ask(staff["olivia"], "cla", ticket=ticket.pk)
    assert found(answer) == ["Claim this ticket"]
    assert f'data-press="/queue/{ticket.pk}/claim/"' in answer.text
    desk.claim(ticket_id=ticket.pk, by=staff["olivia"], at=MONDAY)
    acts = found(ask(staff["olivia"], ticket=ticket.pk))
    assert "Claim this ticket" not in acts
    assert {"Acknowledge this ticket", "Resolve this ticket"} <= set(acts)
    for word in ("assign", "snooze", "link", "comment"):
        assert len(found(ask(staff["olivia"], word, ticket=ticket.pk))) == 1


def test_what_is_refused_is_not_offered(ask, staff):
    ticket = open_one()
    acts = found(ask(staff["vera"], "this ticket", ticket=ticket.pk))
    assert acts == ["Write a note on this ticket"]
    # Out of a person's scope it is no ticket at all.
    assert "this ticket" not in ask(staff["remy"], ticket=ticket.pk).text


@pytest.mark.parametrize("word", ["\0", "%", "'", "x" * 5000, "<b>", "#99999999999999999999", "²"])
@pytest.mark.parametrize("ticket", ["zebra", "9" * 40, "²", ""])
def test_odd_words_find_nothing_and_break_nothing(ask, staff, word, ticket):
    answer = ask(staff["rosa"], word, ticket=ticket)
    assert answer.status_code == 200
    assert "<b>" not in answer.text


def test_without_a_script_it_is_a_page(client, staff):
    client.force_login(staff["rosa"])
    open_one()
    text = client.get("/find/?q=delivery").text
    assert "<h1>Find</h1>" in text
    assert "Delivery of one failed" in text


def test_what_it_costs_does_not_grow(ask, staff, django_assert_max_num_queries):
    open_one("a")
    with django_assert_max_num_queries(30) as few:
        ask(staff["rosa"], "delivery")
    for number in range(12):
        open_one(str(number))
    with django_assert_max_num_queries(len(few)):
        ask(staff["rosa"], "delivery")


def test_every_page_has_its_own_letter():
    keys = [entry.key for entry in ENTRIES]
    assert len(set(keys)) == len(keys)
