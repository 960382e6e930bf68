"""The way out: what may be called, where the bytes go, and that every call ends.

Everything happens on loopback. `canary` is a listening socket that nothing may ever reach; `serve`
is a server that plays a script written as a function of the accepted connection.
"""

import gzip
import logging
import select
import socket
import ssl
import struct
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.connection import HTTPConnection

from connectors import http, net
from connectors.http import AddressRefused, CallError, Reply, UnreadableReply

KIB = 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


# -- Canary, server, resolver ---------------------------------------------------------------------


class Canary:
    """A loopback listener. A connection stands in its queue as soon as `connect` has returned."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    @property
    def is_untouched(self) -> bool:
        return not select.select([self.listener], [], [], 0)[0]


@pytest.fixture
def canary():
    canary = Canary()
    yield canary
    canary.listener.close()


class Server:
    """Accepts connections and plays `script(connection)` on each, until the test is over."""

    def __init__(self, script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.accepted: list[socket.socket] = []
        self.is_over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.accepted.append(connection)
                threading.Thread(target=self.play, args=(connection,), daemon=True).start()

    def play(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self.script(self, connection)

    def read_request(self, connection: socket.socket) -> bytes:
        """One request: its head, and a body as long as it says."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(4096) or raise_gone()
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        while len(body) < sum(lengths):
            body += connection.recv(4096) or raise_gone()
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def close(self) -> None:
        self.is_over.set()
        for sock in [self.listener, *self.accepted]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def raise_gone():
    raise ConnectionError("the caller has gone")


