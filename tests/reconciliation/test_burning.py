"""How what was open burns down, from its stretches alone."""

from datetime import timedelta
from decimal import Decimal

from reconciliation import burning
from reconciliation.burning import Stretch, Sum
from tests.factories import MONDAY

DAY = timedelta(days=1)


def stretch(opened, settled=None, amount=10, currency="EUR"):
    ended = None if settled is None else MONDAY + settled * DAY
    return Stretch(MONDAY + opened * DAY, ended, Decimal(amount), currency)


WEEK = [
    stretch(-9, -8),  # over before it began
    stretch(-9, -1),
    stretch(-3, -2, 5, "CHF"),
    stretch(-2),
    stretch(-1, amount=30),
]


def test_of_what_was_open_then_or_came_since_so_much_is_settled():
    told = burning.progress(WEEK, since=MONDAY - 7 * DAY)
    assert told.all == Sum(4, {"CHF": Decimal(5), "EUR": Decimal(50)})
    assert told.settled == Sum(2, {"CHF": Decimal(5), "EUR": Decimal(10)})
    assert told.left == Sum(2, {"EUR": Decimal(40)})
    assert told.percent == 50


def test_where_nothing_was_open_all_of_it_is_done():
    assert burning.progress([], since=MONDAY).percent == 100


def test_each_point_says_what_was_open_and_what_was_settled_since_the_one_before():
    moments = [MONDAY + days * DAY for days in (-7, -3, -1, 0)]
    points = burning.down(WEEK, moments)
    assert [one.open.count for one in points] == [1, 2, 2, 2]
    assert [one.settled.count for one in points] == [0, 0, 2, 0]
    assert points[1].open.amounts == {"CHF": Decimal(5), "EUR": Decimal(10)}


def test_what_is_settled_at_a_moment_is_open_no_more():
    assert not stretch(-1, 0).is_open(MONDAY)
    assert stretch(0).is_open(MONDAY)
