"""Room for deep calls: their frames in one piece of memory, however deep a page's templates nest.

CPython keeps the frames of a thread in pieces of 16 kB. A call that does not fit takes a new piece
from the system and gives it back when it returns. Where a loop calls across such an edge, each of
its calls does so: a queue page of 50 rows met 4,600 page faults, more than a quarter of its time.
"""

from collections.abc import Callable
from typing import Any

# Of 8 bytes each. A frame that asks for this much is given a piece of twice its size, and the rest
# of it, half a megabyte, is the room for all that is called from there.
_SLOTS = 2**16


def roomy(act: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
    """What `act` answers, called with room beneath it."""
    return act(*args, **named)


# Its own frame is only asked for: nothing is ever written to most of it.
roomy.__code__ = roomy.__code__.replace(co_stacksize=_SLOTS)
