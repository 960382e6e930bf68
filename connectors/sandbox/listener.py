"""Somebody who listens to our webhooks, as Standard Webhooks describes it; effects once per id."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.config import Config
from connectors.sandbox.desk import Desk, newest
from connectors.sandbox.exchange import Answer, Request, json_answer
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.limits import Limits
from connectors.sandbox.records import Record, Records
from connectors.sandbox.store import Store

TOLERANCE = 300  # seconds, in both directions
NAME = re.compile(r"/([a-z0-9-]{1,60})")


class SignatureError(ValueError):
    """The message is not proven to be ours; the message is a sentence."""


class Listener:
    name = "listener"

    def __init__(self, store: Store, config: Config, ledger: Ledger) -> None:
        self._config = config
        self._ledger = ledger
        self.records = Records(store, "listener")
        self.limits = Limits()

    def answer(self, request: Request) -> Answer:
        found = NAME.fullmatch(request.path)
        if found is None:
            return json_answer(404, {"error": "Nobody listens here."})
        if request.method != "POST":
            return json_answer(405, {"error": "A webhook is a POST."})
        try:
            self._verify(request)
        except SignatureError as problem:
            return json_answer(401, {"error": str(problem)})
        self._take(found[1], request)
        return json_answer(202, {"taken": True})

    def error_body(self, code: int, policy: str | None) -> dict[str, Any]:
        return {"error": f"As asked for: {code}."}

    def key_of(self, request: Request) -> str | None:
        return request.headers.get("webhook-id")

    def _verify(self, request: Request) -> None:
        number = request.headers.get("webhook-id", "")
        stamp = request.headers.get("webhook-timestamp", "")
        signatures = request.headers.get("webhook-signature", "").split()
        if not (number and stamp and signatures):
            raise SignatureError("webhook-id, webhook-timestamp and webhook-signature are needed.")
        if not (stamp.isascii() and stamp.isdigit()):
            raise SignatureError("webhook-timestamp is not a number of seconds.")
        if abs(int(stamp) - time.time()) > TOLERANCE:
            raise SignatureError("webhook-timestamp is more than five minutes off.")
        told = self._config["listener"]
        secrets = [one for one in (told["secret"], told["secret_old"]) if one]
        wanted = [sign(one, number, stamp, request.body) for one in secrets]
        if not any(_same(one, sent) for one in wanted for sent in signatures):
            raise SignatureError("No signature fits.")

    def _take(self, name: str, request: Request) -> None:
        number, text = request.headers["webhook-id"], request.body.decode(errors="replace")
        seen = {"at": times.micro(times.now()), "timestamp": request.headers["webhook-timestamp"]}
        record = self.records.get(name, number)
        if record is None:
            body = {"id": number, "text": text, "payload": _read(text), "seen": [seen], "others": 0}
            record = self.records.add(name, number, body, at=times.now())
            action = "received"
        else:
            is_same = record.body["text"] == text
            record.body["seen"].append(seen)
            record.body["others"] += 0 if is_same else 1
            self.records.save(record, at=times.now())
            action = "repeated" if is_same else "contradicted"
        self._ledger.note_effect("listener", action, name, number, number, "api")


class ListenerDesk(Desk):
    ROUTES = (("GET", re.compile("/listener/(?P<name>[a-z0-9-]+)"), "list"),)

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def _list(self, request: Request, name: str) -> Answer:
        """What came, newest first: `payload`, every time it was `seen`, and `others` in content."""
        found = self._listener.records.newest(name, limit=newest(request, 100))
        return json_answer(200, {"results": [_view(record) for record in found]})


def sign(secret: str, number: str, stamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    except binascii.Error:
        raise SignatureError("The secret of the listener is not base64.") from None
    digest = hmac.new(key, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _view(record: Record) -> dict[str, Any]:
    return {**record.body, "times": len(record.body["seen"])}
