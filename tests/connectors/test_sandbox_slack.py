"""The stand-in for Slack, seen by Slack's own library: it posts, and says no with a 200."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from connectors.sandbox import Sandbox
from tests.connectors.standins import Backdoor, ask

TOKEN = "xoxb-invented"
CHANNELS = [
    {"id": "C1", "name": "revops"},
    {"id": "C2", "name": "elsewhere", "is_member": False},
    {"id": "C3", "name": "old", "is_archived": True},
]
INCOMING = [{"path": "T1/B1/secret", "channel": "C1"}]
METADATA = {"event_type": "ticket", "event_payload": {"meshline_key": "out-1"}}


class Chat:
    def __init__(self, sandbox):
        self.control = Backdoor(sandbox)
        self.base = f"{sandbox.url}/slack"
        self.sdk = self.client(TOKEN)

    def client(self, token):
        return WebClient(token=token, base_url=f"{self.base}/api/", retry_handlers=[])

    def refused(self, call, **arguments):
        """The word with which it is refused."""
        with pytest.raises(SlackApiError) as no:
            call(**arguments)
        return no.value.response.status_code, no.value.response["error"]


@pytest.fixture
def chat():
    with Sandbox() as sandbox:
        found = Chat(sandbox)
        members = [{"email": "remy@example.com", "name": "Remy"}]
        slack = {"token": TOKEN, "channels": CHANNELS, "members": members, "incoming": INCOMING}
        found.control.configure(slack=slack)
        yield found


def test_the_library_posts_changes_and_reads_back(chat):
    assert chat.sdk.auth_test()["team_id"] == "T0STANDIN"
    posted = chat.sdk.chat_postMessage(channel="#revops", text="Hello", metadata=METADATA)
    assert (posted["channel"], posted["message"]["text"]) == ("C1", "Hello")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Claimed*"}}]
    chat.sdk.chat_update(channel="C1", ts=posted["ts"], text="Claimed", blocks=blocks)
    plain = chat.sdk.conversations_history(channel="C1")["messages"]
    assert [(one["text"], "metadata" in one) for one in plain] == [("Claimed", False)]
    told = chat.sdk.conversations_history(channel="C1", include_all_metadata=True)["messages"]
    assert told[0]["metadata"] == METADATA
    link = chat.sdk.chat_getPermalink(channel="C1", message_ts=posted["ts"])["permalink"]
    page = ask(link.partition("#")[0])
    assert (page.status, b"*Claimed*" in page.raw) == (200, True)
    assert chat.control.effects("slack")["by_key"] == {
        "messages:metadata.meshline_key=out-1": {"created": 1, "updated": 1}
    }


def test_channels_and_members_are_found(chat):
    everything = chat.sdk.conversations_list(exclude_archived=True)["channels"]
    assert [one["name"] for one in everything] == ["revops", "elsewhere"]
    found = chat.sdk.users_lookupByEmail(email="Remy@example.com")["user"]
    assert found["profile"]["real_name"] == "Remy"
    assert chat.sdk.chat_postMessage(channel=found["id"], text="Hi")["channel"].startswith("D")
    assert chat.refused(chat.sdk.users_lookupByEmail, email="no@example.com")[1] == (
        "users_not_found"
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"channel": "C9", "text": "x"}, "channel_not_found"),
        ({"channel": "C2", "text": "x"}, "not_in_channel"),
        ({"channel": "C3", "text": "x"}, "is_archived"),
        ({"channel": "C1", "text": ""}, "no_text"),
        ({"channel": "C1", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "C1", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
    ],
)
def test_a_no_is_a_200_with_a_word(chat, arguments, word):
    # Past the library's own warnings about what is missing.
    asked = {"api_method": "chat.postMessage", "json": arguments}
    assert chat.refused(chat.sdk.api_call, **asked) == (200, word)
    assert chat.control.effects("slack")["effects"] == []


def test_a_message_that_is_not_there_cannot_be_changed(chat):
    refused = chat.refused(chat.sdk.chat_update, channel="C1", ts="1.000000", text="x")
    assert refused == (200, "message_not_found")


def test_only_its_token_is_answered(chat):
    other = chat.client("xoxb-other")
    assert chat.refused(other.auth_test) == (200, "invalid_auth")
    assert ask(f"{chat.base}/api/auth.test", "POST").json["error"] == "not_authed"
    assert chat.refused(chat.sdk.api_call, api_method="team.info") == (200, "unknown_method")


def test_history_comes_newest_first_and_page_by_page(chat):
    stamps = [chat.sdk.chat_postMessage(channel="C1", text=str(n))["ts"] for n in range(5)]
    assert len(set(stamps)) == 5
    first = chat.sdk.conversations_history(channel="C1", limit=2)
    assert [one["text"] for one in first["messages"]] == ["4", "3"]
    cursor = first["response_metadata"]["next_cursor"]
    rest = chat.sdk.conversations_history(channel="C1", limit=9, cursor=cursor)
    assert [one["text"] for one in rest["messages"]] == ["2", "1", "0"]
    since = chat.sdk.conversations_history(channel="C1", oldest=stamps[3])
    assert [one["text"] for one in since["messages"]] == ["4"]


def test_too_many_messages_a_second_are_throttled(chat):
    chat.control.configure(slack={"rate_limit": {"per_channel_per_second": 0}})
    with pytest.raises(SlackApiError) as no:
        chat.sdk.chat_postMessage(channel="C1", text="x")
    response = no.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "1"


def test_a_fault_may_speak_as_a_200(chat):
    fault = {"kind": "status", "code": 200, "policy": "account_inactive", "times": 1}
    chat.control.break_it("slack", fault, {"kind": "commit_then_reset", "times": 1})
    assert chat.refused(chat.sdk.chat_postMessage, channel="C1", text="x")[1] == "account_inactive"
    with pytest.raises(OSError, match=r".*"):
        chat.sdk.chat_postMessage(channel="C1", text="x", metadata=METADATA)
    assert chat.control.effects("slack")["counts"] == {"messages": {"created": 1}}
    assert chat.control.calls("slack")[-1]["key"] == "metadata.meshline_key=out-1"


def test_an_incoming_webhook_answers_ok_in_plain_text(chat):
    hook = WebhookClient(f"{chat.base}/services/T1/B1/secret")
    answer = hook.send(text="<b>Hello</b>")
    assert (answer.status_code, answer.body) == (200, "ok")
    assert hook.send(text="").status_code == 400
    assert WebhookClient(f"{chat.base}/services/T1/B1/other").send(text="x").status_code == 404
    [message] = chat.control.done("GET", "/slack/messages")["results"]
    assert message["text"] == "<b>Hello</b>"
    page = ask(f"{chat.control.url}{message['url']}")
    assert b"&lt;b&gt;Hello" in page.raw
    assert ask(f"{chat.base}/app/channels/C9").status == 404


def test_a_person_writes_into_a_channel(chat):
    chat.control.done("POST", "/slack/channels/C1/messages", {"text": "On it"})
    assert chat.sdk.conversations_history(channel="C1")["messages"][0]["text"] == "On it"
    refused = chat.control("POST", "/slack/channels/C9/messages", {"text": "On it"})
    assert (refused.status, refused.json["error"]) == (400, "Slack says channel_not_found.")


def test_channels_without_an_id_are_refused(chat):
    refused = chat.control("POST", "/configure", {"slack": {"channels": [{"name": "x"}]}})
    assert (refused.status, refused.json["error"]) == (
        400,
        "Everything in channels needs id, a text.",
    )
