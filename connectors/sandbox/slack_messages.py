"""The channels and messages of the Slack stand-in, and the verbs that post and change them."""

import threading
import time
from datetime import datetime
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import FieldError
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.records import Record, Records
from connectors.sandbox.store import Store

KIND = "messages"
BOT = {"user": "U0STANDIN", "bot_id": "B0STANDIN", "app_id": "A0STANDIN", "team": "T0STANDIN"}
MOST_TEXT, MOST_BLOCKS = 40_000, 50


class SlackError(FieldError):
    """Slack's `error`: one word for a program, no sentence."""

    def __init__(self, word: str) -> None:
        super().__init__(word, f"Slack says {word}.")
        self.word = word


class Messages:
    def __init__(self, store: Store, config: Config, ledger: Ledger) -> None:
        self._store = store
        self._config = config
        self._ledger = ledger
        self._lock = threading.Lock()
        self._last = 0
        self.records = Records(store, "slack")

    # Channels and members

    def channels(self) -> list[dict[str, Any]]:
        return [_channel(one) for one in self._config["slack"]["channels"]]

    def channel(self, named: str) -> dict[str, Any]:
        """By id, by name with or without #, or a member's id for a direct message."""
        for one in self.channels():
            if named in (one["id"], one["name"], f"#{one['name']}"):
                return one
        if any(named == member["id"] for member in self.members()):
            return _channel({"id": f"D{named[1:]}", "name": "directmessage"})
        raise SlackError("channel_not_found")

    def members(self) -> list[dict[str, Any]]:
        return [_member(one) for one in self._config["slack"]["members"]]

    # Messages

    def post(self, named: str, given: dict[str, Any], *, by: str, at: datetime) -> Record:
        channel = self.channel(named)
        if channel["is_archived"]:
            raise SlackError("is_archived")
        if not channel["is_member"]:
            raise SlackError("not_in_channel")
        body = {"type": "message", "subtype": "bot_message", **BOT, **_content(given)}
        if given.get("thread_ts"):
            body["thread_ts"] = str(given["thread_ts"])
        with self._store.transaction():
            stamp = self._stamp()
            body |= {"ts": stamp, "channel": channel["id"]}
            record = self.records.add(KIND, f"{channel['id']}-{stamp}", body, at=at)
            self._note("created", record, by)
        return record

    def find(self, channel: str, stamp: str) -> Record:
        record = self.records.get(KIND, f"{self.channel(channel)['id']}-{stamp}")
        if record is None:
            raise SlackError("message_not_found")
        return record

    def update(
        self, channel: str, stamp: str, given: dict[str, Any], *, by: str, at: datetime
    ) -> Record:
        with self._store.transaction():
            record = self.find(channel, stamp)
            record.body |= _content(given, record.body)
            record.body["edited"] = {"user": BOT["user"], "ts": f"{int(at.timestamp())}.000000"}
            self.records.save(record, at=at)
            self._note("updated", record, by)
        return record

    def history(self, channel: str) -> list[Record]:
        """Everything in a channel, newest first."""
        return self.records.chosen(KIND, {"channel": channel})

    def _stamp(self) -> str:
        """Seconds and millionths, never twice the same."""
        with self._lock:
            self._last = max(int(time.time() * 1_000_000), self._last + 1)
            return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def _note(self, action: str, record: Record, by: str) -> None:
        self._ledger.note_effect("slack", action, KIND, record.id, key_of(record.body), by)


def key_of(body: dict[str, Any]) -> str | None:
    """What the message says of itself in its metadata: our keys, one a line."""
    payload = (body.get("metadata") or {}).get("event_payload") or {}
    keys = [f"metadata.{n}={v}" for n, v in payload.items() if n.startswith("meshline")]
    return "\n".join(keys) or None


def _content(given: dict[str, Any], present: dict[str, Any] | None = None) -> dict[str, Any]:
    """Text, blocks and metadata; what an update does not name stays."""
    content = {name: given[name] for name in ("text", "blocks", "metadata") if name in given}
    text, blocks = content.get("text"), content.get("blocks")
    metadata = content.get("metadata")
    if not text and not blocks and present is None:
        raise SlackError("no_text")
    if text is not None and len(str(text)) > MOST_TEXT:
        raise SlackError("msg_too_long")
    if blocks is not None and not (isinstance(blocks, list) and len(blocks) <= MOST_BLOCKS):
        raise SlackError("invalid_blocks_format")
    if metadata is not None and not _is_metadata(metadata):
        raise SlackError("invalid_metadata_format")
    return ({"text": ""} if present is None else {}) | content


def _is_metadata(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and isinstance(given.get("event_type"), str)
        and isinstance(given.get("event_payload"), dict)
    )


def _channel(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "name": one.get("name") or one["id"].lower(),
        "is_channel": True,
        "is_private": bool(one.get("is_private")),
        "is_archived": bool(one.get("is_archived")),
        "is_member": bool(one.get("is_member", True)),
    }


def _member(one: dict[str, Any]) -> dict[str, Any]:
    number = one.get("id") or f"U{ids.member_id(one['email'])[:10].upper()}"
    name = one.get("name") or one["email"].partition("@")[0]
    profile = {"email": one["email"], "real_name": name}
    return {"id": number, "name": name, "deleted": bool(one.get("deleted")), "profile": profile}
