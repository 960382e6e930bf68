"""Text as the search knows it: words alone, every sign between them a blank.

Left as it is, an address would be one word to the database, and found by its beginning alone.
"""

import string

from django.db.models import CharField, Func, Value
from django.db.models.functions import Left

_SIGNS = string.punctuation
_BLANKS = " " * len(_SIGNS)
_BLANKED = str.maketrans(_SIGNS, _BLANKS)


# A ticket is found by what it begins with; the database knows words of a million bytes at most.
_LENGTH = 10_000


class Plain(Func):
    """How a column's text begins, without its signs, as the database makes it."""

    function = "translate"

    def __init__(self, column: str) -> None:
        signs = (Value(_SIGNS), Value(_BLANKS))
        super().__init__(Left(column, _LENGTH), *signs, output_field=CharField())


def words(text: str) -> list[str]:
    """The words of what somebody typed."""
    return text.translate(_BLANKED).split()
