"""Deep calls do not ask the system for memory again and again."""

import resource

from meshline.shell.frames import roomy

CALLS = 500


def deep(depth):
    """Somewhere down there, call something many times."""
    if depth:
        return deep(depth - 1)
    return [nothing() for _ in range(CALLS)]


def nothing():
    return None


def page_faults(act, *args):
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    act(*args)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def test_at_no_depth_do_calls_ask_the_system_for_memory():
    assert max(page_faults(roomy, deep, depth) for depth in range(200)) < CALLS / 10


def test_what_it_calls_answers():
    assert roomy(divmod, 7, 2) == (3, 1)
