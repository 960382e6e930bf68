"""Two workers at the same moment never give the same turn twice, and never wait in a ring."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction

from connectors import digest
from proposals.models import Proposal
from proposals.routing import rulebook
from proposals.routing.turns import Book
from tests import factories
from tests.factories import document, post_pandadoc
from tests.proposals.routes import DEFAULT, pool, publish, rule

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, EACH = 6, 5
SALES = ("sam@example.com", "remy@example.com", "olivia@example.com")


def at_once(*deeds):
    gate = threading.Barrier(len(deeds))

    def do(deed):
        try:
            connection.ensure_connection()
            gate.wait(timeout=10)
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))


def test_who_takes_a_turn_waits_for_whoever_is_taking_one(rosa):
    """Each takes of both pools, in opposite orders, and dawdles before it commits."""
    one = {"field": "title", "op": "is", "value": "One"}
    told = {"field": "title", "op": "is_told"}
    publish(rule("one", one, pool(*SALES)), rule("told", told, pool(*SALES)), DEFAULT, by=rosa)
    rules = rulebook.in_force().rules
    taken = []

    def work(slugs):
        for _ in range(ROUNDS):
            with transaction.atomic():
                book = Book(rules)
                for slug in slugs:
                    person = book.take(rules.rule(slug), SALES).person
                    taken.append((slugs[0], slug, person))
                    time.sleep(0.01)
                book.write()

    at_once(partial(work, ["one", "told"]), partial(work, ["told", "one"]))
    # Nobody's two takings had another's between them, and each pool went round and round.
    assert [worker for worker, _, _ in taken[::2]] == [worker for worker, _, _ in taken[1::2]]
    for slug in ("one", "told"):
        assert [who for _, pool, who in taken if pool == slug] == list(SALES) * (2 * ROUNDS // 3)


def test_two_workers_share_a_backlog(pandadoc, rosa):
    told = {"field": "title", "op": "is_told"}
    publish(rule("told", told, pool(*SALES)), DEFAULT, by=rosa)
    for number in range(ROUNDS):
        events = [document("sent", id=f"{number}-{n}") for n in range(EACH)]
        post_pandadoc(events, event_id=f"{number}")
    at_once(*[partial(digest.digest_batch, most=EACH)] * 4)
    factories.digest_all()
    owners = list(Proposal.objects.values_list("owner__email", flat=True))
    assert [owners.count(email) for email in SALES] == [ROUNDS * EACH / 3] * 3
