"""A message into the channel that the connection names."""

from django.conf import settings

from connectors.base import Errand, Found, Trouble
from connectors.slack.client import Client
from meshline.notices.letters import Letter, Line

CHANNEL = "channel"
_LONGEST = 3000
# Slack refuses what is longer than 40,000 characters.
_LONGEST_LETTER = 30_000
# The person is not there, or nothing can be written to them.
RECIPIENT = "recipient"
_NOBODY = frozenset({
    "refused-channel_not_found", "refused-user_not_found", "refused-cannot_dm_bot",
    "refused-user_disabled",
})  # fmt: skip
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


def letter(client: Client, written: Letter, *, email: str, slack_id: str, key: str) -> str:
    """A direct message to a person, by their Slack id or their e-mail; the message's name there.

    A person Slack does not know is their own trouble (RECIPIENT), not Slack's.
    """
    member = slack_id or client.member(email)
    if not member:
        said = "Slack knows nobody by this e-mail. Enter your Slack member id in your preferences."
        raise Trouble(said, failure=RECIPIENT, permanent=True)
    try:
        where, ts = client.post(member, _text(written), key=key)
    except Trouble as trouble:
        if trouble.failure in _NOBODY:
            raise Trouble(str(trouble), failure=RECIPIENT, permanent=True) from None
        raise
    return f"{where}:{ts}"


def _text(written: Letter) -> str:
    return "\n".join(_line(one) for one in written.lines)[:_LONGEST_LETTER]


def _line(one: Line) -> str:
    said = _linked(one)
    return "\n".join([said, *(f"• {_linked(under)}" for under in one.under)])


def _linked(one: Line) -> str:
    said = escaped(one.text[:_LONGEST])
    return f"{said} <{one.url}|Open>" if one.url else said


def escaped(text: str) -> str:
    """Text as it stands in a message: Slack's three signs of its own mean nothing in it."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)
