"""A script gives, snoozes, links and resolves; and does one thing to many tickets."""

from datetime import timedelta

import pytest

from exceptions import bulk
from exceptions.models import BulkJob, Ticket
from meshline import instant
from tests.api.conftest import trouble

pytestmark = pytest.mark.django_db


def at(**later):
    return (instant.now() + timedelta(**later)).isoformat().replace("+00:00", "Z")


def test_it_is_given_put_to_sleep_woken_and_taken_over(script, scripts, staff):
    one = trouble("one").pk
    given = script.post(f"tickets/{one}/assign", {"to": "rosa@example.com", "note": "Yours."})
    assert (given.status_code, given.json()["owner"]["name"]) == (200, "Rosa Marin")
    asleep = script.post(f"tickets/{one}/snooze", {"until": at(hours=2), "reason": "They call."})
    assert asleep.status_code == 200, asleep.text
    assert asleep.json()["snoozed_until"]
    assert script.post(f"tickets/{one}/wake").json()["snoozed_until"] is None
    assert script.post(f"tickets/{one}/wake").status_code == 409
    script.post(f"tickets/{one}/claim")
    taken = scripts["rosa"].post(f"tickets/{one}/take-over", {"reason": "It burns."})
    assert taken.json()["claimed_by"]["name"] == "Rosa Marin"
    refused = script.post(f"tickets/{one}/take-over", {"reason": "Mine."})
    assert refused.status_code == 403
    done = scripts["rosa"].post(f"tickets/{one}/resolve", {"reason": "fixed", "minutes": 12})
    assert done.json()["minutes_spent"] == 12


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("snooze", {"until": "tomorrow", "reason": "x"}, "until"),
        ("link", {"ticket": "x"}, "ticket"),
        ("resolve", {"reason": "fixed", "minutes": -1}, "minutes"),
        ("take-over", {}, "reason"),
    ],
)
def test_what_is_not_right_names_its_field(scripts, staff, act, body, field):
    one = trouble("one").pk
    answer = scripts["rosa"].post(f"tickets/{one}/{act}", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("assign", {"to": "nobody@example.com"}, "to"),
        ("assign", {"to": "remy@example.com"}, "to"),
        ("snooze", {"until": "2026-03-02T09:30:00Z", "reason": "x"}, "until"),
        ("snooze", {"until": "2199-03-02T09:30:00Z", "reason": "x"}, "until"),
        ("link", {"ticket": 999_999}, "ticket"),
        ("note", {"text": "@Nobody"}, "text"),
    ],
)
def test_what_cannot_be_as_things_stand_names_its_field(scripts, staff, act, body, field):
    one = trouble("one").pk
    answer = scripts["rosa"].post(f"tickets/{one}/{act}", body)
    assert (answer.status_code, answer.json()["field"]) == (409, field), answer.text
    if act != "link":
        many = scripts["rosa"].post(f"bulk/{act}", {**body, "tickets": [one]})
        assert (many.status_code, many.json()["field"]) == (409, field), many.text


def test_two_tickets_are_linked(script, staff):
    one, two = trouble("one").pk, trouble("two").pk
    assert script.post(f"tickets/{one}/link", {"ticket": two}).status_code == 200
    assert script.post(f"tickets/{two}/link", {"ticket": one}).status_code == 409
    assert script.post(f"tickets/{two}/unlink", {"ticket": one}).status_code == 200


def test_a_few_are_done_at_once_with_what_failed(script, scripts, staff):
    one, two = trouble("one").pk, trouble("two").pk
    scripts["rosa"].post(f"tickets/{one}/claim")
    job = script.post("bulk/claim", {"tickets": [one, two, two]}).json()
    assert (job["state"], job["tickets"], job["done"], job["failed"]) == ("ended", 2, 1, 1)
    [fault] = job["faults"]
    assert fault["ticket"] == one
    assert fault["why"].startswith("Rosa Marin claimed this")
    again = script.post(f"bulk/{job['id']}/retry").json()
    assert (again["tickets"], again["failed"]) == (1, 1)
    assert scripts["vera"].get(f"bulk/{job['id']}").status_code == 404
    assert scripts["rosa"].get(f"bulk/{job['id']}").json()["done"] == 1


def test_who_may_give_nothing_away_does_not_learn_who_is_here(scripts, staff):
    one = trouble("one").pk
    for to in ("rosa@example.com", "nobody@example.com"):
        answer = scripts["vera"].post(f"tickets/{one}/assign", {"to": to})
        assert answer.status_code == 403, answer.text
        answer = scripts["vera"].post("bulk/assign", {"to": to, "tickets": [one]})
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("act", ["assign", "snooze", "escalate", "note", "resolve"])
def test_each_act_takes_what_it_takes_of_one(scripts, staff, act):
    body = {
        "assign": {"to": "rosa@example.com"}, "snooze": {"until": at(hours=1), "reason": "x"},
        "escalate": {"reason": "x"}, "note": {"text": "x"}, "resolve": {"reason": "fixed"},
    }[act]  # fmt: skip
    numbers = [trouble("one").pk, trouble("two").pk]
    answer = scripts["rosa"].post(f"bulk/{act}", {"tickets": numbers, **body})
    assert (answer.status_code, answer.json()["done"]) == (200, 2), answer.text


def test_more_than_a_hundred_ask_first(script, staff, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(bulk, "ASKS_ABOVE", 2)
    numbers = [trouble(str(n)).pk for n in range(3)]
    job = script.post("bulk/claim", {"tickets": numbers}).json()
    assert (job["state"], job["done"]) == ("asks", 0)
    assert script.post(f"bulk/{job['id']}/start").json()["state"] == "running"
    bulk.do_some(BulkJob.objects.get(), most=1)
    cancelled = script.post(f"bulk/{job['id']}/cancel").json()
    assert (cancelled["state"], cancelled["done"], cancelled["left"]) == ("cancelled", 1, 2)
    assert script.post(f"bulk/{job['id']}/cancel").status_code == 409


@pytest.mark.parametrize("tickets", [[], [0], ["x"], [1.5], list(range(1, 5_002)), None, "1"])
def test_numbers_that_are_none_are_refused(script, staff, tickets):
    answer = script.post("bulk/claim", {"tickets": tickets})
    assert (answer.status_code, answer.json()["field"]) == (422, "tickets"), answer.text


def test_a_foreign_ticket_is_refused_and_nothing_is_done(scripts, staff):
    ours = trouble("one").pk
    answer = scripts["sam"].post("bulk/claim", {"tickets": [ours]})
    assert (answer.status_code, answer.json()["field"]) == (404, "tickets")
    assert Ticket.objects.get().claimed_by is None
    assert scripts["vera"].post("bulk/claim", {"tickets": [ours]}).status_code == 403


def test_a_whole_number_may_be_written_with_a_point(script):
    job = script.post("bulk/claim", {"tickets": [float(trouble("one").pk)]}).json()
    assert (job["state"], job["done"]) == ("ended", 1)
