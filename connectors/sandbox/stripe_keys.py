"""Idempotency keys: what was answered once is answered again, until it is forgotten."""

import hashlib
import json
import threading
import time
from typing import Any
from urllib.parse import parse_qsl

from connectors.sandbox.config import Config
from connectors.sandbox.exchange import Answer, Request
from connectors.sandbox.store import Store
from connectors.sandbox.stripe_forms import NOT_BEGUN, refusal

MOST_KEY = 255  # characters
IN_USE = (
    "There is currently another in-progress request using this Idempotent Key (that probably means"
    " you submitted twice, and the other request is still going through): {key}. Please try again"
    " later."
)
OTHER = (
    "Keys for idempotent requests can only be used with the same parameters they were first used"
    " with. Try using a key other than '{key}' if you meant to execute a different request."
)


class Keys:
    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._lock = threading.Lock()
        self._in_flight: set[str] = set()

    def answered(self, key: str, request: Request) -> Answer | None:
        """What was answered to this very call before. Raises the 409 or 400 of a key in use."""
        if len(key) > MOST_KEY:
            raise refusal(400, f"Idempotency-Key: at most {MOST_KEY} characters.")
        if key in self._in_flight:
            message = IN_USE.format(key=key)
            code, kind = "idempotency_key_in_use", "idempotency_error"
            raise refusal(409, message, code=code, kind=kind)
        row = self._store.row("SELECT * FROM stripe_keys WHERE key = ?", key)
        if row is None or row["at"] < time.time() - self._config["stripe"]["key_seconds"]:
            return None
        if row["print"] != _print(request):
            raise refusal(400, OTHER.format(key=key), kind="idempotency_error")
        headers = {"Idempotent-Replayed": "true", "Original-Request": row["request_id"]}
        return Answer(row["status"], row["body"].encode(), headers=headers)

    def keep(self, key: str, request: Request, answer: Answer, request_id: str) -> None:
        """Remember an answer; what was refused before anything began is not one."""
        if answer.status in (401, 409, 429) or _code(answer) in NOT_BEGUN:
            return
        self._store.run(
            "INSERT OR REPLACE INTO stripe_keys VALUES (?, ?, ?, ?, ?, ?)",
            *(key, _print(request), answer.status, answer.body.decode(), request_id, time.time()),
        )

    def forget(self) -> int:
        """Every key, at once, as if a day had passed; how many."""
        return self._store.run("DELETE FROM stripe_keys")

    def begin(self, key: str) -> bool:
        """A call with this key is being worked on; False when one was already."""
        with self._lock:
            if key in self._in_flight:
                return False
            self._in_flight.add(key)
            return True

    def end(self, key: str) -> None:
        with self._lock:
            self._in_flight.discard(key)


def _print(request: Request) -> str:
    """What makes two calls the same call."""
    params = sorted(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    text = json.dumps([request.method, request.path, params])
    return hashlib.sha256(text.encode()).hexdigest()


def _code(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)["error"].get("code")
    except (ValueError, KeyError, TypeError):
        return None
