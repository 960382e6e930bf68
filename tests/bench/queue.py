"""The queue: its pages, its question for news, a claim and a search among 1,000,000 tickets with
10,000,000 lines of trail, beside the same among a hundredth of them and beside raw SQL.

QUEUE_TICKETS and QUEUE_LINES make it shorter.
"""

import os
import re
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import urlencode

from django.db import connection, transaction
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exceptions import bulk, desk, looks, showing, views
from exceptions.filters import Asked
from exceptions.models import Ticket
from meshline import instant
from meshline.people.models import User
from meshline.shell.frames import roomy
from meshline.web import paging
from tests.bench import queue_rows
from tests.bench.report import Ratio
from tests.bench.rig import Rig

TICKETS = int(os.environ.get("QUEUE_TICKETS", "1000000"))
LINES_EACH = int(os.environ.get("QUEUE_LINES", "10000000")) // TICKETS
FEW = TICKETS // 100
TIMES, CLAIMS = 15, 60
# Each of them has its 50 rows among few tickets as well: drawing them is most of the time.
_PAGES = {
    "first page": "/queue/?tab=open",
    "filtered page": "/queue/?tab=open&kind=delivery-failed",
    "search page": "/queue/?tab=open&q=case0000020",
    "resolved page": "/queue/?tab=resolved",
    "numbers page": "/queue/numbers/?days=7",
}
# What it counts is the data itself: those of a week, thirty times as many.
_GROWS = {"numbers page": 11}
HTMX = {"HX-Request": "true"}
_CURSOR = re.compile(r'^DECLARE "\w+" NO SCROLL CURSOR WITH HOLD FOR ')


def run(bed: Rig) -> list[Ratio]:
    """Each page among few tickets and among many, then what else is asked among the many."""
    reader = User.objects.get(email="rosa@example.com")
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(reader)
    queue_rows.fill(1, FEW, whole=FEW, lines=LINES_EACH)
    few = _pages(client)
    queue_rows.fill(FEW + 1, TICKETS, whole=TICKETS, lines=LINES_EACH)
    many = _pages(client)
    grown = [
        _ratio(f"{name} ÷ among {FEW:,}", many[name], few[name], _GROWS.get(name, 1.5))
        for name in many
    ]
    return [
        *grown,
        *_first_page(client, reader),
        _header(client),
        *_poll(client),
        _claim(reader),
    ]


def _ratio(name: str, ours: float, limit: float, at_most: float) -> Ratio:
    return Ratio(f"queue: {name}", ours * 1000, limit * 1000, "ms", at_most=at_most)


# --- Pages -----------------------------------------------------------------------------------
def _pages(client: Client) -> dict[str, float]:
    """Seconds of a server's time for each page, the last one of the keyset among them."""
    urls = {**_PAGES, "last keyset page": f"/queue/?tab=open&before={_last_place()}"}
    return {name: _seconds(partial(_get, client, url)) for name, url in urls.items()}


def _last_place() -> str:
    """Where the last page of the open ones begins, in their own order."""
    row = Ticket.objects.unresolved().order_by("-fix_due_at", "-pk")[50]
    return paging._Order(Ticket, "fix_due_at").name_of(row)


def _first_page(client: Client, reader: User) -> list[Ratio]:
    """Beside its rows as raw SQL and the drawing of them, and beside all it asks as raw SQL."""
    ask = partial(_get, client, _PAGES["first page"])
    rows, drawing = _seconds(_raw_rows), _seconds(partial(roomy, _drawing(reader)))
    asked = _statements(ask)
    told, took = _seconds(partial(_tell, asked)), _seconds(ask)
    return [
        _ratio("first page ÷ raw SQL + drawing 50 rows", took, rows + drawing, 3),
        _ratio(f"first page ÷ its {len(asked)} statements + 20 ms", took, told + 0.02, 2),
    ]


def _statements(ask: Callable[[], None]) -> list[str]:
    """All that is asked of the database, as raw SQL; what a cursor would fetch comes at once."""
    ask()
    with CaptureQueriesContext(connection) as asked:
        ask()
    return [_CURSOR.sub("", one["sql"]) for one in asked.captured_queries]


def _tell(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()


def _raw_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM exceptions_ticket WHERE status <> 'resolved' "
            "ORDER BY fix_due_at, id LIMIT 51"
        )
        cursor.fetchall()


