"""Everything at once: servers, database, pages, workers, clock, demo company."""

import http.client
import json
import os
import signal
import socket
import subprocess
from argparse import ArgumentParser
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from meshline.pulse import pulse
from meshline.shell import health, processes, servers, startup, static_files
from meshline.shell.demo import PEOPLE
from meshline.shell.servers import Server, ServerError
from meshline.shell.supervisor import Supervisor

_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Command(BaseCommand):
    """Its environment was made by `startup.prepare`, before Django's settings were read."""

    help = "Start Meshline and keep it running until Ctrl-C or SIGTERM."
    # Checked by `make check`; here they would only make every start slower.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        startup.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        house = Supervisor(startup.logs_folder(), self._say)
        _let_signals(_interrupt)
        try:
            if not options["empty"]:
                # They keep books of their own, and are there by the time the database is.
                house.start(processes.sandbox())
            self._start_servers(house)
            self._say("Preparing the database …")
            call_command("migrate", interactive=False, verbosity=0)
            self._start_children(house, workers=options["workers"], is_empty=options["empty"])
            self._wait_until_ready(house)
            self._announce(is_empty=options["empty"])
            house.watch(until=lambda: False)
        except KeyboardInterrupt:
            self._say("Stopping …")
        except ServerError as error:
            raise CommandError(str(error)) from error
        finally:
            # The end is under way; hurrying it would only leave something behind.
            _let_signals(signal.SIG_IGN)
            connection.close()
            house.stop()

    def _start_servers(self, house: Supervisor) -> None:
        if startup.database_is_embedded():
            self._say("Starting PostgreSQL …")
            self._start_server(house, servers.postgres(startup.postgres_folder()))
            servers.make_database(startup.postgres_folder())
        if startup.redis_is_embedded():
            self._say("Starting Redis …")
            self._start_server(house, servers.redis_server(startup.redis_folder()))

    def _start_server(self, house: Supervisor, server: Server) -> None:
        process = servers.start(server, house.fresh_log(server.child))
        house.adopt_server(server.child, process)

    def _start_children(self, house: Supervisor, *, workers: int, is_empty: bool) -> None:
        # First, as it takes longest.
        demo = None if is_empty else self._send_demo(house)
        self._say("Preparing static files …")
        static_files.collect()
        self._say("Starting the pages, the workers and the clock …")
        house.start(processes.web())
        for number in range(1, workers + 1):
            house.start(processes.worker(number))
        for clock in processes.clocks():
            house.start(clock)
        if demo:
            self._wait_for_demo(house, demo)
        # Watching takes no database: a connection held for weeks would only be in the way.
        connection.close()

    def _send_demo(self, house: Supervisor) -> subprocess.Popen:
        # It asks the stand-ins from the start; they tell our pages of it at its end.
        house.watch(until=lambda: _listens(_sandbox_port()))
        return house.send(processes.demo())

    def _wait_for_demo(self, house: Supervisor, demo: subprocess.Popen) -> None:
        self._say("Loading the demo company …")
        if house.wait_for(demo):
            log = house.log_of(processes.demo())
            raise CommandError(f"The demo could not be loaded; see {log}.")
        pulse.beat(health.DEMO)

    def _wait_until_ready(self, house: Supervisor) -> None:
        self._say("Waiting until everything answers …")
        house.watch(until=_is_ready)

    def _announce(self, *, is_empty: bool) -> None:
        for person in [] if is_empty else PEOPLE:
            self._say(f"{person.role} {person.email} {person.password}")
        self._say(f"Meshline is ready at http://127.0.0.1:{_port()}")

    def _say(self, line: str) -> None:
        # Whoever read along may have stopped reading; what runs goes on running.
        with suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()


def _port() -> int:
    return int(os.environ["PORT"])


def _sandbox_port() -> int:
    return int(os.environ["SANDBOX_URL"].rpartition(":")[2])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_ready() -> bool:
    web = http.client.HTTPConnection("127.0.0.1", _port(), timeout=5)
    try:
        web.request("GET", "/readyz")
        return json.load(web.getresponse()).get("ready") is True
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        web.close()


def _let_signals(do: Any) -> None:
    for number in _STOPS:
        signal.signal(number, do)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
