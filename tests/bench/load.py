"""A load generator that costs little beside what it measures: raw sockets, one thread."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Thread


@dataclass
class Load:
    """What came of it: answers by status, each one's latency in seconds, and the whole time."""

    statuses: Counter = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A POST as bytes, ready to be sent."""
    lines = [
        f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
        f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items()),
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saturate(port: int, requests: Sequence[bytes], *, clients: int = 8) -> Load:
    """Send all requests over `clients` kept connections, each as soon as its last is answered."""
    load, left = Load(), iter(requests)
    selector = selectors.DefaultSelector()
    started = time.perf_counter()
    open_now = sum(_begin(selector, port, left) for _ in range(clients))
    while open_now:
        for key, _ in selector.select():
            sent_at, answer = key.data
            piece = key.fileobj.recv(65536)
            if not piece:
                raise ConnectionError(f"The server hung up after {len(load.latencies)} answers.")
            answer += piece
            if not _is_whole(answer):
                continue
            load.latencies.append(time.perf_counter() - sent_at)
            load.statuses[int(answer[9:12])] += 1
            if not _send_next(selector, key.fileobj, left):
                open_now -= 1
    load.seconds = time.perf_counter() - started
    return load


def at_rate(port: int, requests: Sequence[bytes], *, per_second: float) -> Load:
    """Send the requests evenly spaced, however long each answer takes."""
    load, threads, started = Load(), [], time.perf_counter()
    lanes = 8
    for lane in range(lanes):
        mine = list(enumerate(requests))[lane::lanes]
        threads.append(Thread(target=_lane, args=(port, mine, per_second, started, load)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - started
    return load


def pages(port: int, path: str, stop: list[bool]) -> None:
    """One client that asks for a page again and again, until told to stop."""
    connection = HTTPConnection("127.0.0.1", port)
    while not stop:
        connection.request("GET", path)
        connection.getresponse().read()


def _begin(selector, port: int, left: Iterator[bytes]) -> int:
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(client, selectors.EVENT_READ, (0.0, bytearray()))
    return int(_send_next(selector, client, left))


def _send_next(selector, client: socket.socket, left: Iterator[bytes]) -> bool:
    following = next(left, None)
    if following is None:
        selector.unregister(client)
        client.close()
        return False
    selector.modify(client, selectors.EVENT_READ, (time.perf_counter(), bytearray()))
    client.sendall(following)
    return True


def _is_whole(answer: bytearray) -> bool:
    head, found, body = bytes(answer).partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return True


def _lane(port: int, mine: list, per_second: float, started: float, load: Load) -> None:
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place, one in mine:
        time.sleep(max(0.0, started + place / per_second - time.perf_counter()))
        sent_at, answer = time.perf_counter(), bytearray()
        client.sendall(one)
        while not _is_whole(answer):
            answer += client.recv(65536)
        load.latencies.append(time.perf_counter() - sent_at)
        load.statuses[int(answer[9:12])] += 1
    client.close()
