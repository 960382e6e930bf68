"""Webhooks over a real server: what only the wire shows, many at once, a database that is away."""

import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest
from django.db import connection

from connectors.models import Message, Receipt, RejectedReceipt
from connectors.views import hooks
from exceptions.models import Ticket
from tests import factories
from tests.factories import digest_all, document, signature

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

EVENT_ID = "X-PandaDoc-Webhook-Event-Id"


def raw_event(doc="doc-1", **changes):
    return json.dumps([document(id=doc, **changes)]).encode()


# --- A server ------------------------------------------------------------------------------------
@dataclass
class Server:
    """The web server as it runs in earnest, on the test's own database."""

    port: int
    process: subprocess.Popen
    log: Path

    def send(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        """These very bytes; the answer's status, headers and body."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as wire:
            wire.sendall(raw)
            answer = b""
            while piece := wire.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split()[1]), headers, body

    def post(self, body: bytes, *, event_id="evt-1", **headers):
        """A signed PandaDoc post over a connection of its own: status and what was said."""
        client = HTTPConnection("127.0.0.1", self.port, timeout=30)
        path = f"/hooks/pandadoc/?signature={signature(body)}"
        sent = {"Content-Type": "application/json", EVENT_ID: event_id, **headers}
        client.request("POST", path, body, sent)
        answer = client.getresponse()
        said = json.loads(answer.read())
        client.close()
        return answer.status, said

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def head(body=b"", *lines, path=None, length=True):
    """The head of a signed post, ready for odd lines."""
    first = f"POST {path or '/hooks/pandadoc/?signature=' + signature(body)} HTTP/1.1"
    given = [first, "Host: 127.0.0.1", "Connection: close", f"{EVENT_ID}: evt-1", *lines]
    if not any(line.lower().startswith("content-type") for line in lines):
        given.append("Content-Type: application/json")
    if length:
        given.append(f"Content-Length: {len(body)}")
    return "\r\n".join(given).encode() + b"\r\n\r\n"


def serve(database_url, *, threads=4):
    """Start the server; it must be stopped."""
    port = free_port()
    log = Path(tempfile.mkstemp(prefix="meshline-web-", suffix=".log")[1])
    command = [
        sys.executable, "-m", "gunicorn", "-c", "python:meshline.shell.web_server",
        "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", str(threads),
        "meshline.wsgi",
    ]  # fmt: skip
    env = {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
    }
    env.pop("MIGRATION_DATABASE_URL", None)
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    server = Server(port, process, log)
    wait_for(server)
    return server


def wait_for(server):
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", server.port), 1).close()
            # A worker is up once it answers what needs no database.
            client = HTTPConnection("127.0.0.1", server.port, timeout=20)
            client.request("GET", "/healthz")
            client.getresponse().read()
            client.close()
            return
        time.sleep(0.1)
    server.stop()
    raise TimeoutError(server.log.read_text()[-3000:])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def database_url(*, port=None):
    """The address of the test's database; through a port of this machine, if one is given."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    path = f"/{connection.settings_dict['NAME']}"
    if port is None:
        return urlunsplit(parts._replace(path=path))
    who, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{who}{at}127.0.0.1:{port}", path=path, query=""))


@pytest.fixture(scope="module")
def server(django_db_setup):
    started = serve(database_url())
    yield started
    started.stop()
    started.log.unlink()


@pytest.fixture
def pandadoc(transactional_db, server):
    factories.staff()
    return factories.pandadoc()


# --- What only the wire shows --------------------------------------------------------------------
def test_a_post_over_the_wire_is_stored_and_answered_in_json(pandadoc, server):
    status, said = server.post(raw_event())
    assert (status, said["status"]) == (202, "accepted")
    assert bytes(Receipt.objects.get().body) == raw_event()
    status, said = server.post(raw_event())
    assert (status, said["status"]) == (200, "duplicate")


def test_a_chunked_body_is_411(pandadoc, server):
    body = raw_event()
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    status, _, said = server.send(head(body, "Transfer-Encoding: chunked", length=False) + chunked)
    assert status == 411
    assert b"Content-Length is required" in said
    assert RejectedReceipt.objects.get().status_code == 411
    assert Message.objects.count() == 0


def test_without_a_content_length_it_is_411(pandadoc, server):
    status, _, said = server.send(head(length=False))
    assert status == 411
    assert b"Content-Length is required" in said


@pytest.mark.parametrize("length", ["-1", "1e3", "five", "٥"])
def test_a_content_length_that_is_no_number_is_refused(pandadoc, server, length):
    status, _, _ = server.send(head(b"", f"Content-Length: {length}", length=False))
    assert 400 <= status < 500
    assert Message.objects.count() == 0


def test_a_mebibyte_is_taken_and_a_byte_more_is_413(pandadoc, server):
    def padded(size):
        body = raw_event()
        return body[:-1] + b" " * (size - len(body)) + b"]"

    status, _, said = server.send(head(padded(2**20)) + padded(2**20))
    assert status == 202, said
    status, _, said = server.send(head(padded(2**20 + 1)) + padded(2**20 + 1))
    assert status == 413
    assert b"A body is at most 1 MiB." in said
    assert len(bytes(Receipt.objects.get().body)) == 2**20
    assert bytes(RejectedReceipt.objects.get().body) == b""


def test_a_compressed_body_is_415(pandadoc, server):
    body = gzip.compress(raw_event())
    status, _, said = server.send(head(body, "Content-Encoding: gzip") + body)
    assert status == 415
    assert b"Compressed or encoded bodies are not taken" in said


def test_another_charset_is_415(pandadoc, server):
    body = raw_event()
    line = "Content-Type: application/json; charset=iso-8859-1"
    assert server.send(head(body, line) + body)[0] == 415


def test_no_content_type_is_415(pandadoc, server):
    body = raw_event()
    line = "Content-Type:"
    assert server.send(head(body, line) + body)[0] == 415


def test_an_empty_body_is_kept_with_a_ticket(pandadoc, server):
    assert server.send(head(b""))[0] == 202
    digest_all()
    assert Message.objects.get().status == "quarantined"
    assert Ticket.objects.get().kind == "message-unreadable"


def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing_half(pandadoc, server):
    body = raw_event()
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        wire.sendall(head(body) + body[:100])
        wire.shutdown(socket.SHUT_WR)
        wire.recv(65536)
    assert Message.objects.count() == 0
    assert server.post(body)[0] == 202


def test_a_sender_that_announces_a_body_and_never_sends_it_holds_nobody(pandadoc, server):
    body = raw_event()
    waiting = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(4)]
    for wire in waiting:
        wire.sendall(head(body) + body[:10])
    assert server.post(body)[0] == 202
    assert {wire.recv(65536)[9:12] for wire in waiting} == {b"408"}
    for wire in waiting:
        wire.close()


