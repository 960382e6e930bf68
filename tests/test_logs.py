"""What a log line says: what was being worked on, and never a secret."""

import json
import logging
import logging.config
import threading
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from structlog.contextvars import clear_contextvars

from connectors import delivery, digest, draining, inbox
from connectors.models import Message
from meshline import environment, logs
from meshline.shell import web_server
from meshline.web import doors
from proposals import outbox
from tests import factories
from tests.factories import document, post_pandadoc

log = logging.getLogger("tests.logs")


@pytest.fixture
def said():
    """The lines that were logged meanwhile, as whoever collects them reads them."""
    made = logs.config("json")["formatters"]["line"]
    lines: list[dict] = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(self.format(record)))

    kept = Kept()
    kept.setFormatter(made["()"](**{k: v for k, v in made.items() if k != "()"}))
    logging.getLogger().addHandler(kept)
    clear_contextvars()
    yield lines
    logging.getLogger().removeHandler(kept)


def test_a_line_is_one_object(said):
    with logs.about(message=17):
        log.warning("It was %s", "odd")
    log.warning("And on")
    first, second = said
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "It was odd", "level": "warning", "logger": "tests.logs", "message": 17,
    }  # fmt: skip
    assert "message" not in second


def test_only_what_is_on_the_list_is_said(said):
    log.warning("Refused", extra={"password": "hunter2", "status_code": 404})
    with logs.about(token="hunter2", connection="hubspot"):
        log.warning("Refused")
    assert said[0]["status_code"] == 404
    assert "hunter2" not in json.dumps(said)
    assert (said[1]["token"], said[1]["connection"]) == (logs.HIDDEN, "hubspot")


@pytest.mark.parametrize(
    "sentence",
    [
        "Not Found: /hooks/pandadoc/?signature=s3cr3t",
        "Error handling request /hooks/pandadoc/?signature=s3cr3t",
        "Invalid HTTP request line: 'POST /hooks/x/?a=b&signature=s3cr3t HTTP/1.1'",
        "https://example.com?key=s3cr3t was refused",
        "Gone: /sign-in/invitation/s3cr3t/",
        "Authorization: Bearer s3cr3t-s3cr3t",
    ],
)
def test_queries_one_time_links_and_tokens_are_cut(said, sentence):
    log.error(sentence)
    try:
        raise ValueError(sentence)
    except ValueError:
        log.exception("It broke")
    for line in said:
        assert "s3cr3t" not in json.dumps(line)
    assert "Traceback" in said[1]["exception"]


def test_a_question_in_a_sentence_stays(said):
    log.error("Is this so? Really?")
    assert said[0]["event"] == "Is this so? Really?"


# --- Requests -------------------------------------------------------------------------------------
def test_every_answer_carries_an_id(db):
    made = Client().get("/healthz").headers["X-Request-ID"]
    assert len(made) == 32
    assert Client().get("/healthz").headers["X-Request-ID"] != made
    page = Client(headers={"X-Request-ID": "edge-17"}).get("/sign-in/")
    assert page.headers["X-Request-ID"] == "edge-17"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\nb", "é", "<script>", '"', "a;b"])
def test_an_id_that_is_not_well_formed_is_not_taken(given):
    assert len(logs.begin(given)) == 32


def test_a_line_of_a_request_says_which_and_whose(said, staff, monkeypatch):
    def breaks(*_, **__):
        raise ValueError("no")

    monkeypatch.setattr("meshline.shell.views.blocks.of", breaks)
    client = Client(headers={"X-Request-ID": "r-1"}, raise_request_exception=False)
    client.force_login(staff["olivia"])
    assert client.get("/").status_code == 500
    line = next(one for one in said if one["logger"] == "django.request")
    assert (line["request_id"], line["person"]) == ("r-1", staff["olivia"].pk)


