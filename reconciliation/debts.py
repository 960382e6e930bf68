"""Coordination debt: what people do by hand because nothing does it for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions.figures import Number, Table
from exceptions.models import Ticket
from exceptions.showing import Seen
from meshline.people.models import User
from reconciliation import measuring
from reconciliation.asking import Asked, rows_url
from reconciliation.modes import Linked, UrlOf
from reconciliation.numbers import hand_overs, human_touches, records
from reconciliation.seeing import Cell

NUMBERS = [records.NUMBER, human_touches.NUMBER, hand_overs.NUMBER]


HUMAN_MINUTES = "Human minutes a record"
FORMULA = (
    "The minutes that people said they spent on the tickets they resolved in these days, a record "
    "that began in the same days: whole ones, also where the range begins within a day. What "
    "nobody said is not in it."
)


@dataclass(frozen=True)
class Effort:
    """Minutes by people a record, with what it is made of."""

    minutes: Number
    url: str
    records: Cell
    as_of: datetime
    days: str
    label: str = HUMAN_MINUTES
    formula: str = FORMULA

    @property
    def text(self) -> str:
        spent, n = self.minutes.value, self.records.measured.n
        if not n or not self.minutes.rows or not isinstance(spent, int | float):
            return "—"
        return f"{spent / n:.1f}"


def effort(minutes: Linked, asked: Asked) -> Effort:
    """The minutes of the queue's days, against the records of the same days."""
    within = asked.whole_days
    found = measuring.measure([records.NUMBER], within).of(records.NUMBER)
    cell = Cell(found, rows_url(records.NUMBER.name, within))
    return Effort(*minutes, cell, asked.at, asked.days.words)


def causes(table: Table, user: User, url_of: UrlOf) -> list[dict[str, Any]]:
    """What came back in the time, by its newest ticket as this person sees it."""
    tickets = Ticket.objects.in_bulk([int(line.label) for line in table.lines])
    return [
        {
            "title": Seen(tickets[int(line.label)], user).title,
            "sub": tickets[int(line.label)].about.label,
            "cells": [
                (name, line.numbers[name], url_of(line.numbers[name])) for name in table.columns
            ],
        }
        for line in table.lines
    ]
