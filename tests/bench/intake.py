"""Intake: signed webhooks a second, beside a bare view with one durable insert."""

import os
import threading

from django.db import connection

from connectors.models import Message
from meshline.shell import database_roles
from tests.bench import events, rig
from tests.bench.load import Load, pages, request, saturate
from tests.bench.report import Ratio, medians
from tests.bench.rig import Rig

COUNT = 4000


def run(bed: Rig) -> list[Ratio]:
    """First posts, repeats, and first posts beside two people who look at slow pages."""
    _make_bare_table()
    port, bare = int(os.environ["PORT"]), rig.free_port()
    with (
        bed.running(rig.web_with_slow_page(), port=port),
        bed.running(rig.bare_web(bare), port=bare),
    ):
        return [
            *medians(lambda: _against_bare(port, bare)),
            *medians(lambda: [_beside_slow_pages(port)]),
        ]


def _against_bare(port: int, bare: int) -> list[Ratio]:
    posts = events.sent(COUNT)
    body = posts[0].partition(b"\r\n\r\n")[2]
    limit = saturate(bare, [request("/store/", body, {})] * COUNT)
    _expect(limit, 202)
    first = saturate(port, posts)
    _expect(first, 202)
    repeated = saturate(port, posts)
    _expect(repeated, 200)
    assert Message.objects.filter(duplicates__gt=0).count() >= COUNT
    return [
        Ratio("intake: rate ÷ bare insert", first.rate, limit.rate, "/s", at_least=0.5),
        Ratio(
            "intake: p99 ÷ bare insert's p99", first.percentile(0.99) * 1000,
            limit.percentile(0.99) * 1000, "ms", at_most=2.0,
        ),
        Ratio("intake: a repeat ÷ a first", repeated.rate, first.rate, "/s", at_least=1.0),
    ]  # fmt: skip


def _beside_slow_pages(port: int) -> Ratio:
    """Two people keep two threads busy with a page of a second or so; intake goes on."""
    quiet = saturate(port, events.sent(1000), clients=2)
    stop: list[bool] = []
    readers = [threading.Thread(target=pages, args=(port, "/bench-slow/", stop)) for _ in range(2)]
    for reader in readers:
        reader.start()
    busy = saturate(port, events.sent(1000), clients=2)
    stop.append(True)
    for reader in readers:
        reader.join()
    _expect(busy, 202)
    return Ratio(
        "intake: p99 beside slow pages ÷ idle", busy.percentile(0.99) * 1000,
        quiet.percentile(0.99) * 1000, "ms", at_most=2.0,
    )  # fmt: skip


def _expect(load: Load, status: int) -> None:
    assert set(load.statuses) == {status}, load.statuses


def _make_bare_table() -> None:
    with database_roles.as_owner():
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS bench_bare "
                "(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)"
            )
        database_roles.grant()
