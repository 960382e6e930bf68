"""Looking into the Slack stand-in, and writing there as a person."""

import re
from html import escape
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.desk import Desk, newest
from connectors.sandbox.exchange import Answer, Request, json_answer
from connectors.sandbox.page_parts import Section, link, missing, page, table, value
from connectors.sandbox.records import Record
from connectors.sandbox.slack_messages import KIND, Messages, SlackError

PAGE = re.compile(r"/slack/app/channels/(\w+)")


class SlackDesk(Desk):
    ROUTES = (
        ("GET", re.compile("/slack/messages"), "list"),
        ("POST", re.compile(r"/slack/channels/(?P<number>\w+)/messages"), "write"),
    )

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def _list(self, request: Request) -> Answer:
        found = self._messages.records.newest(KIND, limit=newest(request, 20))
        return json_answer(200, {"results": [message_view(record) for record in found]})

    def _write(self, request: Request, number: str) -> Answer:
        given = request.json(exact_numbers=False)
        record = self._messages.post(number, given, by="person", at=times.now())
        return json_answer(201, message_view(record))


class SlackPages:
    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def sections(self, most: int) -> list[Section]:
        lines = [
            (link(f"/slack/app/channels/{one['id']}", f"#{one['name']}"), "")
            for one in self._messages.channels()
        ]
        return [("Slack channels", table(lines))]

    def answer(self, path: str) -> Answer | None:
        found = PAGE.fullmatch(path)
        if found is None:
            return None
        try:
            channel = self._messages.channel(found[1])
        except SlackError:
            return missing()
        lines = [_line(record) for record in self._messages.history(channel["id"])]
        return page(200, f"#{channel['name']}", "<p>Slack channel</p>" + table(lines))


def _line(record: Record) -> tuple[str, str]:
    body = record.body
    stamp = escape(body["ts"])
    parts = [value(body["text"]), value(body.get("blocks"))]
    edited = " (edited)" if body.get("edited") else ""
    return f'<span id="m{stamp}">{stamp}</span>{edited}', "<br>".join(filter(None, parts))


def message_view(record: Record) -> dict[str, Any]:
    """A message with the page it can be read on."""
    return {**record.body, "url": f"/slack/app/channels/{record.body['channel']}"}