@pytest.fixture
def serve():
    servers = []

    def start(script) -> Server:
        servers.append(Server(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(autouse=True)
def fresh_connections():
    http._mine.forget()
    yield
    http._mine.forget()


def answering(*answers: bytes):
    """A script that answers the requests of each connection in order."""

    def script(server: Server, connection: socket.socket) -> None:
        for answer in answers:
            server.read_request(connection)
            connection.sendall(answer)

    return script


def forever(answer: bytes):
    def script(server: Server, connection: socket.socket) -> None:
        while True:
            server.read_request(connection)
            connection.sendall(answer)

    return script


@pytest.fixture
def resolver(monkeypatch):
    """Names that lead where the test says; a list of lists answers one lookup after the other."""
    names: dict[str, list] = {}
    asked: list[str] = []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        answers = names[host]
        found = answers.pop(0) if isinstance(answers[0], list) else answers
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    getaddrinfo.names, getaddrinfo.asked = names, asked
    return getaddrinfo


@pytest.fixture
def dialled(monkeypatch):
    """The addresses somebody tried to connect to; only loopback is let through."""
    dialled, really_open = [], net._open

    def open_(address, port, *, within):
        dialled.append(str(address))
        if not address.is_loopback:
            raise ConnectionRefusedError("no network in tests")
        return really_open(address, port, within=within)

    monkeypatch.setattr(net, "_open", open_)
    return dialled


def call(server: Server, method: str = "GET", **kwargs) -> Reply:
    return http.call(method, server.url, allow_loopback=True, **{"deadline": 20.0, **kwargs})


# -- What may not be called -----------------------------------------------------------------------

HOSTS_REFUSED = {
    # this machine, in its many spellings
    "127.0.0.1": "this machine",
    "127.255.255.254": "this machine",
    "0.0.0.0": "this machine",
    "0.1.2.3": "this machine",
    "localhost": "this machine",
    "LOCALHOST": "this machine",
    "[::1]": "this machine",
    "[::]": "this machine",
    "[0:0:0:0:0:0:0:1]": "this machine",
    "127.1": "four numbers",
    "127.0.1": "four numbers",
    "2130706433": "four numbers",
    "0x7f000001": "four numbers",
    "0x7f.1": "four numbers",
    "0x7f.0x0.0x0.0x1": "four numbers",
    "0177.0.0.1": "four numbers",
    "017700000001": "four numbers",
    "127.0.0.01": "four numbers",
    "127.0.0.256": "four numbers",
    "0": "four numbers",
    "0x": "four numbers",
    "①②⑦.0.0.1": "ASCII",
    "１２７.0.0.1": "ASCII",
    "127。0。0。1": "ASCII",
    "locaⓛhost": "ASCII",
    "127.0.0.1.": "no dot at the end",
    "localhost.": "no dot at the end",
    "localhost..": "no dot at the end",
    ".localhost": "single dots",
    "127%2e0%2e0%2e1": "host name is written",
    "%31%32%37.0.0.1": "host name is written",
    "localhost%00.example.com": "host name is written",
    "[::1%25lo]": "host name",
    "[::1%lo]": "host name",
    "[fe80::1%25eth0]": "host name",
    "[127.0.0.1]": "IPv6 address is written",
    "[]": "IPv6 address is written",
    "[::1": "host name",
    "::1": "host name",
    "": "host name",
    # wrapped in IPv6
    "[::ffff:127.0.0.1]": "this machine",
    "[::ffff:7f00:1]": "this machine",
    "[::127.0.0.1]": "this machine",
    "[::ffff:0:127.0.0.1]": "not handed out",
    "[64:ff9b::127.0.0.1]": "this machine",
    "[64:ff9b::a9fe:a9fe]": "metadata",
    "[64:ff9b:1::127.0.0.1]": "protocols",
    "[64:ff9b:1:7f00:0:100::]": "protocols",
    "[2002:7f00:1::]": "this machine",
    "[2002:a9fe:a9fe::1]": "metadata",
    "[2001:0:7f00:1::f7f7:f7f7]": "this machine",
    "[2001:0:909:909::80ff:fffe]": "this machine",
    "[2606:4700::5efe:127.0.0.1]": "this machine",
    "[2606:4700::200:5efe:10.0.0.1]": "private",
    "[fe80::5efe:9.9.9.9]": "local link",
    # inside networks
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "[fc00::1]": "private",
    "[fd12:3456:789a::1]": "private",
    "[fec0::1]": "private",
    "100.64.0.1": "shared",
    "100.127.255.254": "shared",
    "169.254.0.1": "local link",
    "[fe80::1]": "local link",
    # metadata
    "169.254.169.254": "metadata",
    "169.254.170.2": "metadata",
    "100.100.100.200": "shared",
    "192.0.0.192": "protocols",
    "168.63.129.16": "metadata",
    "[fd00:ec2::254]": "private",
    "[::ffff:169.254.169.254]": "metadata",
    # set aside
    "192.0.0.8": "protocols",
    "192.88.99.1": "protocols",
    "198.18.0.1": "measurements",
    "198.19.255.255": "measurements",
    "192.0.2.1": "examples",
    "198.51.100.1": "examples",
    "203.0.113.1": "examples",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "[ff02::1]": "multicast",
    "[100::1]": "swallows",
    "[2001:2::1]": "measurements",
    "[2001:10::1]": "protocols",
    "[2001:20::1]": "protocols",
    "[2001:db8::1]": "examples",
    "[3fff::1]": "examples",
    "[5f00::1]": "protocols",
    "[4000::1]": "not handed out",
    "[::2:3]": "this machine",
}

URLS_REFUSED = {
    "http://127.0.0.1:{port}/": "https://",
    "HTTP://localhost:{port}/": "https://",
    "ftp://127.0.0.1:{port}/": "https://",
    "file:///etc/passwd": "https://",
    "gopher://127.0.0.1:{port}/_GET": "https://",
    "//127.0.0.1:{port}/": "https://",
    "127.0.0.1:{port}/": "https://",
    "https:/127.0.0.1:{port}/": "https://",
    "https:127.0.0.1:{port}/": "https://",
    " https://127.0.0.1:{port}/": "ASCII",
    "https://user@127.0.0.1:{port}/": "user name",
    "https://api.example.com@127.0.0.1:{port}/": "user name",
    "https://api.example.com:443@127.0.0.1:{port}/": "user name",
    "https://api.example.com%40127.0.0.1:{port}/": "host name is written",
    "https://127.0.0.1:{port}\\@api.example.com/": "ASCII",
    "https://127.0.0.1:{port}#@api.example.com/": "#",
    "https://127.0.0.1:{port}/#part": "#",
    "https://127.0.0.1:{port}/#": "#",
    "https://127.0.0.1:{port}/a b": "ASCII",
    "https://127.0.0.1:{port}/\r\nX: y": "ASCII",
    "https://127.0.0.1\t:{port}/": "ASCII",
    "https://127.0.0.1:{port}/\x00": "ASCII",
    "https://127.0.0.1:{port}:443/": "host name",
    "https://127.0.0.1:0/": "port",
    "https://127.0.0.1:65536/": "port",
    "https://127.0.0.1:{port}/{long}": "too long",
}


def vectors():
    for host, says in HOSTS_REFUSED.items():
        yield pytest.param(f"https://{host}:{{port}}/", says, id=f"host {host}")
    for url, says in URLS_REFUSED.items():
        yield pytest.param(url, says, id=url)


def test_there_are_enough_vectors():
    assert len(list(vectors())) >= 100


@pytest.mark.parametrize(("url", "says"), list(vectors()))
def test_a_refused_url_reaches_nobody(url, says, canary, dialled, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lookup_of_this_machine)
    url = url.format(port=canary.port, long="a" * 2048)
    with pytest.raises(AddressRefused, match=says) as refusal:
        http.call("GET", url, deadline=5.0)
    assert (refusal.value.failure, refusal.value.reached) == ("address", False)
    assert str(refusal.value).endswith(".")
    assert canary.is_untouched
    assert dialled == []
    with pytest.raises(AddressRefused, match=says):
        http.check_url(url)


def lookup_of_this_machine(host, port, *args, **kwargs):
    """Whatever is asked for is here: a vector that came as far as a lookup finds the canary."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def test_without_the_check_the_canary_is_reached(canary, monkeypatch):
    monkeypatch.setattr(net, "why_refused", lambda address: None)
    with pytest.raises(CallError) as error:
        http.call("GET", f"https://127.0.0.1:{canary.port}/", deadline=0.5)
    assert error.value.failure == "timeout"
    assert not canary.is_untouched


@pytest.mark.parametrize(
    "address",
    [
        "9.9.9.9",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "::ffff:9.9.9.9",
        "64:ff9b::9.9.9.9",
        "2002:909:909::1",
        "2001:0:909:909::f6f6:f6f6",
        "2606:4700::5efe:9.9.9.9",
    ],
)
def test_the_neighbours_of_what_is_refused_are_not(address):
    assert net.why_refused(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "carries"),
    [
        ("::ffff:1.2.3.4", ["1.2.3.4"]),
        ("::1.2.3.4", ["1.2.3.4"]),
        ("64:ff9b::1.2.3.4", ["1.2.3.4"]),
        ("2002:102:304::", ["1.2.3.4"]),
        ("2001:0:102:304:0:0:fafb:f9f8", ["1.2.3.4", "5.4.6.7"]),
        ("2606::5efe:1.2.3.4", ["1.2.3.4"]),
        ("2606::200:5efe:1.2.3.4", ["1.2.3.4"]),
        ("2606::1", []),
        ("::1", []),
        ("1.2.3.4", []),
    ],
)
def test_every_address_inside_an_address_is_found(address, carries):
    assert [str(inner) for inner in net.carried_by(ip_address(address))] == carries


# -- Names ----------------------------------------------------------------------------------------


def test_one_refused_address_refuses_the_whole_call(canary, resolver, dialled):
    resolver.names["mixed.example"] = ["9.9.9.9", "2606:4700::1111", "127.0.0.1"]
    with pytest.raises(AddressRefused, match=r"mixed\.example leads to 127\.0\.0\.1"):
        http.call("GET", f"https://mixed.example:{canary.port}/")
    assert canary.is_untouched
    assert dialled == []


def test_a_name_that_changes_its_answer_is_not_followed(canary, resolver, dialled):
    resolver.names["rebound.example"] = [["9.9.9.9"], ["127.0.0.1"], ["127.0.0.1"]]
    with pytest.raises(CallError) as error:
        http.call("GET", f"https://rebound.example:{canary.port}/", deadline=5.0)
    assert canary.is_untouched
    assert resolver.asked == ["rebound.example"]
    assert dialled == ["9.9.9.9"]
    assert (error.value.failure, error.value.reached) == ("connect", False)


def test_without_the_pinning_a_changed_answer_reaches_the_canary(
    canary, resolver, dialled, monkeypatch
):
    def check_then_look_up_again(self):
        net.checked_addresses(
            net.Target("https", self.host, self.port), allow_loopback=False, within=3.0
        )
        return HTTPConnection._new_conn(self)

    monkeypatch.setattr(http._Checked, "_new_conn", check_then_look_up_again)
    resolver.names["rebound.example"] = [["9.9.9.9"], ["127.0.0.1"]]
    with pytest.raises(CallError):
        http.call("GET", f"https://rebound.example:{canary.port}/", connect_timeout=0.3)
    assert not canary.is_untouched


def test_a_yes_when_saving_is_asked_again_when_calling(canary, resolver, dialled):
    resolver.names["moved.example"] = [["9.9.9.9"], ["127.0.0.1"]]
    url = f"https://moved.example:{canary.port}/"
    http.check_url(url)
    with pytest.raises(AddressRefused, match="this machine"):
        http.call("GET", url)
    assert canary.is_untouched


def test_the_next_address_is_tried_when_the_first_is_silent(serve, resolver, dialled):
    server = serve(forever(OK))
    resolver.names["two.example"] = ["::1", "127.0.0.1"]
    url = f"http://two.example:{server.port}/"
    assert http.call("GET", url, allow_loopback=True).body == b"ok"
    assert dialled == ["::1", "127.0.0.1"]


def test_no_more_than_three_addresses_are_tried(resolver, dialled):
    resolver.names["many.example"] = ["9.9.9.1", "9.9.9.2", "9.9.9.2", "9.9.9.3", "9.9.9.4"]
    with pytest.raises(CallError):
        http.call("GET", "https://many.example/")
    assert dialled == ["9.9.9.1", "9.9.9.2", "9.9.9.3"]


@pytest.mark.parametrize("problem", [socket.gaierror(-2, "unknown"), UnicodeError("label")])
def test_a_name_that_does_not_resolve(monkeypatch, problem):
    def getaddrinfo(*args, **kwargs):
        raise problem

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for ask in (http.check_url, lambda url: http.call("GET", url)):
        with pytest.raises(CallError, match=r"quotes\.example could not be resolved") as error:
            ask("https://quotes.example/")
        assert not isinstance(error.value, AddressRefused)
        assert (error.value.failure, error.value.reached) == ("dns", False)


def test_a_name_that_leads_nowhere(resolver):
    resolver.names["empty.example"] = [[]]
    with pytest.raises(CallError, match="resolves to nothing"):
        http.check_url("https://empty.example/")


def test_lookups_that_hang_do_not_hold_the_call_nor_pile_up(monkeypatch):
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: is_over.wait(30) and [])
    monkeypatch.setattr(net, "_free_lookups", threading.BoundedSemaphore(1))
    for says in ("within 0.2 s", "too many lookups"):
        with pytest.raises(CallError, match=says) as error:
            http.call("GET", "https://quotes.example/", connect_timeout=0.2)
        assert (error.value.failure, error.value.reached) == ("dns", False)
    is_over.set()


# -- Loopback by permission -----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_loopback_address_is_this_machine(scheme, host):
    http.check_url(f"{scheme}://{host}/", allow_loopback=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_stand_in_on_this_machine_may_be_called_by_permission(serve, host):
    server = serve(forever(OK))
    url = f"http://{host}:{server.port}/"
    assert http.call("GET", url, allow_loopback=True).status == 200


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://9.9.9.9/", "plain http is for this machine only"),
        ("http://10.0.0.1/", "private"),
        ("https://10.0.0.1/", "private"),
        ("https://169.254.169.254/", "metadata"),
        ("https://0.0.0.0/", "this machine"),
        ("https://[64:ff9b::127.0.0.1]/", "this machine"),
        ("ftp://127.0.0.1/", "https://"),
        ("http://user@127.0.0.1/", "user name"),
    ],
)
def test_permission_for_loopback_opens_nothing_else(url, says, dialled):
    with pytest.raises(AddressRefused, match=says):
        http.call("GET", url, allow_loopback=True)
    assert dialled == []


def test_a_kept_connection_is_no_way_around_the_permission(serve, certificate):
    server = serve(tls_script(certificate, forever(OK)))
    url = f"https://quotes.example:{server.port}/"
    assert http.call("GET", url, allow_loopback=True).body == b"ok"
    with pytest.raises(AddressRefused):
        http.call("GET", url)
    assert len(server.requests) == 1


# -- Redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_returned_and_not_followed(serve, canary, status):
    location = f"http://127.0.0.1:{canary.port}/"
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    server = serve(forever(head.encode()))
    reply = call(server, "POST", json={"a": 1})
    assert (reply.status, reply.headers["location"]) == (status, location)
    assert len(server.requests) == 1
    assert canary.is_untouched


# -- Every call ends ------------------------------------------------------------------------------


def drip(lead: bytes, drop: bytes, times: int = 100):
    """Send `lead`, then `drop` over and over for some seconds; then close, lest a test hang."""

    def script(server: Server, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(lead)
        for _ in range(times):
            connection.sendall(drop)
            if server.is_over.wait(0.05):
                return

    return script


def hang(server: Server, connection: socket.socket) -> None:
    server.read_request(connection)
    server.is_over.wait(10)


DRIPS = {
    "status line": drip(b"", b"H"),
    "one header": drip(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"a"),
    "body without length": drip(b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    "chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "trailers": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "nothing": hang,
}


@pytest.mark.parametrize("script", DRIPS.values(), ids=DRIPS)
def test_who_answers_too_slowly_runs_into_the_deadline(serve, script):
    with pytest.raises(CallError, match="not known") as error:
        call(serve(script), deadline=0.5)
    assert (error.value.failure, error.value.reached) == ("timeout", None)


def test_the_deadline_holds_on_a_kept_connection_too(serve):
    def script(server, connection):
        answering(OK)(server, connection)
        drip(b"", b"H")(server, connection)

    server = serve(script)
    assert call(server).body == b"ok"
    with pytest.raises(CallError) as error:
        call(server, deadline=0.5)
    assert error.value.failure == "timeout"
    assert len(server.accepted) == 1


def test_who_does_not_take_the_request_runs_into_the_deadline(serve):
    server = serve(lambda server, connection: server.is_over.wait(10))
    with pytest.raises(CallError) as error:
        call(server, "POST", json="a" * (16 * KIB * KIB), deadline=0.5)
    assert (error.value.failure, error.value.reached) == ("timeout", None)


def test_a_handshake_that_hangs_reached_nobody(serve):
    server = serve(lambda server, connection: server.is_over.wait(10))
    with pytest.raises(CallError, match="in time") as error:
        http.call("GET", f"https://127.0.0.1:{server.port}/", deadline=0.5, allow_loopback=True)
    assert (error.value.failure, error.value.reached) == ("timeout", False)


def test_a_handshake_that_drips_reached_nobody(serve):
    """The length of a TLS record is promised, and its bytes come one at a time."""

    def script(server, connection):
        connection.sendall(b"\x16\x03\x03\x40\x00")
        for _ in range(100):
            connection.sendall(b"\x02")
            if server.is_over.wait(0.05):
                return

    with pytest.raises(CallError) as error:
        http.call(
            "GET", f"https://127.0.0.1:{serve(script).port}/", deadline=0.5, allow_loopback=True
        )
    assert (error.value.failure, error.value.reached) == ("timeout", False)


def test_a_connection_nobody_takes_in_time_reached_nobody(monkeypatch):
    def connect_that_hangs(sock, address):
        assert sock.gettimeout() <= 0.3
        raise TimeoutError("timed out")

    monkeypatch.setattr(net.Socket, "connect", connect_that_hangs)
    with pytest.raises(CallError) as error:
        http.call("GET", "https://9.9.9.9/", connect_timeout=0.3)
    assert (error.value.failure, error.value.reached) == ("timeout", False)


def test_a_drip_under_tls_runs_into_the_deadline(serve, certificate):
    server = serve(tls_script(certificate, drip(b"HTTP/1.1 200 OK\r\nX: ", b"a")))
    with pytest.raises(CallError) as error:
        http.call(
            "GET", f"https://quotes.example:{server.port}/", deadline=1.5, allow_loopback=True
        )
    assert (error.value.failure, error.value.reached) == ("timeout", None)


def test_without_the_limit_on_each_read_a_drip_outlives_the_deadline(serve, monkeypatch):
    monkeypatch.setattr(net.Socket, "recv_into", socket.socket.recv_into)
    quick = drip(b"HTTP/1.1 200 OK\r\nX: ", b"a", times=20)
    with pytest.raises(CallError) as error:
        call(serve(quick), deadline=0.5)
    assert error.value.failure == "reset", "it ended only because the script did"


# -- Broken answers -------------------------------------------------------------------------------


def test_nobody_at_home(canary):
    canary.listener.close()
    with pytest.raises(CallError, match="did not take the connection") as error:
        http.call("GET", f"http://127.0.0.1:{canary.port}/", allow_loopback=True)
    assert (error.value.failure, error.value.reached) == ("connect", False)


def reset(server: Server, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BROKEN = {
    "reset": (reset, "reset"),
    "closed without an answer": (answering(b""), "reset"),
    "status line cut short": (answering(b"HTTP/1.1 200 O"), "reset"),
    "header cut short": (answering(b"HTTP/1.1 200 OK\r\nContent-Le"), "reset"),
    "head without its end": (answering(b"HTTP/1.1 200 OK\r\nX: y\r\n"), "reset"),
    "body cut short": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"), "reset"),
    "chunk cut short": (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na"),
        "reset",
    ),
    "chunk without a size": (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na"),
        "reset",
    ),
    "not HTTP": (answering(b"SSH-2.0-OpenSSH\r\n\r\n"), "garbled"),
    "no status": (answering(b"HTTP/1.1 OK\r\n\r\n"), "garbled"),
    "one endless header": (
        answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * (80 * KIB) + b"\r\n\r\n"),
        "too_large",
    ),
    "too many headers": (
        answering(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        "too_large",
    ),
}


@pytest.mark.parametrize(("script", "failure"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_leaves_the_end_unknown(serve, script, failure):
    with pytest.raises(CallError, match="not known") as error:
        call(serve(script))
    assert (error.value.failure, error.value.reached) == (failure, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n\xff\xfe: \x00\r\n\r\nabc",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\n\nabc",
        b"HTTP/1.1 999 \r\n\r\n",
        b"HTTP/1.1 1e3 OK\r\n\r\n",
        b"\x00" * 100,
        b"\r\n" * 10,
    ],
)
def test_odd_bytes_end_as_a_reply_or_as_a_call_error(serve, answer):
    with suppress(CallError):
        assert isinstance(call(serve(answering(answer))), Reply)


def test_a_secret_in_the_path_is_in_no_message(serve, caplog):
    caplog.set_level(logging.WARNING)
    odd_header, cut_short = b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", b""
    url = f"{serve(answering(odd_header)).url}hook/s3cret?key=s3cret"
    assert http.call("GET", url, allow_loopback=True).status == 200
    url = f"{serve(answering(cut_short)).url}hook/s3cret?key=s3cret"
    with pytest.raises(CallError) as error:
        http.call("GET", url, allow_loopback=True)
    assert "s3cret" not in str(error.value)
    assert error.value.__suppress_context__
    assert "s3cret" not in caplog.text


# -- Large and compressed answers -----------------------------------------------------------------


def answer_of(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(("size", "truncated"), [(64 * KIB, False), (64 * KIB + 1, True)])
def test_sixty_four_kib_are_kept(serve, size, truncated):
    reply = call(serve(answering(answer_of(b"a" * size))))
    assert (len(reply.body), reply.truncated) == (64 * KIB, truncated)


def test_an_endless_body_is_cut_and_its_connection_not_used_again(serve):
    def endless(server, connection):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"a" * 65536)

    server = serve(endless)
    for _ in range(2):
        reply = call(server)
        assert (len(reply.body), reply.truncated) == (64 * KIB, True)
        with pytest.raises(UnreadableReply, match="longer than 64 KiB"):
            reply.json()
    assert len(server.accepted) == 2


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "br", "gzip, gzip"])
def test_a_bomb_is_kept_as_it_came(serve, encoding):
    bomb = gzip.compress(b"0" * (32 * KIB * KIB))
    server = serve(answering(answer_of(bomb, f"Content-Encoding: {encoding}")))
    reply = call(server)
    assert reply.body == bomb[: 64 * KIB]
    assert b"accept-encoding: identity" in server.requests[0].lower()
    with pytest.raises(UnreadableReply):
        reply.json()


# -- Replies --------------------------------------------------------------------------------------


def test_a_reply_says_what_came_back(serve):
    body = b'{"amount": 12.10, "n": 3}'
    server = serve(answering(answer_of(body, "X-Request-Id: r1", "Retry-After: 7")))
    reply = call(server)
    assert (reply.status, reply.body, reply.truncated) == (200, body, False)
    assert reply.headers["x-request-id"] == reply.headers["X-REQUEST-ID"] == "r1"
    assert reply.json() == {"amount": Decimal("12.10"), "n": 3}
    assert reply.seconds > 0


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500, 503])
def test_an_error_status_is_a_reply(serve, status):
    server = serve(answering(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()))
    assert call(server).status == status
    assert len(server.requests) == 1


def test_headers_of_a_hand_made_reply_are_found_in_any_case():
    assert Reply(200, {"Retry-After": "7"}).headers["retry-after"] == "7"


def test_a_reply_does_not_show_its_contents_when_printed():
    assert "ana@" not in repr(Reply(200, {"X": "ana@example.com"}, b"ana@example.com"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"{} {}",
        b"\xff\xfe{\x00}\x00",
        b'"\xc3\x28"',
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'{"a": 1, "a": 2}',
        b"1e99999999999999999999",
        b"[" * 60000,
        b"1" * 5000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_json_that_cannot_be_taken_at_its_word(body):
    with pytest.raises(UnreadableReply) as error:
        Reply(200, {}, body).json()
    assert (error.value.failure, error.value.reached) == ("unreadable", True)
    assert str(error.value).endswith(".")


# -- Requests -------------------------------------------------------------------------------------


def test_what_stands_on_the_wire(serve):
    server = serve(forever(OK))
    http.call(
        "POST",
        f"{server.url}v1/deals?a=1",
        headers={"Authorization": "Bearer t", "Idempotency-Key": "k"},
        json={"name": "Käse", "n": [1, None]},
        params={"b": "x&y=z#"},
        allow_loopback=True,
    )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/deals?a=1&b=x%26y%3Dz%23 HTTP/1.1"
    assert {
        f"Host: 127.0.0.1:{server.port}",
        "Authorization: Bearer t",
        "Idempotency-Key: k",
        "Content-Type: application/json",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "User-Agent: Meshline",
        f"Content-Length: {len(body)}",
    } == set(lines[1:])
    assert body == b'{"name":"K\\u00e4se","n":[1,null]}'


def test_a_form_is_sent_as_a_form(serve):
    server = serve(forever(OK))
    call(server, "POST", form={"a": "1 2", "ä": "&"})
    assert server.requests[0].endswith(b"\r\n\r\na=1+2&%C3%A4=%26")
    assert b"Content-Type: application/x-www-form-urlencoded" in server.requests[0]


def test_a_caller_may_name_another_content_type_and_accept(serve):
    server = serve(forever(OK))
    call(
        server,
        "PATCH",
        json=[],
        headers={"content-type": "application/merge-patch+json", "accept": "text/plain"},
    )
    assert b"application/merge-patch+json" in server.requests[0]
    assert b"application/json" not in server.requests[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\nY: b"},
        {"X": "a\r\n Y: b"},
        {"X": "a\rb"},
        {"X": "a\x00b"},
        {"X": "a\x7f"},
        {"X": "s3cret\n"},
        {"X": " a"},
        {"X": "a\u2028b"},
        {"X": "ж"},
        {"X\r\nY": "a"},
        {"X: Y": "a"},
        {"X Y": "a"},
        {"X\x00": "a"},
        {"": "a"},
        {"Хост": "a"},
        {"Host": "inside.example"},
        {"host": "inside.example"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "upgrade"},
        {"Accept-Encoding": "gzip"},
    ],
    ids=repr,
)
def test_a_header_that_could_make_another_request_is_refused(serve, headers):
    server = serve(forever(OK))
    with pytest.raises(CallError) as error:
        call(server, headers=headers)
    assert (error.value.failure, error.value.reached) == ("request", False)
    assert "s3cret" not in str(error.value)
    assert server.accepted == []


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "CONNECT"},
        {"method": "GET /x HTTP/1.1\r\nX:"},
        {"method": "get"},
        {"json": {"a": float("nan")}},
        {"json": {"a": object()}},
        {"json": {"a": Decimal("1.10")}},
        {"json": {}, "form": {}},
    ],
    ids=["connect", "smuggled", "small", "nan", "object", "decimal", "two-bodies"],
)
def test_a_request_that_cannot_be_written_is_refused(serve, request_):
    server = serve(forever(OK))
    with pytest.raises(CallError) as error:
        call(server, **{"method": "POST", **request_})
    assert (error.value.failure, error.value.reached) == ("request", False)
    assert server.accepted == []


# -- Connections ----------------------------------------------------------------------------------


def test_a_connection_is_used_again(serve):
    server = serve(forever(OK))
    assert [call(server).body for _ in range(3)] == [b"ok"] * 3
    assert (len(server.requests), len(server.accepted)) == (3, 1)


def test_a_chunked_answer_leaves_its_connection_usable(serve):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    server = serve(forever(chunked))
    assert [call(server).body for _ in range(3)] == [b"ok"] * 3
    assert len(server.accepted) == 1


def test_a_connection_that_was_idle_too_long_is_not_used_again(serve, monkeypatch):
    server = serve(forever(OK))
    call(server)
    http._mine.used_at -= http.IDLE_SECONDS
    call(server)
    assert len(server.accepted) == 2


def test_threads_do_not_share_connections(serve):
    server = serve(forever(OK))
    call(server)
    other = threading.Thread(target=call, args=(server,))
    other.start()
    other.join()
    assert len(server.accepted) == 2


def test_a_new_connection_is_checked_again(serve, resolver, certificate):
    server = serve(tls_script(certificate, answering(OK)))
    resolver.names["quotes.example"] = [["127.0.0.1"], ["10.0.0.1"]]
    url = f"https://quotes.example:{server.port}/"
    assert http.call("GET", url, allow_loopback=True).body == b"ok"
    server.accepted[0].close()
    http._mine.forget()
    with pytest.raises(AddressRefused, match="private"):
        http.call("GET", url, allow_loopback=True)


def test_nothing_of_the_environment_takes_part(serve, canary, monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
        monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{canary.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ana password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(forever(OK))
    call(server)
    assert b"authorization" not in server.requests[0].lower()
    assert canary.is_untouched


def test_a_cookie_is_not_brought_back(serve):
    server = serve(forever(answer_of(b"", "Set-Cookie: session=s3cret; Path=/")))
    call(server)
    call(server)
    assert b"cookie" not in server.requests[1].lower()


# -- TLS ------------------------------------------------------------------------------------------


class Certificate:
    """A self-signed certificate for quotes.example, and a context that serves it."""

    def __init__(self, folder, *, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.path = folder / "certificate.pem"
        self.path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.names_asked_for: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.path)
        self.context.sni_callback = lambda _, name, __: self.names_asked_for.append(name)


@pytest.fixture
def certificate(tmp_path, monkeypatch, resolver):
    """A certificate that is trusted in this test; quotes.example and bills.example lead here."""
    resolver.names["quotes.example"] = resolver.names["bills.example"] = ["127.0.0.1"]
    certificate = Certificate(tmp_path, name="quotes.example")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(certificate.path)
    trust.sslsocket_class = net.TlsSocket
    monkeypatch.setattr(http, "_trust", lambda: trust)
    return certificate


def tls_script(certificate: Certificate, script):
    def wrapped(server: Server, connection: socket.socket) -> None:
        with certificate.context.wrap_socket(connection, server_side=True) as secure:
            server.accepted[-1] = secure
            script(server, secure)

    return wrapped


def test_the_name_is_in_sni_in_host_and_in_the_certificate_check(serve, certificate, dialled):
    server = serve(tls_script(certificate, forever(OK)))
    url = f"https://quotes.example:{server.port}/"
    for _ in range(2):
        assert http.call("GET", url, allow_loopback=True).body == b"ok"
    assert certificate.names_asked_for == ["quotes.example"]
    assert f"Host: quotes.example:{server.port}".encode() in server.requests[0]
    assert dialled == ["127.0.0.1"]


def test_a_certificate_for_another_name_is_refused(serve, certificate):
    server = serve(tls_script(certificate, forever(OK)))
    with pytest.raises(CallError, match="did not prove who it is") as error:
        http.call("GET", f"https://bills.example:{server.port}/", allow_loopback=True)
    assert (error.value.failure, error.value.reached) == ("tls", False)
    assert server.requests == []


def test_a_self_signed_certificate_is_refused(serve, tmp_path):
    self_signed = Certificate(tmp_path, name="localhost")
    server = serve(tls_script(self_signed, forever(OK)))
    with pytest.raises(CallError, match="self-signed") as error:
        http.call("GET", f"https://localhost:{server.port}/", allow_loopback=True)
    assert (error.value.failure, error.value.reached) == ("tls", False)
    assert server.requests == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_a_server_that_does_not_speak_tls(serve, answer):
    def script(server, connection):
        connection.recv(4096)
        connection.sendall(answer)

    with pytest.raises(CallError) as error:
        http.call("GET", f"https://127.0.0.1:{serve(script).port}/", allow_loopback=True)
    assert (error.value.failure, error.value.reached) == ("tls", False)
