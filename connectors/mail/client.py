"""A mail server over SMTP, with an end to each wait and to the whole call."""

import smtplib
import ssl
import time
from collections.abc import Sequence
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.encoding import punycode

from meshline import patience

# Connect 3 s < whole call 15 s, as with every other system.
CONNECT_SECONDS, CALL_SECONDS = 3.0, 15.0
READY = 220


class Backend(BaseEmailBackend):
    """Django's own kind of backend, so that tests and the console stand in for it.

    Raises what smtplib and the socket raise; deliver.py knows what each means.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            self._send(message)
        return len(email_messages)

    def _send(self, message: EmailMessage) -> None:
        ends_at = time.monotonic() + CALL_SECONDS
        wire = _connected()
        # A timeout of the socket starts anew with every byte; this one does not.
        with patience.receiving_over(lambda: wire.sock, ends_at - time.monotonic()):
            try:
                _introduce(wire)
                sender, *to = map(on_the_wire, [message.from_email, *message.recipients()])
                wire.sendmail(sender, to, _bytes_of(message))
            finally:
                wire.close()


def on_the_wire(address: str) -> str:
    """The bare address as every mail server takes it: müller.de is xn--mller-kva.de there.

    Raises UnicodeError where it cannot be written so.
    """
    local, _, domain = parseaddr(address)[1].rpartition("@")
    written = f"{local}@{punycode(domain)}"
    return written.encode("ascii").decode()


def _bytes_of(message: EmailMessage) -> bytes:
    made: Any = message.message()
    return bytes(made.as_bytes(linesep="\r\n"))


def _connected() -> smtplib.SMTP:
    given: dict[str, Any] = {"timeout": CONNECT_SECONDS, "local_hostname": _ourselves()}
    if settings.EMAIL_USE_SSL:
        given["context"] = ssl.create_default_context()
    wire = (smtplib.SMTP_SSL if settings.EMAIL_USE_SSL else smtplib.SMTP)(**given)
    # Its certificate is checked against this name, which connect() alone does not set.
    wire._host = settings.EMAIL_HOST  # type: ignore[attr-defined]
    code, said = wire.connect(settings.EMAIL_HOST, settings.EMAIL_PORT)
    if code != READY:
        wire.close()
        raise smtplib.SMTPConnectError(code, said)
    return wire


def _ourselves() -> str:
    """How we introduce ourselves: looking up our own name may take the mail's whole time."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    try:
        return f"[{ip_address(host)}]"
    except ValueError:
        return host


def _introduce(wire: smtplib.SMTP) -> None:
    assert wire.sock is not None
    wire.sock.settimeout(CALL_SECONDS)
    wire.ehlo_or_helo_if_needed()
    if settings.EMAIL_USE_TLS:
        wire.starttls(context=ssl.create_default_context())
        wire.ehlo()
    if settings.EMAIL_HOST_USER:
        wire.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
