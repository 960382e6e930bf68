"""Does the database answer at once? Asked before anything else is asked of it.

A server that is gone refuses quickly. One that hangs would hold us up for as long as it likes, and
a new connection for two seconds at least: so both waits are ended from outside.
"""

import threading
from concurrent.futures import Future, TimeoutError

from django.db import DatabaseError, connection, connections

from meshline import patience

_USABLE_SECONDS = 0.3
_CONNECT_SECONDS = 0.4


def database_answers() -> bool:
    """Whether this thread's connection works, or a new one is to be had; within 0.7 s."""
    if connection.connection is not None:
        with patience.at_most(_USABLE_SECONDS):
            is_usable = connection.is_usable()
        if is_usable:
            return True
        connection.close()
    return _knock()


def _knock() -> bool:
    """Whether the server takes a new connection in time."""
    answer: Future[bool] = Future()
    threading.Thread(target=_connect, args=[answer], name="knock", daemon=True).start()
    try:
        return answer.result(timeout=_CONNECT_SECONDS)
    except TimeoutError:
        return False


def _connect(answer: Future[bool]) -> None:
    try:
        connection.ensure_connection()
        answer.set_result(True)
    except DatabaseError:
        answer.set_result(False)
    finally:
        connections.close_all()
