"""A letter as an e-mail, and what a mail server's no means."""

import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from connectors.base import Trouble
from connectors.mail import client
from meshline.notices.letters import Letter

# It does not take mail for this address: the person's own trouble, not the server's.
RECIPIENT = "recipient"
# It does not take it now: full, or greylisting. Theirs as well, and passing.
MAILBOX = "mailbox"
_PASSING, _LASTING = range(400, 500), range(500, 600)
# To any command: the server itself has no time.
_CLOSING = 421


def letter(written: Letter, *, to: str, key: str) -> str:
    """Send it; the id by which mail systems know a repeat of it. Raises Trouble."""
    message = EmailMultiAlternatives(
        written.subject, written.text, settings.DEFAULT_FROM_EMAIL, [_reachable(to)],
        headers={"Message-ID": message_id(key), "Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    message.attach_alternative(written.html, "text/html")
    try:
        mail.get_connection().send_messages([message])
    except (smtplib.SMTPException, OSError) as error:
        raise trouble(error) from None
    return message_id(key)


def _reachable(to: str) -> str:
    """Their address for the wire. Raises Trouble where it has none: theirs, not the server's."""
    try:
        return client.on_the_wire(to)
    except UnicodeError:
        said = f"No mail server takes mail for the address {to}."
        raise Trouble(said, failure=RECIPIENT, permanent=True) from None


def message_id(key: str) -> str:
    """The same over every try of the same message."""
    return f"<{key}@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}>"


def trouble(error: Exception) -> Trouble:
    """What to make of a failure: the server's or the person's, passing or for good."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _refused(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        said = "The mail server does not accept our name and password."
        return Trouble(said, failure="credentials", permanent=True)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Trouble(f"The mail server cannot do it: {error}", failure="refused", permanent=True)
    if isinstance(error, smtplib.SMTPResponseException):
        said = f"The mail server answered {error.smtp_code}: {_words(error.smtp_error)}"
        # Anything else is an answer that was cut off.
        lasting = error.smtp_code in _LASTING
        return Trouble(said, failure="refused" if lasting else "unavailable", permanent=lasting)
    # A lost answer after the letter was handed over counts here, too: tried again under its id.
    said = f"The mail server could not be reached: {type(error).__name__}: {error}"
    return Trouble(said, failure="unavailable", unknown=True)


def _refused(code: int, said: bytes | str) -> Trouble:
    sentence = f"The mail server does not take mail for this address: {code} {_words(said)}"
    if code in _PASSING:
        return Trouble(sentence, failure="unavailable" if code == _CLOSING else MAILBOX)
    return Trouble(sentence, failure=RECIPIENT, permanent=True)


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]
