"""E-mail over a real wire: what arrives, what each no means, and an end to every wait."""

import smtplib
import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from connectors.base import Trouble
from connectors.mail import client, deliver
from meshline import environment
from meshline.notices.letters import Letter, Line
from tests.connectors.post_office import PostOffice

LETTER = Letter(
    "Müller & Söhne signed", [Line("Müller & Söhne signed", "https://m.example.com/queue/7/")], "x"
)


@pytest.fixture
def office(settings):
    office = PostOffice()
    settings.EMAIL_BACKEND = "connectors.mail.client.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_SSL = settings.EMAIL_USE_TLS = False
    yield office
    office.close()


def send(key="k-1", to="olivia@example.com"):
    return deliver.letter(LETTER, to=to, key=key)


def refused():
    with pytest.raises(Trouble) as caught:
        send()
    return caught.value


def test_a_letter_arrives_with_both_its_forms_and_its_id(office, settings):
    settings.PUBLIC_URL = "https://meshline.example.com"
    assert send() == "<k-1@meshline.example.com>"
    [letter] = office.letters
    assert "Message-ID: <k-1@meshline.example.com>" in letter
    assert "To: olivia@example.com" in letter
    assert "=?utf-8?" in letter
    assert "Content-Type: text/plain" in letter
    assert "Content-Type: text/html" in letter
    assert "ehlo meshline.example.com" in office.heard
    assert "rcpt TO:<olivia@example.com>" in office.heard


def test_a_domain_with_umlauts_is_written_as_the_wire_knows_it(office, settings):
    settings.DEFAULT_FROM_EMAIL = "Meshline <meshline@grün.example>"
    send(to="anna@müller.example")
    assert "rcpt TO:<anna@xn--mller-kva.example>" in office.heard
    assert "To: anna@xn--mller-kva.example" in office.letters[0]
    assert any("<meshline@xn--grn-ioa.example>" in line for line in office.heard)


@pytest.mark.parametrize("to", ["ännä@example.com", "anna@" + "ü" * 70 + ".example", "anna@.ü"])
def test_an_address_that_no_server_takes_is_that_persons_trouble(office, to):
    with pytest.raises(Trouble, match="No mail server takes mail for the address") as caught:
        send(to=to)
    assert (caught.value.failure, caught.value.permanent) == (deliver.RECIPIENT, True)
    assert office.heard == []


def test_we_introduce_ourselves_by_an_address_where_we_have_no_name(office, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    send()
    assert "ehlo [127.0.0.1]" in office.heard


@pytest.mark.parametrize(
    ("word", "answer", "failure", "permanent"),
    [
        ("RCPT", "550 no such user", deliver.RECIPIENT, True),
        ("RCPT", "450 greylisted", deliver.MAILBOX, False),
        ("RCPT", "452 mailbox full", deliver.MAILBOX, False),
        ("RCPT", "421 closing", "unavailable", False),
        ("MAIL", "530 not from you", "refused", True),
        ("MAIL", "421 too busy", "unavailable", False),
        ("DATA", "554 looks like spam", "refused", True),
        ("HELLO", "554 go away", "refused", True),
        ("HELLO", "421 later", "unavailable", False),
    ],
)
def test_each_no_means_something_else(office, word, answer, failure, permanent):
    office.says[word] = answer
    trouble = refused()
    assert (trouble.failure, trouble.permanent) == (failure, permanent)
    assert answer in str(trouble) or answer.split(" ", 1)[1] in str(trouble)


def test_a_name_that_is_not_accepted_is_for_good(office, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "meshline", "secret-word"
    office.says["AUTH"] = "535 no"
    trouble = refused()
    assert (trouble.failure, trouble.permanent) == ("credentials", True)
    assert "secret-word" not in str(trouble)


@pytest.mark.parametrize("word", ["HELLO", "EHLO", "MAIL", "DATA"])
def test_a_wire_that_breaks_may_be_tried_again(office, word):
    office.drops.add(word)
    trouble = refused()
    assert (trouble.failure, trouble.permanent, trouble.unknown) == ("unavailable", False, True)


def test_nobody_there_may_be_tried_again(office):
    office.close()
    assert refused().failure == "unavailable"


def test_a_server_that_only_drips_has_an_end(office, monkeypatch):
    monkeypatch.setattr(client, "CALL_SECONDS", 0.6)
    office.hangs.add("MAIL")
    began = time.monotonic()
    assert refused().failure == "unavailable"
    assert time.monotonic() - began < 3


def test_what_smtp_cannot_do_is_for_good():
    trouble = deliver.trouble(smtplib.SMTPNotSupportedError("STARTTLS"))
    assert (trouble.failure, trouble.permanent) == ("refused", True)


# --- EMAIL_URL -------------------------------------------------------------------------------
def read(monkeypatch, value, by_itself=""):
    monkeypatch.setenv("EMAIL_URL", value)
    return environment.mail("EMAIL_URL", by_itself=by_itself)


@pytest.mark.parametrize(
    ("value", "host", "port", "ssl", "tls"),
    [
        ("smtp://127.0.0.1", "127.0.0.1", 25, False, False),
        ("smtp+tls://u%40x:p%2Fw@mail.example.com", "mail.example.com", 587, False, True),
        ("smtps://u:p@mail.example.com:4650", "mail.example.com", 4650, True, False),
    ],
)
def test_an_address_of_a_mail_server_is_read(monkeypatch, value, host, port, ssl, tls):
    read_ = read(monkeypatch, value)
    assert read_["EMAIL_BACKEND"] == "connectors.mail.client.Backend"
    assert (read_["EMAIL_HOST"], read_["EMAIL_PORT"]) == (host, port)
    assert (read_["EMAIL_USE_SSL"], read_["EMAIL_USE_TLS"]) == (ssl, tls)
    if "u%40x" in value:
        assert (read_["EMAIL_HOST_USER"], read_["EMAIL_HOST_PASSWORD"]) == ("u@x", "p/w")


def test_nothing_said_is_nothing_sent_and_in_the_demo_the_terminal(monkeypatch):
    assert "dummy" in read(monkeypatch, "")["EMAIL_BACKEND"]
    assert "console" in read(monkeypatch, "", by_itself="console://")["EMAIL_BACKEND"]
    assert "console" in read(monkeypatch, "console://")["EMAIL_BACKEND"]


@pytest.mark.parametrize(
    "value",
    [
        "mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:99999",
        "smtp://host:x", "smtp://user:geheim@mail.example.com", "smtp://host/path",
        "smtp+tls://host?x=1", "smtps://[::1",
    ],
)  # fmt: skip
def test_a_wrong_address_stops_the_start_with_advice_and_tells_no_password(monkeypatch, value):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as caught:
        read(monkeypatch, value)
    assert "geheim" not in str(caught.value)


def test_a_sender_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("EMAIL_FROM", "Meshline")
    with pytest.raises(ImproperlyConfigured, match="EMAIL_FROM"):
        environment.sender("EMAIL_FROM", host="m.example.com")
    monkeypatch.delenv("EMAIL_FROM")
    assert environment.sender("EMAIL_FROM", host="m.example.com").endswith(
        "<meshline@m.example.com>"
    )
