"""PostgreSQL restarts, throws sessions out, has none left, or does not say whether it committed."""

import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psycopg
import pytest

from meshline.shell import children, processes
from tests.faults.house import House, free_port
from tests.faults.judge import judge
from tests.faults.line import Line
from tests.faults.processes import send, until
from tests.faults.sender import Sender, documents

EVENTS = 60


@pytest.mark.long
def test_postgres_is_restarted_while_events_flow(house: House):
    whom = documents("restarted", EVENTS)
    sender = Sender(house.port).send(whom, per_second=20)
    for _ in range(2):
        before = house.postgres
        assert send(signal.SIGINT, before)
        until(lambda old=before: house.postgres not in {0, old}, within=60, what="it is started")
        until(lambda: _answers(house), within=60, what="it answers")
    sender.wait()
    judge(house, whom)


@pytest.mark.long
def test_backends_are_terminated_while_events_flow(house: House):
    whom = documents("terminated", EVENTS)
    sender = Sender(house.port).send(whom, per_second=20)
    thrown_out = 0
    with house.database(superuser=True) as session:
        while not sender.is_done or thrown_out == 0:
            found = session.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = 'meshline_app' AND random() < 0.3"
            ).fetchone()
            thrown_out += found[0] if found else 0
            threading.Event().wait(0.2)
    sender.wait()
    judge(house, whom)


@pytest.mark.long
def test_no_connection_is_left_for_a_while(house: House):
    whom = documents("exhausted", EVENTS)
    with all_connections_taken(house):
        sender = Sender(house.port).send(whom, per_second=30)
        until(lambda: sender.refusals.get("503", 0) >= 4, within=60, what="the door says not now")
        assert not sender.is_done
    sender.wait()
    judge(house, whom)


@contextmanager
def all_connections_taken(house: House) -> Iterator[None]:
    """Every place there is is ours; those who had one are thrown out, and find none."""
    taken: list[psycopg.Connection] = []
    over = threading.Event()

    def take() -> None:
        while not over.is_set():
            try:
                taken.append(house.database())
            except psycopg.OperationalError:
                over.wait(0.01)

    thread = threading.Thread(target=take, daemon=True)
    with house.database(superuser=True) as session:
        thread.start()
        try:
            until(lambda: len(taken) > 50, within=60, what="most places are taken")
            until(lambda: _thrown_out(session, taken) == 0, within=60, what="nobody else has one")
            yield
        finally:
            over.set()
            thread.join()
            for one in taken:
                one.close()


def _thrown_out(session: psycopg.Connection, taken: list[psycopg.Connection]) -> int:
    """Throw out whoever of the application is not one of ours; how many there were."""
    ours = [one.info.backend_pid for one in list(taken)]
    row = session.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE usename = 'meshline_app' AND pid <> ALL(%s)", [ours],
    ).fetchone()  # fmt: skip
    assert row is not None
    return row[0]


# --- Nobody knows whether it was committed -------------------------------------------------------


@pytest.fixture
def line(house: House) -> Iterator[Line]:
    with to_the_database(house) as bad:
        yield bad


@contextmanager
def to_the_database(house: House) -> Iterator[Line]:
    bad = Line(house.state / "postgres" / ".s.PGSQL.5432")
    try:
        yield bad
    finally:
        bad.close()


@contextmanager
def over(line: Line, house: House, *kids: children.Child) -> Iterator[None]:
    """More processes of the same installation, which reach the database over the bad line."""
    address = f"postgresql://meshline_app@127.0.0.1:{line.port}/meshline"
    with ExitStack() as stack:
        for kid in kids:
            ours = replace(kid, name=f"bad-{kid.name}")
            stack.enter_context(house.one_more(ours, DATABASE_URL=address))
        yield


def web_at(port: int) -> children.Child:
    web = processes.web()
    return children.Child(
        "web", web.command, {**web.environment, "PORT": str(port)}, folder=web.folder, grace=5.0
    )


@pytest.mark.parametrize(
    ("without", "ids"), [([], 1), (["event key"], 2)], ids=["guarded", "control: no key"]
)
def test_an_event_is_stored_and_its_sender_never_hears_so(
    house: House, line: Line, without: list[str], ids: int
):
    """It is sent again, as vendors do: the key says that it is there. Without the key it is two."""
    one = documents("unheard", 1)[0]
    event = one.events()[0]
    house.orders(without=without)
    port = free_port()
    with over(line, house, web_at(port)):
        until(lambda: _listens(port), within=60, what="the web server listens")
        line.once = event.key.encode()
        sender = Sender(port).send_events([event]).wait()
    assert line.cut_after == 1
    assert sender.refusals
    statuses = Counter(status for status, _ in event.answers)
    assert statuses[200 if not without else 202] == 1
    judge(house, [one])
    assert _messages(house, one.id) == ids


@pytest.mark.long
def test_commits_are_cut_off_at_random_on_all_ways(house: House, line: Line):
    """Web and workers, each over a line that loses every tenth commit, or its answer."""
    whom = documents("unknown", EVENTS)
    line.share, line.ends = 0.1, whom[0].id.rpartition("-")[0].encode()
    port = free_port()
    for worker in house.workers:
        send(signal.SIGSTOP, worker)
    workers = [processes.worker(1), processes.worker(2)]
    try:
        with to_the_database(house) as theirs, over(line, house, web_at(port)):
            theirs.share, theirs.ends = 0.1, b"COMMIT"
            with over(theirs, house, *workers):
                until(lambda: _listens(port), within=60, what="the web server listens")
                Sender(port).send(whom, per_second=30).wait()
                judge(house, whom)
            assert min(line.cut_before, line.cut_after, theirs.cut_before, theirs.cut_after) > 0
    finally:
        for worker in house.workers:
            send(signal.SIGCONT, worker)


def _answers(house: House) -> bool:
    try:
        with house.database():
            return True
    except psycopg.OperationalError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _messages(house: House, document: str) -> int:
    """How often the event is kept, by the desk's own count."""
    with house.database() as session:
        row = session.execute(
            "SELECT count(*) FROM connectors_message WHERE record = (SELECT 'proposal:' || id"
            " FROM proposals_proposal WHERE external_id = %s)", [document],
        ).fetchone()  # fmt: skip
    assert row is not None
    return row[0]
