"""Pages of rows, the newest first: each begins where the one before ended, whatever comes in.

A list is walked by its ids alone, which never change: a row that is there from beginning to end
is met exactly once, however many come in and however often it changes meanwhile.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from meshline.web.rest.words import Words

# Every digit stands twice, once turned over: a cursor that was touched is no cursor any more, and
# the document can still say exactly what one looks like.
_PLACES = 15
_DIGIT = "|".join(f"{digit:x}{15 - digit:x}" for digit in range(16))


@dataclass(frozen=True)
class Cursor(Words):
    """A place in the list that `letter` stands for; no other list's cursor is one."""

    letter: str = "x"

    @classmethod
    def of(cls, letter: str) -> "Cursor":
        return cls(
            longest=2 * _PLACES + 1,
            pattern=rf"^{letter}({_DIGIT}){{{_PLACES}}}$",
            says="must be the `next` of this list's page before, just as it came",
            letter=letter,
        )

    def check(self, value: Any) -> Any:
        """The id that the page stands after. Nothing but what we gave out has this form."""
        try:
            text = super().check(value)
        except ValueError:
            raise ValueError(self.says) from None
        return int(text[1::2], 16)

    def name_of(self, pk: int) -> str:
        digits = (int(digit, 16) for digit in f"{pk:0{_PLACES}x}")
        return self.letter + "".join(f"{digit:x}{15 - digit:x}" for digit in digits)

    def page(
        self, rows: QuerySet, *, after: int | None, limit: int
    ) -> tuple[list[Any], str | None]:
        """At most `limit` of these rows below `after`, and the name of the next page."""
        if after is not None:
            rows = rows.filter(pk__lt=after)
        found = list(rows.order_by("-pk")[: limit + 1])
        more = len(found) > limit
        return found[:limit], self.name_of(found[limit - 1].pk) if more else None
