"""A message into the channel that the connection names."""

from django.conf import settings

from connectors.base import Errand, Found, Trouble

CHANNEL = "channel"
_LONGEST = 3000
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def message(errand: Errand) -> Found:
    """Post it, with a link to the proposal here.

    Slack has no key for repeats: after an unknown result a person decides.
    """
    channel = errand.options[CHANNEL]
    if not channel:
        sentence = "The connection names no channel yet; an admin enters one on its page."
        raise Trouble(sentence, failure="no-channel", permanent=True)
    link = f"<{settings.PUBLIC_URL}{errand.params['url']}|Open it in Meshline>"
    text = f"{escaped(errand.params['subject'][:_LONGEST])} {link}"
    where, ts = errand.client.post(channel, text, key=errand.key)
    return Found(f"{where}:{ts}", "message", f"Posted to {channel}.")


def escaped(text: str) -> str:
    """Text as it stands in a message: Slack's three signs of its own mean nothing in it."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)
