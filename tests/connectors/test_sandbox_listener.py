"""Somebody who listens: what Standard Webhooks' own library signs is taken, once per id."""

import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from connectors.sandbox import Sandbox
from tests.connectors.standins import Backdoor, ask

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = b'{"type":"ticket.opened","timestamp":"2026-11-21T09:00:00Z","data":{"id":7}}'


class Heard:
    def __init__(self, sandbox):
        self.control = Backdoor(sandbox)
        self.base = f"{sandbox.url}/listener"

    def send(self, number="msg_1", body=BODY, *, secret=SECRET, late=0, name="partner", **headers):
        stamp = int(time.time()) - late
        at = datetime.fromtimestamp(stamp, UTC)
        signature = Webhook(secret).sign(number, at, body.decode())
        told = {"webhook_id": number, "webhook_timestamp": str(stamp)}
        return ask(
            f"{self.base}/{name}", "POST", body,
            **{**told, "webhook_signature": signature, **headers},
        )  # fmt: skip

    def listed(self, name="partner"):
        return self.control.done("GET", f"/listener/{name}")["results"]


@pytest.fixture
def heard():
    with Sandbox() as sandbox:
        found = Heard(sandbox)
        found.control.configure(listener={"secret": SECRET})
        yield found


def test_what_the_library_signs_is_taken(heard):
    assert heard.send().status == 202
    [one] = heard.listed()
    assert (one["id"], one["payload"]["data"], one["times"]) == ("msg_1", {"id": 7}, 1)
    assert heard.listed("nobody") == []


def test_a_repeat_has_its_effect_once_and_is_counted(heard):
    for _ in range(3):
        assert heard.send().status == 202
    assert heard.send(body=BODY + b" ").status == 202
    [one] = heard.listed()
    assert (one["times"], one["others"]) == (4, 1)
    assert heard.control.effects("listener")["by_key"] == {
        "partner:msg_1": {"received": 1, "repeated": 2, "contradicted": 1}
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": OTHER},
        {"late": 301},
        {"late": -310},
        {"webhook_id": "msg_2"},
        {"webhook_id": ""},
        {"webhook_timestamp": "soon"},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "nonsense v2,abc"},
    ],
)
def test_what_is_not_proven_is_refused(heard, wrong):
    refused = heard.send(**wrong)
    assert refused.status == 401
    assert refused.json["error"].endswith(".")
    assert heard.listed() == []


def test_while_a_secret_is_rotated_both_fit(heard):
    heard.control.configure(listener={"secret": OTHER, "secret_old": SECRET})
    assert heard.send().status == 202
    assert heard.send("msg_2", secret=OTHER).status == 202
    heard.control.configure(listener={"secret": "", "secret_old": ""})
    assert heard.send("msg_3").status == 401
    assert SECRET.encode() not in heard.control("GET", "/configure").raw


@pytest.mark.parametrize("code", [410, 429, 500])
def test_it_can_refuse_as_asked(heard, code):
    fault = {"kind": "status", "code": code, "retry_after": 7, "times": 1}
    heard.control.break_it("listener", fault)
    refused = heard.send()
    assert (refused.status, refused.headers["Retry-After"]) == (code, "7")
    assert heard.listed() == []
    assert heard.send().status == 202


def test_a_lost_answer_and_its_retry_are_one_effect(heard):
    heard.control.break_it("listener", {"kind": "commit_then_reset", "times": 1})
    with pytest.raises(OSError, match=r".*"):
        heard.send()
    assert heard.send().status == 202
    counts = heard.control.effects("listener")["counts"]
    assert counts == {"partner": {"received": 1, "repeated": 1}}
    assert [call["key"] for call in heard.control.calls("listener")] == ["msg_1", "msg_1"]


def test_nobody_listens_elsewhere(heard):
    assert heard.send(name="a/b").status == 404
    assert ask(f"{heard.base}/partner").status == 405