@pytest.mark.long
def test_senders_that_drip_their_bodies_hold_nobody_for_longer_than_a_body_may_take(
    pandadoc, server
):
    """As many as there are threads, a byte now and then, which no timeout between bytes ends."""
    body = raw_event()
    dripping = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(8)]
    over = threading.Event()

    def drip():
        while not over.wait(1.0):
            for wire in dripping:
                with contextlib.suppress(OSError):
                    wire.sendall(b" ")

    for wire in dripping:
        wire.sendall(head(b" " * 1000))
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        assert {wire.recv(65536)[9:12] for wire in dripping} == {b"408"}
        assert server.post(body)[0] == 202
    finally:
        over.set()
        thread.join()
        for wire in dripping:
            wire.close()


def lines(first, *more):
    """The head of a request without any body of it."""
    return "\r\n".join([first, "Host: 127.0.0.1", *more]).encode() + b"\r\n\r\n"


def told_to(server, said, number):
    """So many connections over which this is said, and then nothing more."""
    wires = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(number)]
    for wire in wires:
        wire.sendall(said)
    return wires


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"POST /hooks/pandadoc/ HT",
        lines("POST /sign-in/ HTTP/1.1", "Content-Length: 1000"),
        lines("PATCH /api/v1/tickets/1 HTTP/1.1", "Content-Length: 1000"),
    ],
    ids=["silence", "half a line", "a form", "a script"],
)
def test_who_says_half_of_it_at_any_door_holds_up_no_webhook(pandadoc, server, said):
    """As many as there are threads."""
    wires = told_to(server, said, 4)
    (status, _), seconds = timed(lambda: server.post(raw_event()))
    assert status == 202
    assert (
        seconds < 4.8
    )  # what gunicorn gives to silence alone; all else it would wait for for ever
    for wire in wires:
        wire.close()