def _header(client: Client) -> Ratio:
    """The numbers of what is open, which come after the list: all of it is counted and summed."""
    ask = partial(_get, client, "/queue/?tab=open&numbers=1", headers=HTMX)
    name = f"header numbers among {TICKETS:,} ÷ their raw SQL"
    return _ratio(name, _seconds(ask), _seconds(_raw_numbers), 1.5)


def _raw_numbers() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE status = 'open'), min(opened_at), "
            "count(*) FILTER (WHERE fix_due_at < now() OR acknowledged_at IS NULL "
            "AND ack_due_at < now()) FROM exceptions_ticket WHERE status <> 'resolved'"
        )
        cursor.fetchall()
        cursor.execute(
            "SELECT currency, sum(amount) FROM (SELECT DISTINCT ON (record) currency, amount "
            "FROM exceptions_occurrence WHERE settled_at IS NULL AND amount IS NOT NULL "
            "AND ticket_id IN (SELECT id FROM exceptions_ticket WHERE status <> 'resolved') "
            "ORDER BY record, id DESC) AS last GROUP BY currency"
        )
        cursor.fetchall()


def _drawing(reader: User) -> Callable[[], Any]:
    request: Any = RequestFactory(SERVER_NAME="127.0.0.1").get("/queue/?tab=open")
    request.user, request.now, request.htmx = reader, instant.now(), None
    context = views.list_of(request, Asked.of(request, request.GET), looks.look_of(reader))
    tickets = context["page"].items

    def draw() -> str:
        seen = showing.seen_by(tickets, reader, at=request.now)
        return render_to_string("exceptions/_tickets.html", {**context, "rows": seen}, request)

    return draw


# --- The rest --------------------------------------------------------------------------------
def _poll(client: Client) -> list[Ratio]:
    """The answer to "is there anything new", alone and with how 50 rows stand, beside a view that
    answers nothing, and one that reads those rows and answers nothing."""
    newest = Ticket.objects.order_by("-pk").values_list("pk", flat=True)[0]
    rows = Ticket.objects.unresolved().soonest_due()[:50]
    url = f"/queue/?tab=open&since={newest}&told=0"
    stood = [f"{one.pk}:{bulk.stamp(one)}" for one in rows]
    seen = urlencode({"seen": stood}, doseq=True)
    with override_settings(ROOT_URLCONF="tests.bench.slow_urls"):
        bare, asked, read, told = (
            _seconds(partial(_get, client, url, headers=HTMX), times=4 * TIMES)
            for url in ("/bench-bare/", url, f"/bench-rows/?{seen}", f"{url}&{seen}")
        )
    return [
        _ratio("“3 new” ÷ a bare view", asked, bare, 1.5),
        _ratio("“3 new” and 50 rows' stand ÷ a view that reads them", told, read, 1.5),
    ]


def _claim(reader: User) -> Ratio:
    """A claim with its line on the trail, beside the same as raw SQL."""
    numbers = Ticket.objects.unclaimed().order_by("pk").values_list("pk", flat=True)
    ours, theirs = list(numbers[:CLAIMS]), list(numbers[CLAIMS : 2 * CLAIMS])
    at = instant.now()
    took = _seconds(lambda: desk.claim(ticket_id=ours.pop(), by=reader, at=at), times=CLAIMS)
    raw = _seconds(lambda: _raw_claim(theirs.pop(), reader), times=CLAIMS)
    return _ratio("a claim ÷ its raw SQL", took, raw, 4)


def _raw_claim(number: int, reader: User) -> None:
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exceptions_ticket SET status = 'claimed', claimed_by_id = %s, claimed_at = %s, "
            "last_act_at = %s, next_step_at = %s WHERE id = %s AND status = 'open'",
            [reader.pk, now, now, now, number],
        )
        cursor.execute(
            "INSERT INTO audit_trailline (at, actor_kind, actor_id, actor_label, what, "
            "subject_kind, subject_id, record, before, after, why, cause) VALUES "
            "(%s, 'user', %s, 'Rosa', 'ticket.claimed', 'ticket', %s, %s, '{}', '{}', '', '')",
            [now, str(reader.pk), str(number), f"proposal:{number}"],
        )


def _get(client: Client, url: str, **more: Any) -> None:
    # With room beneath it, as the web server calls.
    answer = roomy(client.get, url, **more)
    assert answer.status_code in (200, 204), (url, answer.status_code)


def _seconds(act: Callable[[], Any], times: int = TIMES) -> float:
    """The median of several; what is made once is made before."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        took.append(time.perf_counter() - started)
    return median(took)
