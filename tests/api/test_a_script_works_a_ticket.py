"""The story: a script finds a ticket, takes it, works it and closes it, and the trail says who."""

from decimal import Decimal

import pytest

from exceptions.models import Ticket
from meshline.audit.models import TrailLine
from tests.api.conftest import trouble

pytestmark = pytest.mark.django_db


def test_a_script_works_a_ticket(script, scripts, staff):
    opened = trouble("late", record="proposal:1")
    [found] = script.items("tickets", state="open", owner="olivia@example.com")
    assert (found["id"], found["title"], found["claimed_by"]) == (opened.pk, "Trouble late", None)
    assert found["owner"] == {"id": staff["olivia"].pk, "name": "Olivia Ortiz"}

    claimed = script.post(f"tickets/{opened.pk}/claim")
    assert claimed.status_code == 200, claimed.text
    assert (claimed.json()["state"], claimed.json()["claimed_by"]["name"]) == (
        "claimed", "Olivia Ortiz",
    )  # fmt: skip

    too_late = scripts["rosa"].post(f"tickets/{opened.pk}/claim")
    assert too_late.status_code == 409
    assert too_late.json()["error"].startswith("Olivia Ortiz claimed this")
    assert too_late.json()["field"] is None

    assert script.post(f"tickets/{opened.pk}/acknowledge").json()["state"] == "acknowledged"
    noted = script.post(f"tickets/{opened.pk}/note", {"text": "Sent it again by hand."})
    assert noted.status_code == 200
    done = script.post(f"tickets/{opened.pk}/resolve", {"reason": "fixed", "note": "Went through."})
    assert (done.status_code, done.json()["state"]) == (200, "resolved")
    assert done.json()["resolved_at"].endswith("Z")

    ticket = Ticket.objects.get()
    assert (ticket.resolution, ticket.resolved_by) == ("fixed", staff["olivia"])
    written = TrailLine.objects.filter(subject_kind="ticket").order_by("pk")
    assert [(line.what, line.actor_id) for line in written][1:] == [
        (f"ticket.{deed}", str(staff["olivia"].pk))
        for deed in ("claimed", "acknowledged", "noted", "resolved")
    ]


def test_a_ticket_is_put_back_and_escalated(script, scripts, staff):
    ticket = trouble()
    script.post(f"tickets/{ticket.pk}/claim")
    assert script.post(f"tickets/{ticket.pk}/release").json()["state"] == "open"
    up = script.post(f"tickets/{ticket.pk}/escalate", {"reason": "The customer waits."})
    assert up.json()["owner"]["name"] == "Rosa Marin"
    again = script.post(f"tickets/{ticket.pk}/escalate", {"reason": "Still."})
    assert again.status_code == 409
    assert "nobody above" in again.json()["error"]


def test_what_is_resolved_stays_so(script, staff):
    ticket = trouble()
    script.post(f"tickets/{ticket.pk}/resolve", {"reason": "duplicate"})
    for act in ("claim", "acknowledge", "release"):
        answer = script.post(f"tickets/{ticket.pk}/{act}")
        assert answer.status_code == 409, act
        assert answer.json()["error"].startswith("A ticket that is resolved cannot be")


def test_a_reason_that_is_none_is_named_with_those_there_are(script, staff):
    ticket = trouble()
    answer = script.post(f"tickets/{ticket.pk}/resolve", {"reason": "bored"})
    assert answer.status_code == 422
    assert answer.json()["field"] == "reason"
    assert "bad source data" in answer.json()["error"]
    for body in ({}, {"reason": "closed on evidence"}, {"reason": "fixed", "why": "x"}, [], None):
        answer = script.post(f"tickets/{ticket.pk}/resolve", body)
        assert answer.status_code in (415, 422), body
        assert answer.json()["error"]


def test_a_note_needs_words(script, staff):
    ticket = trouble()
    for text in ("", "   ", "\u3000", "a\0b", 3, None, "x" * 10_001):
        answer = script.post(f"tickets/{ticket.pk}/note", {"text": text})
        assert (answer.status_code, answer.json()["field"]) == (422, "text"), text


def test_a_viewer_may_note_and_nothing_else(scripts, staff):
    ticket, vera = trouble(), scripts["vera"]
    assert vera.post(f"tickets/{ticket.pk}/note", {"text": "Seen."}).status_code == 200
    for act in ("claim", "acknowledge", "release"):
        refused = vera.post(f"tickets/{ticket.pk}/{act}")
        assert refused.status_code == 403
        assert refused.json()["error"].startswith("A Viewer may not")
    refused = vera.post(f"tickets/{ticket.pk}/resolve", {"reason": "fixed"})
    assert refused.status_code == 403


def test_another_teams_ticket_does_not_exist(scripts, staff):
    ticket, sam = trouble(), scripts["sam"]
    assert sam.get(f"tickets/{ticket.pk}").status_code == 404
    for act in ("claim", "acknowledge", "release"):
        assert sam.post(f"tickets/{ticket.pk}/{act}").status_code == 404
    assert sam.post(f"tickets/{ticket.pk}/note", {"text": "hello"}).status_code == 404
    assert sam.post(f"tickets/{ticket.pk + 1}/claim").status_code == 404


def test_what_is_at_risk_is_told_in_every_currency(scripts, staff):
    """The first currency alone is `amount_at_risk`; who sees masked reads none of them."""
    trouble("late", amount=Decimal("1234.5"), currency="EUR")
    more = {"cause": "late", "subject": "outcome:2", "record": "proposal:2"}
    opened = trouble("more", **more, amount=Decimal(500), currency="USD")
    told = scripts["olivia"].get(f"tickets/{opened.pk}").json()
    assert told["amount_at_risk"] == {"amount": "1234.50", "currency": "EUR"}
    assert told["further_amounts"] == [{"amount": "500.00", "currency": "USD"}]
    masked = scripts["vera"].get(f"tickets/{opened.pk}").json()
    assert masked["further_amounts"] == [{"amount": "•••", "currency": "•••"}]