def test_who_does_not_hang_up_holds_up_nobody(pandadoc, server):
    """Answered and told that it was the last time, they stay on the line."""
    wires = told_to(server, lines("GET /healthz HTTP/1.1", "Connection: close"), 4)
    (status, _), seconds = timed(lambda: server.post(raw_event()))
    assert status == 202
    assert seconds < 4.5  # gunicorn itself waits 2 s for each
    for wire in wires:
        wire.close()


def test_half_a_form_is_not_read_as_a_whole_one(pandadoc, server):
    form = lines(
        "POST /sign-in/ HTTP/1.1", "Content-Length: 1000", "Connection: close",
        "Content-Type: application/x-www-form-urlencoded",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", server.port), 30) as wire:
        wire.sendall(form + b"email=rosa@example.com")
        wire.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert answer[9:12] == b"408"
    assert b"did not arrive in time" in answer


def test_a_form_beyond_all_measure_is_refused_unread(pandadoc, server):
    raw = lines("POST /sign-in/ HTTP/1.1", "Content-Length: 100000000", "Connection: close")
    assert server.send(raw)[0] == 413


def test_a_slow_sender_is_waited_for(pandadoc, server):
    body = raw_event()
    with socket.create_connection(("127.0.0.1", server.port), 30) as wire:
        wire.sendall(head(body) + body[:10])
        time.sleep(2.5)
        wire.sendall(body[10:])
        assert wire.recv(65536)[9:12] == b"202"


def test_a_head_beyond_ascii_is_answered_in_words(pandadoc, server):
    body = raw_event()
    odd = head(body).replace(b"evt-1", b"\xff\xfe")
    assert server.send(odd + body)[0] == 202
    bad = head(body, path="/hooks/pandadoc/?signature=%ff").replace(b"evt-1", "é".encode())
    assert server.send(bad + body)[0] == 401


def test_several_posts_over_one_connection_are_answered_in_turn(pandadoc, server):
    client = HTTPConnection("127.0.0.1", server.port, timeout=10)
    for number, wrong in enumerate([False, True, False]):
        body = raw_event(f"doc-{number}")
        sent = {
            "Content-Type": "text/plain" if wrong else "application/json",
            EVENT_ID: str(number),
        }
        client.request("POST", f"/hooks/pandadoc/?signature={signature(body)}", body, sent)
        answer = client.getresponse()
        answer.read()
        assert answer.status == (415 if wrong else 202)
    client.close()


def test_another_method_is_405_and_sends_no_page(pandadoc, server):
    raw = b"GET /hooks/pandadoc/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    status, headers, said = server.send(raw)
    assert (status, headers["allow"]) == (405, "post")
    assert json.loads(said)["error"] == "Events are sent by POST."


def test_a_foreign_host_name_is_no_reason_to_lose_an_event(pandadoc, server):
    body = raw_event()
    raw = head(body).replace(b"Host: 127.0.0.1", b"Host: hooks.example.com") + body
    assert server.send(raw)[0] == 202


def test_the_log_of_the_server_tells_no_signature(pandadoc, server):
    body = raw_event()
    server.post(body)
    server.send(head(b"{}", path=f"/hooks/pandadoc/?signature={'f' * 64}") + b"{}")
    logged = server.log.read_text()
    assert signature(body) not in logged
    assert "f" * 64 not in logged


# --- Many at once --------------------------------------------------------------------------------
KEYS, COPIES = 20, 50


def test_fifty_copies_of_twenty_events_at_once_are_twenty_messages(pandadoc, server):
    # All copies of one event side by side, for that is where they meet.
    keys = [f"evt-{number // COPIES}" for number in range(KEYS * COPIES)]

    def send(key):
        return key, *server.post(raw_event(key), event_id=key)

    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(send, keys))
    assert Message.objects.count() == Receipt.objects.count() == KEYS
    assert Counter(status for _, status, _ in answers) == {202: KEYS, 200: KEYS * (COPIES - 1)}
    assert len({key for key, status, _ in answers if status == 202}) == KEYS
    said = {(key, one["message"]) for key, _, one in answers}
    assert len(said) == KEYS
    assert set(Message.objects.values_list("duplicates", flat=True)) == {COPIES - 1}
    digest_all()
    assert set(Message.objects.values_list("status", flat=True)) == {"digested"}


