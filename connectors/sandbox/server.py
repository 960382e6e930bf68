"""The mechanics of HTTP: read a request, send a reply, and end a connection as badly as asked."""

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.sandbox.exchange import Answer, Reply, Request, json_answer

MOST_BODY = 10 * 1024 * 1024  # bytes
PAUSE = 0.1  # seconds between the pieces of a slow answer
LINGER_ZERO = struct.pack("ii", 1, 0)  # closing then sends RST instead of FIN


class Server(ThreadingHTTPServer):
    """One thread a connection; stopping waits for none of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, front: Callable[[Request], Reply | None]) -> None:
        self.front = front
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a mistake of ours and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            open_now = list(self._connections)
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120  # seconds an idle connection is kept

    def serve(self) -> None:
        request = self._read()
        if request is None:
            return
        reply = self.server.front(request)
        if reply is None:
            self.close_connection = True
            return
        if reply.hold:
            self.server.stopping.wait(reply.hold)
        try:
            self._send(reply)
        except OSError:  # the client went away
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the calls are in the ledger."""

    def version_string(self) -> str:
        return "stand-in"

    def _read(self) -> Request | None:
        """The request, or None when it was refused already."""
        length = self.headers.get("Content-Length", "0")
        refused = None
        if "Transfer-Encoding" in self.headers:
            refused = (411, "A Content-Length is needed.")
        elif not (length.isascii() and length.isdigit() and len(length) < 10):
            refused = (400, "The Content-Length is not a number.")
        elif int(length) > MOST_BODY:
            refused = (413, "The body is too long.")
        elif not _is_local(self.headers.get("Host", "")):
            refused = (421, "This answers only on the loopback address.")
        if refused:
            self.close_connection = True
            self._send(Reply(json_answer(refused[0], {"error": refused[1]})))
            return None
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            path=unquote(parts.path),
            target=self.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers=self.headers,
            body=self.rfile.read(int(length)),
        )

    def _send(self, reply: Reply) -> None:
        answer = reply.answer
        if answer is None or self.server.stopping.is_set():
            self.close_connection = True
            if reply.reset:
                self._reset()
            return
        head = self._head(answer)
        if self.command == "HEAD":
            self.wfile.write(head)
        elif reply.bytes_per_second:
            self._drip(head + answer.body, reply.bytes_per_second)
        else:
            self.wfile.write(head + answer.body)
            for piece in answer.tail or ():
                self.wfile.write(piece)

    def _head(self, answer: Answer) -> bytes:
        """Status line and headers, to be sent in one piece with the body."""
        self.send_response(answer.status)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body) + answer.tail_length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        lines = [*self._headers_buffer, b"\r\n"]
        self._headers_buffer: list[bytes] = []
        return b"".join(lines)

    def _drip(self, content: bytes, bytes_per_second: int) -> None:
        for piece in _pieces(content, max(1, int(bytes_per_second * PAUSE))):
            self.wfile.write(piece)
            if self.server.stopping.wait(max(PAUSE, len(piece) / bytes_per_second)):
                self.close_connection = True
                return

    def _reset(self) -> None:
        """Close the socket ourselves, at once: an orderly shutdown would send FIN first."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.rfile.close()  # it holds the socket open
        self.connection.close()


def _pieces(content: bytes, length: int) -> Iterator[bytes]:
    for start in range(0, len(content), length):
        yield content[start : start + length]


def _is_local(host: str) -> bool:
    """No Host of a foreign site: a web page must not reach this through a name of its own."""
    return host.rsplit(":", 1)[0] in ("127.0.0.1", "localhost", "")