def test_a_webhook_that_breaks_says_which_and_tells_no_signature(said, pandadoc, monkeypatch):
    def breaks(*_, **__):
        raise ValueError("no")

    monkeypatch.setattr(inbox, "accept", breaks)
    client = Client(headers={"X-Request-ID": "r-2"}, raise_request_exception=False)
    answer = post_pandadoc([document("sent")], client=client)
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "r-2")
    line = next(one for one in said if one["logger"] == "django.request")
    assert line["request_id"] == "r-2"
    assert "signature" not in json.dumps(line)


@pytest.mark.parametrize("path", ["/hooks/nobody/", "/nothing-here/"])
def test_what_the_handler_says_of_the_answer_carries_the_id(said, staff, path):
    client = Client(headers={"X-Request-ID": "r-3"})
    client.force_login(staff["olivia"])
    client.get(path)
    [line] = (one for one in said if one["logger"] == "django.request")
    assert (line["request_id"], line["status_code"]) == ("r-3", 404)


def test_one_request_leaves_nothing_to_the_next(said, staff):
    client = Client()
    client.force_login(staff["olivia"])
    client.get("/nothing-here/", headers={"X-Request-ID": "r-5"})
    Client().get("/hooks/nobody/", headers={"X-Request-ID": "r-6"})
    whose = [(one["request_id"], one.get("person")) for one in said]
    assert whose == [("r-5", staff["olivia"].pk), ("r-6", None)]


# --- Work ----------------------------------------------------------------------------------------
def test_a_message_that_breaks_is_named(said, pandadoc, monkeypatch):
    post_pandadoc([document("sent")])
    post_pandadoc([document("sent", id="doc-2")], event_id="evt-2")

    def breaks(*_, **__):
        raise ValueError("no")

    monkeypatch.setattr(digest.intake, "receive_all", breaks)
    with logs.about(job="drain_inbox"):
        digest.digest_batch()
    batch, *alone = (one for one in said if one["logger"] == "connectors.digest")
    both = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    assert batch["messages"] == [one["message"] for one in alone] == both
    assert {one["job"] for one in said} == {"drain_inbox"}


@pytest.mark.django_db(transaction=True)
def test_an_outcome_is_named_also_in_the_threads_that_carry(said, pandadoc, monkeypatch):
    factories.hubspot()
    post_pandadoc([document("sent")])
    factories.digest_all()
    outcome = outbox.claim(["hubspot"], lease_seconds=60)
    wheres = []

    def breaks(*_):
        wheres.append(threading.current_thread())
        raise ValueError("no")

    monkeypatch.setattr(delivery, "_carry", breaks)
    with logs.about(job="drain_outbox"):
        carriers = draining.Carriers(1)
        carriers.take(outcome, time.monotonic() + 5)
        carriers.stop()
    assert wheres != [threading.current_thread()]
    line = next(one for one in said if one["logger"] == "connectors.delivery")
    assert (line["outcome"], line["connection"]) == (outcome.pk, "hubspot")
    assert line["job"] == "drain_outbox"


# --- The form -------------------------------------------------------------------------------------
def test_on_a_terminal_it_is_text_and_json_elsewhere(monkeypatch):
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    for is_terminal, form in ((True, "text"), (False, "json")):
        monkeypatch.setattr("sys.stderr.isatty", lambda is_it=is_terminal: is_it)
        assert environment.log_format() == form
    monkeypatch.setenv("LOG_FORMAT", "text")
    assert environment.log_format() == "text"
    monkeypatch.setenv("LOG_FORMAT", "yaml")
    with pytest.raises(ImproperlyConfigured, match="must be json or text"):
        environment.log_format()


def test_the_web_server_speaks_the_same_way_and_keeps_no_list_of_addresses():
    assert web_server.accesslog is None
    spoken = web_server.logconfig_dict["loggers"]["gunicorn.error"]
    assert (spoken["handlers"], spoken["propagate"]) == (["console"], False)


def test_the_doors_are_the_outermost_layer(settings):
    assert settings.MIDDLEWARE[0] == "meshline.web.doors.MachineDoors"
    seen = doors.MachineDoors(lambda request: pytest.fail("let through"))
    assert seen(RequestFactory().get("/healthz")).headers["X-Request-ID"]
