"""The HTTP side of the Slack stand-in: 200 for nearly everything, and `ok` says how it went."""

import hmac
import json
from typing import Any
from urllib.parse import parse_qs

from connectors.sandbox import times
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import Answer, Request, UnreadableError, json_answer
from connectors.sandbox.limits import Limits
from connectors.sandbox.records import Record
from connectors.sandbox.slack_messages import BOT, Messages, SlackError, key_of

METHODS = {
    "auth.test": "whoami",
    "chat.postMessage": "post",
    "chat.update": "update",
    "chat.getPermalink": "permalink",
    "conversations.history": "history",
    "conversations.list": "channels",
    "users.lookupByEmail": "lookup",
}
NESTED = ("blocks", "metadata", "attachments")  # JSON within a form
MOST_PAGE = 999
# What an incoming webhook says instead of `ok`, as plain text, with a status of its own.
INCOMING_SAYS = {"channel_not_found": 404, "is_archived": 410, "not_in_channel": 403}


class SlackApi:
    name = "slack"

    def __init__(self, messages: Messages, config: Config, home: Any) -> None:
        self._messages = messages
        self._config = config
        self._home = home
        self.limits = Limits()

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/services/"):
            return self._incoming(request)
        method = request.path.removeprefix("/api/")
        try:
            given = _arguments(request)
            if method not in METHODS:
                raise SlackError("unknown_method")
            self._check_token(request, given)
            found: dict[str, Any] | Answer = getattr(self, f"_{METHODS[method]}")(given)
        except UnreadableError:
            return json_answer(200, {"ok": False, "error": "invalid_json"})
        except SlackError as no:
            return json_answer(200, {"ok": False, "error": no.word})
        return found if isinstance(found, Answer) else json_answer(200, {"ok": True, **found})

    def error_body(self, code: int, policy: str | None) -> dict[str, Any]:
        """What Slack says with a status of a fault; `policy` is the word, also for a 200."""
        word = policy or {429: "ratelimited", 401: "invalid_auth"}.get(code, "internal_error")
        return {"ok": False, "error": word}

    def key_of(self, request: Request) -> str | None:
        try:
            given = _arguments(request)
            return key_of(given) or given.get("channel")
        except (UnreadableError, AttributeError):
            return None

    # Who and how often

    def _check_token(self, request: Request, given: dict[str, Any]) -> None:
        token = self._config["slack"]["token"]
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        sent = sent if scheme.lower() == "bearer" else str(given.get("token") or "")
        if not sent:
            raise SlackError("not_authed")
        if not token or not hmac.compare_digest(sent.encode(), token.encode()):
            raise SlackError("invalid_auth")

    def _too_often(self, channel: str) -> Answer | None:
        most = self._config["slack"]["rate_limit"]["per_channel_per_second"]
        if self.limits.take(channel, most=most, seconds=1) is not None:
            return None
        answer = json_answer(429, self.error_body(429, None))
        answer.headers["Retry-After"] = "1"
        return answer

    # The methods

    def _whoami(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": f"{self._home()}/slack/app/",
            "team": "Stand-in",
            "user": "meshline",
            "team_id": BOT["team"],
            "user_id": BOT["user"],
            "bot_id": BOT["bot_id"],
            "is_enterprise_install": False,
        }

    def _post(self, given: dict[str, Any]) -> dict[str, Any] | Answer:
        named = str(given.get("channel") or "")
        if refused := self._too_often(self._messages.channel(named)["id"]):
            return refused
        record = self._messages.post(named, given, by="api", at=times.now())
        return _told(record)

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        where, stamp = str(given.get("channel") or ""), str(given.get("ts") or "")
        record = self._messages.update(where, stamp, given, by="api", at=times.now())
        return _told(record) | {"text": record.body["text"]}

    def _permalink(self, given: dict[str, Any]) -> dict[str, Any]:
        where, stamp = str(given.get("channel") or ""), str(given.get("message_ts") or "")
        record = self._messages.find(where, stamp)
        page = f"{self._home()}/slack/app/channels/{record.body['channel']}"
        return {"channel": record.body["channel"], "permalink": f"{page}#m{stamp}"}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._messages.channel(str(given.get("channel") or ""))
        if not channel["is_member"]:
            raise SlackError("not_in_channel")
        shown = _is_true(given.get("include_all_metadata"))
        found = [one for one in self._messages.history(channel["id"]) if _is_within(one, given)]
        page, following = _page(found, given)
        hidden = {"channel"} | (set() if shown else {"metadata"})
        told = [{n: v for n, v in one.body.items() if n not in hidden} for one in page]
        return {"messages": told, "has_more": bool(following), "pin_count": 0} | _next(following)

    def _channels(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._messages.channels()
        if _is_true(given.get("exclude_archived")):
            found = [one for one in found if not one["is_archived"]]
        page, following = _page(found, given)
        return {"channels": page} | _next(following)

    def _lookup(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = str(given.get("email") or "").lower()
        for member in self._messages.members():
            if member["profile"]["email"].lower() == wanted and not member["deleted"]:
                return {"user": member}
        raise SlackError("users_not_found")

    # Incoming webhooks: a secret address instead of a token

    def _incoming(self, request: Request) -> Answer:
        path = request.path.removeprefix("/services/")
        known = [one for one in self._config["slack"]["incoming"] if one["path"] == path]
        if not known:
            return _text(404, "no_service")
        try:
            given = _arguments(request)
            named = str(known[0].get("channel") or "")
            if self._too_often(named):
                return _text(429, "rate_limited", {"Retry-After": "1"})
            self._messages.post(named, given, by="api", at=times.now())
        except UnreadableError:
            return _text(400, "invalid_payload")
        except SlackError as no:
            return _text(INCOMING_SAYS.get(no.word, 400), no.word)
        return _text(200, "ok")


def _told(record: Record) -> dict[str, Any]:
    message = {name: value for name, value in record.body.items() if name != "channel"}
    return {"channel": record.body["channel"], "ts": record.body["ts"], "message": message}


def _text(status: int, word: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, word.encode(), "text/html", headers or {})


def _arguments(request: Request) -> dict[str, Any]:
    """From the query, and from a body of JSON or a form, in which JSON may be nested."""
    given: dict[str, Any] = {name: values[-1] for name, values in request.query.items()}
    if request.headers.get("Content-Type", "").startswith("application/json"):
        return given | request.json(exact_numbers=False)
    try:
        form = parse_qs(request.body.decode(), keep_blank_values=True)
        given |= {name: values[-1] for name, values in form.items()}
        given |= {name: json.loads(given[name]) for name in NESTED if given.get(name)}
        payload = json.loads(given["payload"]) if "payload" in given else {}
    except ValueError:
        raise UnreadableError("The body is neither a form nor JSON.") from None
    return given | (payload if isinstance(payload, dict) else {})


def _is_true(given: Any) -> bool:
    return given in (True, 1, "1", "true", "True")


def _is_within(record: Record, given: dict[str, Any]) -> bool:
    """Between `oldest` and `latest`, the ends only when `inclusive`."""
    stamp, also = record.body["ts"], _is_true(given.get("inclusive"))
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "9" * 10)
    inside: bool = oldest < stamp < latest or (also and stamp in (oldest, latest))
    return inside


def _page(found: list[Any], given: dict[str, Any]) -> tuple[list[Any], str]:
    limit, start = str(given.get("limit") or "100"), str(given.get("cursor") or "0")
    if not (limit.isdigit() and 1 <= int(limit) <= MOST_PAGE):
        raise SlackError("invalid_limit")
    if not start.isdigit():
        raise SlackError("invalid_cursor")
    end = int(start) + int(limit)
    return found[int(start) : end], str(end) if end < len(found) else ""


def _next(following: str) -> dict[str, Any]:
    return {"response_metadata": {"next_cursor": following}}
