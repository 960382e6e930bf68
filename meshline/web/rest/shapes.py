"""What the API's answers are made of: errors, pages, people, money and moments."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from ninja import Schema
from pydantic import PlainSerializer, WithJsonSchema

from meshline.masking import MASK
from meshline.money import minor_units
from meshline.people.models import User

Item = TypeVar("Item")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Error(Schema):
    """Every no: a sentence, and the field it is about if it is about one."""

    error: str
    field: str | None


class Page(Schema, Generic[Item]):
    """Some rows, and where the next ones are; `next` is null on the last page."""

    items: list[Item]
    next: str | None


class Person(Schema):
    id: int
    name: str

    @classmethod
    def of(cls, user: User) -> "Person":
        return cls(id=user.pk, name=user.name)


class Money(Schema):
    """An exact amount as text, in its currency's own minor units; "•••" where it is masked."""

    amount: str
    currency: str

    @classmethod
    def of(cls, amount: Decimal | None, currency: str, *, masked: bool) -> "Money | None":
        if amount is None:
            return None
        if masked:
            return cls(amount=MASK, currency=MASK)
        return cls(amount=f"{amount:.{minor_units(currency)}f}", currency=currency)


class Link(Schema):
    """Where a record is in another system."""

    connection: str
    kind: str
    external_id: str
    url: str | None
    linked_at: Moment


# What any request may be answered with beside what it asked for.
_ANY = (400, 401, 403, 404, 406, 411, 413, 415, 422, 429, 500, 503)


def answers(shape: Any, *more: int) -> dict[Any, Any]:
    """The answers of one operation: its shape, and every no it may say."""
    return {200: shape, frozenset({*_ANY, *more}): Error}
