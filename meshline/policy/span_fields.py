"""A span of business time in the operating model file, with the limits and words of the screens.

A day of it is not the same everywhere, so there are no days.
"""

from meshline.policy import spans
from meshline.sections import Field, Wrong, minutes, span


def business(*, needed: bool = False) -> Field:
    read = minutes("mh", too_short=spans.TOO_SHORT)
    return Field(read, write=span, check=_agreeable, needed=needed)


def _agreeable(value: int) -> None:
    if refusal := spans.refusal(value):
        raise Wrong(refusal)
