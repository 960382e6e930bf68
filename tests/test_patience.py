"""While the database hangs one at a time waits for it, and nobody else."""

import threading

import pytest
from django.db import OperationalError

from meshline import patience


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    """Whoever fails here waited long enough to say that it was in vain."""
    monkeypatch.setattr(patience, "_seen", patience._Seen())
    monkeypatch.setattr(patience, "_IN_VAIN_SECONDS", 0.0)


def in_vain(times=1):
    for _ in range(times):
        with pytest.raises(OperationalError), patience.trying(1):
            raise OperationalError("shut")


@pytest.fixture
def somebody_waits():
    """In a thread of their own, until told how it ends for them."""
    waits, over = threading.Event(), threading.Event()
    outcome = []

    def wait():
        try:
            with patience.trying(9):
                waits.set()
                over.wait(20)
                if outcome:
                    raise outcome[0]
        except OperationalError:
            pass

    thread = threading.Thread(target=wait)

    def begin():
        thread.start()
        assert waits.wait(20)

    def end(error=None):
        outcome.extend([error] if error else [])
        over.set()
        thread.join()

    yield begin, end
    end()


def asked():
    with patience.trying(1):
        return True


def test_a_single_one_who_asked_for_too_much_stops_nobody(somebody_waits):
    in_vain()
    somebody_waits[0]()
    assert asked()


def test_after_two_in_a_row_one_at_a_time_tries_and_the_others_hear_so_at_once(somebody_waits):
    begin, end = somebody_waits
    in_vain(times=2)
    begin()
    with pytest.raises(patience.Unanswered):
        asked()
    end()
    # It answered.
    assert asked()
    assert patience._seen.in_vain == 0


def test_it_hangs_on_until_somebody_is_answered(somebody_waits):
    begin, end = somebody_waits
    in_vain(times=2)
    begin()
    end(OperationalError("shut"))
    assert patience._seen.in_vain == 3
    # The next one tries.
    assert asked()


def test_between_two_in_vain_an_answer_counts(somebody_waits):
    in_vain()
    assert asked()
    in_vain()
    somebody_waits[0]()
    assert asked()


def test_who_needs_no_database_proves_nothing():
    in_vain(times=2)
    with patience.trying(1, proves=False):
        pass
    assert patience._seen.in_vain == 2


def test_what_fails_at_once_is_away_and_does_not_hang(monkeypatch):
    monkeypatch.setattr(patience, "_IN_VAIN_SECONDS", 1.0)
    in_vain(times=5)
    assert patience._seen.in_vain == 0
