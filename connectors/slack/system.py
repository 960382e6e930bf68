"""Slack as a system: its door out, and what its connections are asked for."""

import re

from connectors.base import Delivery, Idempotency, Option, System
from connectors.slack import client, deliver, read

_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}|#[^\s#]{1,80}")


def _channel(value: str) -> str:
    return "" if _CHANNEL.fullmatch(value) else "Channel: its id (C…) or its name with #."


SYSTEM = System(
    slug="slack",
    name="Slack",
    role="chat",
    deliveries=(
        Delivery(
            "message.post",
            "post a message",
            Idempotency.NONE,
            deliver.message,
            read.message,
        ),
    ),
    client=client.Client,
    default_url="https://slack.com",
    probe=lambda client: client.whoami(),
    credential_label="Bot token (xoxb-…)",
    options=(
        Option(
            deliver.CHANNEL,
            "Channel",
            "Where messages go: its id (C…) or its name with #. The bot must be in it.",
            check=_channel,
        ),
    ),
)
