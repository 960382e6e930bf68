"""Another session of the database beside the test's own, for what two do at the same moment.

Nobody sleeps: who is to come second waits until the first is over, or waits for a lock itself.
"""

import threading

from django.db import connection, connections

from tests.connectors.standins import until

_WAITS = "SELECT cardinality(pg_blocking_pids(%s)) > 0"


class Other(threading.Thread):
    """Somebody else, from now on: does one deed in a session of their own.

    `came_to` is what it gave, or what it raised.
    """

    def __init__(self, deed):
        super().__init__(daemon=True)
        self._deed, self._is_there = deed, threading.Event()
        self.came_to = self._pid = None
        self.start()
        assert self._is_there.wait(10)

    def run(self):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pid = cursor.fetchone()[0]
            self._is_there.set()
            self.came_to = self._deed()
        except Exception as error:
            self.came_to = error
        finally:
            self._is_there.set()
            connections.close_all()

    def waits(self):
        """Whether a lock of somebody's keeps it."""
        with connection.cursor() as cursor:
            cursor.execute(_WAITS, [self._pid])
            return cursor.fetchone()[0]

    def until_it_waits_or_is_over(self):
        until(lambda: not self.is_alive() or self.waits())

    def over(self):
        """What it came to, once it is over."""
        self.join(20)
        assert not self.is_alive(), "It still waits for somebody."
        return self.came_to