def test_copies_of_a_batch_at_once_never_wait_in_a_ring(pandadoc, server):
    body = json.dumps([document(id=f"doc-{n}") for n in range(20)]).encode()
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: server.post(body), range(60)))
    assert Counter(status for status, _ in answers) == {202: 1, 200: 59}
    assert Message.objects.count() == 20
    assert Receipt.objects.count() == 1


def test_two_contents_under_one_key_at_once_leave_one_message_and_one_ticket(pandadoc, server):
    bodies = [raw_event(name=f"Content {number % 2}") for number in range(40)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(server.post, bodies))
    counted = Counter(status for status, _ in answers)
    assert counted == {202: 1, 200: 19, 422: 20}
    first, other = Message.objects.order_by("-duplicates", "pk")
    assert (first.duplicates, other.duplicates) == (19, 19)
    assert [one.status for one in (first, other) if one.key.startswith("conflict:")] == ["ignored"]
    assert Ticket.objects.get(kind="message-conflict").occurrences == 1


def test_a_thousand_events_in_one_post_are_stored_all_or_none(pandadoc, server):
    body = json.dumps([document(id=f"doc-{n}", recipients=[]) for n in range(1000)]).encode()
    # On a busy machine the door may say 503 first, as it says to every sender; then it comes again.
    answers = (server.post(body) for _ in range(30))
    status, said = next(one for one in answers if one[0] != 503)
    assert status == 202
    assert len(said["messages"]) == Message.objects.count() == 1000


# --- The database is away ------------------------------------------------------------------------
def timed(act):
    started = time.monotonic()
    return act(), time.monotonic() - started


def test_a_database_that_refuses_is_503_within_two_seconds_and_nothing_is_lost(pandadoc, server):
    away = serve(database_url(port=free_port()))
    try:
        client = HTTPConnection("127.0.0.1", away.port, timeout=10)
        body = raw_event()
        address = f"/hooks/pandadoc/?signature={signature(body)}"
        client.request("POST", address, body, {"Content-Type": "application/json", EVENT_ID: "e"})
        answer, seconds = timed(client.getresponse)
        assert answer.status == 503
        assert answer.headers["Retry-After"].isdigit()
        assert seconds < 9  # its own patience ends first: the client would give up at 10
        assert json.loads(answer.read())["error"].startswith("Meshline cannot store this now")
        client.close()
    finally:
        away.stop()
    assert signature(body) not in away.log.read_text()
    away.log.unlink()
    assert Message.objects.count() == 0
    assert server.post(body, event_id="e")[0] == 202


class Between:
    """Stands between the server and its database, and may fall silent without hanging up."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        self.speaks = threading.Event()
        self.speaks.set()
        # One for each piece that is held back.
        self.held = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                front, _ = self.listening.accept()
                back = _to_the_database()
                for pair in ((front, back), (back, front)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, here, there):
        with contextlib.suppress(OSError):
            while piece := here.recv(65536):
                if not self.speaks.is_set():
                    self.held.release()
                    self.speaks.wait()
                there.sendall(piece)
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _to_the_database():
    """A wire to the database of the tests, whether it listens on a socket or on a port."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host, port = said.get("host") or parts.hostname, said.get("port") or parts.port or 5432
    if not host.startswith("/"):
        return socket.create_connection((host, int(port)), 30)
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(f"{host}/.s.PGSQL.{port}")
    return wire


@pytest.fixture
def between(pandadoc):
    return Between()


