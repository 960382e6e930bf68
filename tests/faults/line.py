"""A bad line to the database: a proxy that can cut a session after its commit, before the answer.

What was sent has happened; whoever sent it never hears so.
"""

import random
import select
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

# The server says that it is ready for the next statement, outside of any transaction.
_READY_IDLE = b"Z\x00\x00\x00\x05I"


@dataclass
class Line:
    """Listens on a port of loopback and passes everything on to PostgreSQL's socket.

    Of what ends a transaction or is one statement by itself, a `share` is cut: half of those before
    it is passed on, half after it was done and before the answer is.
    """

    behind: Path
    seed: int = 1
    share: float = 0.0
    cut_before: int = 0
    cut_after: int = 0
    # A statement that holds these bytes is cut after it was done, once.
    once: bytes = b""
    # What stands in a statement that ends a transaction, or is one by itself.
    ends: bytes = b""
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._listening.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=[client], daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server:
            try:
                server.connect(str(self.behind))
                self._talk(client, server)
            except OSError:
                return

    def _talk(self, client: socket.socket, server: socket.socket) -> None:
        cutting = ""
        while not self._over.is_set():
            ready, _, _ = select.select([client, server], [], [], 0.5)
            if client in ready:
                said = client.recv(65536)
                if not said:
                    return
                cutting = cutting or self._is_cut(said)
                if cutting == "before":
                    self.cut_before += 1
                    return
                server.sendall(said)
            if server in ready:
                said = server.recv(65536)
                if not said:
                    return
                if cutting and said.endswith(_READY_IDLE):
                    # It is done; nobody will know.
                    self.cut_after += 1
                    return
                if not cutting:
                    client.sendall(said)

    def _is_cut(self, said: bytes) -> str:
        """When this statement's session is cut: before it, after it, or (empty) not at all."""
        with self._lock:
            if self.once and self.once in said:
                # Whoever sends the same at the same time, or again, is carried.
                self.once = b""
                return "after"
            if self.ends and self.ends in said and self._dice.random() < self.share:
                return "before" if self._dice.random() < 0.5 else "after"
        return ""
