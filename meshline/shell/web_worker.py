"""gunicorn's worker with threads, of which none waits long for what nobody sends."""

import socket
import time
from contextlib import ExitStack, suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from meshline import patience
from meshline.shell.frames import roomy
from meshline.web import places

# How long a fresh connection may stay silent, and how long the head of a request may take: it is
# one packet or two.
SILENT_SECONDS, HEAD_SECONDS = 5.0, 3.0
# How long one waits for the rest of a body that nobody wants to read.
REST_SECONDS = 1.0


class Worker(ThreadWorker):
    """Whoever says nothing, half a request, or does not hang up, holds up nobody else.

    By itself gunicorn gives a thread to every fresh connection for 5 s of its silence, and then for
    as long as the head of a request takes; and the one thread that accepts connections waits up to
    2 s at the end of each for the other side to hang up.
    """

    def init_process(self) -> None:
        places.here.open_for(self.cfg.threads)
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """A thread for whoever has begun to speak; all others wait in the poller."""
        if conn.initialized or conn.wait_for_data(0):
            super().enqueue_req(conn)
            return
        conn.timeout = time.monotonic() + SILENT_SECONDS
        self.pending_conns.append(conn)
        speaks = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, speaks)

    def handle(self, conn: TConn) -> Any:
        """Answer one request, in a thread; whether the connection is kept."""
        try:
            with ExitStack() as conn.head:
                conn.head.enter_context(patience.receiving_over(lambda: conn.sock, HEAD_SECONDS))
                is_kept = super().handle(conn)
        finally:
            places.here.leave()
        if not is_kept:
            _hear_no_more(conn.sock)
        return is_kept

    def handle_request(self, req: Any, conn: TConn) -> Any:
        # Its head was told in time; the body has a time of its own.
        conn.head.close()
        return roomy(super().handle_request, req, conn)

    def _keepalive_after(self, conn: TConn, keepalive: Any) -> bool:
        until = time.monotonic() + REST_SECONDS
        return bool(keepalive) and bool(conn.parser.finish_body(deadline=until))


def _hear_no_more(wire: socket.socket) -> None:
    """What has come can still be read, and then there is nothing more to wait for."""
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RD)
