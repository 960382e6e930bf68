"""Proof: the message has an address."""

from connectors.base import Errand, Found


def message(errand: Errand) -> Found | None:
    """The message is in the channel; None when Slack does not find it."""
    channel, _, ts = errand.external_id.partition(":")
    address = errand.client.permalink(channel, ts) if ts else ""
    if not address:
        return None
    return Found(errand.external_id, "message", f"Read back: the message is at {address}")
