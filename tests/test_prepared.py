"""A connection that the server has ended is replaced before a statement fails on it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from meshline import prepared


def end(pid):
    """As a restart of the server does, seen from a connection of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connections.close_all()


def server_process():
    return prepared.rows("SELECT pg_backend_pid()", {})[0][0]


@pytest.mark.django_db(transaction=True)
def test_after_the_server_ended_it_there_is_a_new_one():
    before = server_process()
    prepared.connect_anew_if_gone()
    assert server_process() == before
    with ThreadPoolExecutor(1) as other:
        other.submit(end, before).result()
    prepared.connect_anew_if_gone()
    assert server_process() != before


def test_within_a_transaction_nothing_is_replaced(db):
    before = server_process()
    prepared.connect_anew_if_gone()
    assert server_process() == before