@pytest.fixture
def hung(between):
    """A server of two threads whose database may fall silent; each has its connection by now."""
    started = serve(database_url(port=between.port), threads=2)
    try:
        with ThreadPoolExecutor(8) as pool:
            sent = pool.map(lambda n: started.post(raw_event(), event_id=f"b-{n}"), range(16))
            assert {status for status, _ in sent} == {202}
        yield started
    finally:
        between.speaks.set()
        started.stop()
        between.listening.close()
        started.log.unlink()


def test_a_database_that_falls_silent_is_503_within_two_seconds_and_then_goes_on(between, hung):
    between.speaks.clear()
    (status, _), seconds = timed(lambda: hung.post(raw_event(), event_id="e"))
    assert status == 503
    assert seconds < 9  # without patience it would wait for ever
    between.speaks.set()
    assert hung.post(raw_event(), event_id="e")[0] in {200, 202}
    assert Message.objects.filter(key="e").count() == 1


def test_many_posts_at_once_to_a_silent_database_do_not_queue_for_it(between, hung):
    between.speaks.clear()
    with ThreadPoolExecutor(30) as pool:
        asked = pool.map(lambda n: hung.post(raw_event(), event_id=f"e-{n}"), range(60))
        answers, seconds = timed(lambda: [status for status, _ in asked])
    assert set(answers) == {503}
    assert seconds < 20  # two at a time, each waiting for two seconds, would take a minute
    between.speaks.set()
    # It tries for itself, and everybody is let in again.
    assert hung.post(raw_event(), event_id="e-1")[0] in {200, 202}
    assert hung.post(raw_event(), event_id="e-2")[0] in {200, 202}


def test_after_a_restart_of_the_database_the_first_posts_are_taken_like_all_others(
    pandadoc, server
):
    with ThreadPoolExecutor(8) as pool:
        # Every thread of the server has its connection by now.
        list(pool.map(lambda n: server.post(raw_event(), event_id=f"before-{n}"), range(16)))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user"
                " AND pid <> pg_backend_pid()"
            )
        batch = json.dumps([document(id=f"doc-{n}") for n in range(3)]).encode()
        bodies = [batch] + [raw_event()] * 15
        sent = pool.map(lambda n: server.post(bodies[n], event_id=f"after-{n}"), range(16))
        assert {status for status, _ in sent} == {202}


def in_background(ask, number):
    """Asked by so many at once; the threads, which end when they are answered."""
    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def test_who_waits_for_a_silent_database_leaves_a_thread_to_webhooks(between, hung):
    raw = lines("GET /api/v1/tickets HTTP/1.1", "Authorization: Bearer mesh_x", "Connection: close")
    between.speaks.clear()
    waiting = in_background(lambda: hung.send(raw), 3)
    try:
        assert between.held.acquire(timeout=30)
        (status, _), seconds = timed(lambda: hung.post(raw_event(), event_id="e"))
        assert status == 503
        assert seconds < 9
        client = HTTPConnection("127.0.0.1", hung.port, timeout=9)
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b"ok"
        client.request("GET", "/sign-in/")
        busy = client.getresponse()
        assert (busy.status, busy.headers["Retry-After"]) == (503, "5")
        assert b"Meshline has its hands full" in busy.read()
        client.close()
    finally:
        between.speaks.set()
        for thread in waiting:
            thread.join()


def test_a_lock_held_for_long_is_503_within_two_seconds(pandadoc, server):
    server.post(raw_event(), event_id="before")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE connectors_message IN SHARE MODE")
        try:
            (status, _), seconds = timed(lambda: server.post(raw_event(), event_id="e"))
        finally:
            cursor.execute("ROLLBACK")
    assert status == 503
    assert seconds < 9  # without patience it would wait for ever
    status, _ = server.post(raw_event(), event_id="e")
    assert status in {200, 202}
    assert Message.objects.filter(key="e").count() == 1


def test_patience_with_the_database_ends_before_the_promised_two_seconds():
    assert hooks.DATABASE_SECONDS < 2
    assert connection.settings_dict["OPTIONS"]["connect_timeout"] <= 2
