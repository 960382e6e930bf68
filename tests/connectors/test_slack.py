"""Slack: a 200 that says no, escapes, and a message whose fate nobody knows."""

import json
from datetime import UTC, datetime

import pytest

from connectors.base import Errand, Trouble
from connectors.http import Reply
from connectors.slack import deliver, read
from connectors.slack.client import Client

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def slack(monkeypatch):
    """Slack as it answers: what it says next is set, what it was asked is kept."""
    spoken = {"asked": [], "says": {"ok": True, "channel": "C1", "ts": "1.2"}, "status": 200}

    def call(method, url, **request):
        spoken["asked"].append((url, request))
        return Reply(spoken["status"], {}, json.dumps(spoken["says"]).encode())

    monkeypatch.setattr("connectors.http.call", call)
    return spoken


def errand(**changes):
    params = {"subject": "Nina <Brook> & Co. signed", "url": "/proposals/7/"}
    facts = {"params": params, "options": {"channel": "#deals"}, "external_id": "", **changes}
    return Errand(
        key="pandadoc/doc-1/signed/message/1", kind="message.post", record="proposal:7",
        client=Client("https://slack.example.com", "xoxb-1"), at=AT, promised_at=AT, **facts,
    )  # fmt: skip


def test_a_message_is_posted_with_its_signs_escaped_and_a_link(slack, settings):
    found = deliver.message(errand())
    assert found.external_id == "C1:1.2"
    ((url, request),) = slack["asked"]
    assert url.endswith("/api/chat.postMessage")
    assert request["json"]["text"] == (
        "Nina &lt;Brook&gt; &amp; Co. signed "
        f"<{settings.PUBLIC_URL}/proposals/7/|Open it in Meshline>"
    )
    assert request["json"]["channel"] == "#deals"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("channel_not_found", {"permanent": True}),
        ("not_in_channel", {"permanent": True}),
        ("msg_too_long", {"permanent": True}),
        ("invalid_auth", {"credentials": True}),
        ("token_revoked", {"credentials": True}),
        ("ratelimited", {"permanent": False, "retry_after": 30.0}),
        ("internal_error", {"permanent": False, "unknown": True}),
        ("something_new", {"permanent": True}),
        (None, {"permanent": True}),
    ],
)
def test_a_200_with_ok_false_is_a_failure_of_its_own_kind(slack, error, expected):
    slack["says"] = {"ok": False, "error": error}
    with pytest.raises(Trouble) as caught:
        deliver.message(errand())
    assert {name: getattr(caught.value, name) for name in expected} == expected
    assert str(error or "without a reason") in str(caught.value)


def test_without_a_channel_a_person_is_asked_for_one(slack):
    with pytest.raises(Trouble, match="names no channel") as caught:
        deliver.message(errand(options={"channel": ""}))
    assert caught.value.permanent
    assert slack["asked"] == []


def test_a_yes_that_does_not_say_where_is_unknown(slack):
    slack["says"] = {"ok": True}
    with pytest.raises(Trouble) as caught:
        deliver.message(errand())
    assert caught.value.unknown


def test_a_message_proves_itself_by_its_address(slack):
    slack["says"] = {"ok": True, "permalink": "https://slack.example.com/p1"}
    assert "https://slack.example.com/p1" in read.message(errand(external_id="C1:1.2")).sentence
    slack["says"] = {"ok": False, "error": "message_not_found"}
    assert read.message(errand(external_id="C1:1.2")) is None
    assert read.message(errand()) is None
