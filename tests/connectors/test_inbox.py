"""What is refused is kept for a while, capped, and never in the way."""

from datetime import timedelta

import pytest

from connectors import inbox
from connectors.models import Message, RejectedReceipt
from meshline import instant
from tests import factories
from tests.factories import MONDAY, document

pytestmark = pytest.mark.django_db


def refuse(connection, number=1, **changes):
    facts = {"connection": connection, "status_code": 401, "reason": "Test", "body": b"{}"}
    rows = [RejectedReceipt(**facts | changes) for _ in range(number)]
    RejectedReceipt.objects.bulk_create(rows)


def test_refused_posts_are_dropped_after_seven_days(pandadoc):
    for days in (6, 8):
        refuse(pandadoc, at=MONDAY - timedelta(days=days))
    inbox.tidy_rejected(at=MONDAY)
    assert RejectedReceipt.objects.get().at == MONDAY - timedelta(days=6)


def test_of_each_connection_the_newest_ten_thousand_are_kept(pandadoc, monkeypatch):
    assert inbox.REJECTED_MOST == 10_000
    monkeypatch.setattr(inbox, "REJECTED_MOST", 5)
    other = factories.pandadoc("other")
    refuse(pandadoc, 8)
    refuse(other, 3)
    newest = list(pandadoc.rejected.order_by("-pk").values_list("pk", flat=True)[:5])
    inbox.tidy_rejected(at=instant.now())
    assert sorted(pandadoc.rejected.values_list("pk", flat=True)) == sorted(newest)
    assert other.rejected.count() == 3


def test_the_cap_holds_while_they_pour_in_without_waiting_for_the_clock(pandadoc, monkeypatch):
    monkeypatch.setattr(inbox, "REJECTED_MOST", 50)
    for _ in range(260):
        factories.post_pandadoc(b"[]", secret="wrong")
    assert RejectedReceipt.objects.count() <= 50 + 100


def test_refused_posts_hold_no_message_back(pandadoc):
    for _ in range(5):
        factories.post_pandadoc([document()], secret="wrong")
    assert factories.post_pandadoc([document()]).status_code == 202
    assert Message.objects.count() == 1
    assert RejectedReceipt.objects.count() == 5


def test_a_payload_on_a_ticket_is_cut_and_takes_every_column():
    assert inbox.shown(b"a\0\xff") == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert len(inbox.shown(b"x" * 10_000)) == 4000
