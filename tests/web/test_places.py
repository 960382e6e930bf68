"""One thread of each web process is kept for webhooks."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from meshline.web.places import WAIT_SECONDS, Places


def taken_elsewhere(places, over):
    """Somebody takes a place and keeps it until it is over; whether they got one."""
    has_taken, answers = threading.Event(), []

    def take():
        answers.append(places.take())
        has_taken.set()
        over.wait(20)
        places.leave()

    thread = threading.Thread(target=take)
    thread.start()
    has_taken.wait(20)
    return answers[0], thread


def timed(act):
    began = time.monotonic()
    return act(), time.monotonic() - began


def test_all_places_but_one_are_taken_and_given_back():
    places, over = Places(), threading.Event()
    places.open_for(3)
    (first, one), (second, other) = (taken_elsewhere(places, over) for _ in range(2))
    assert (first, second) == (True, True)
    has_one, seconds = timed(places.take)
    assert not has_one
    assert seconds >= WAIT_SECONDS
    # Who comes after that does not even wait: it would be in the thread that is kept free.
    has_one, seconds = timed(places.take)
    assert not has_one
    assert seconds < WAIT_SECONDS
    over.set()
    one.join()
    other.join()
    assert places.take()
    places.leave()


def test_one_thread_has_one_place_however_often_it_asks():
    places = Places()
    places.open_for(2)
    assert all(places.take() for _ in range(3))
    places.leave()
    places.leave()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(places.take).result()


def test_with_one_thread_there_is_one_place_and_untold_there_is_no_end():
    places, over = Places(), threading.Event()
    untold = [taken_elsewhere(places, over) for _ in range(9)]
    assert all(has_one for has_one, _ in untold)
    over.set()
    for _, thread in untold:
        thread.join()
    places.open_for(1)
    assert places.take()
